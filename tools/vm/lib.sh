# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lib.sh - what the parts of tools/vm share: words for failures, the cache, apt

cache=${ESPLANADE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/esplanade}
PATH=$PATH:/usr/sbin:/sbin	# depmod, for an ordinary user
mkdir -p "$cache"

# In the middle of tools/vm/run this is the status that no script should use.
die() {
	printf 'vm: %s\n' "$*" >&2
	exit 98
}

need() {
	local tool

	for tool; do
		command -v "$tool" >/dev/null ||
			die "$tool is missing: run tools/deps"
	done
}

# step WHAT COMMAND... - run what may take long, say so, and how long it took
step() {
	local what=$1 began=$SECONDS

	shift
	printf 'vm: %s ...' "$what" >&2
	"$@" || { echo >&2; return 1; }
	printf ' %d s\n' $((SECONDS - began)) >&2
}

# once NAME COMMAND... - make $cache/NAME by COMMAND $cache/NAME.tmp, unless made
#
# Several runs may want it at once: the first makes it, the others wait.
once() {
	local name=$1

	shift
	[ ! -e "$cache/$name" ] || return 0
	(
		flock 9
		[ ! -e "$cache/$name" ] || exit 0
		rm -rf "$cache/$name.tmp"
		"$@" "$cache/$name.tmp" || exit 1
		mv "$cache/$name.tmp" "$cache/$name"
	) 9>"$cache/$name.lock" || die "could not make $cache/$name"
}

# The main archive, as this machine's own apt knows it.
mirror() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(CODENAME)' \
		'Created-By: Packages' |
		awk '$2 == "Debian" && $3 == "main" && $4 !~ /security/ {print $1; exit}'
}

# apt_for SUITE COMMAND... - apt-get or apt-cache with sources and a state apart
#
# The state knows no installed packages, so that a package comes with all that
# it needs. One at a time, by our lock: apt's own does not wait, and wants root. The
# index is fetched anew when it is older than an hour: packages leave the archive.
apt_for() {
	local suite=$1 dir=$cache/apt-$1

	shift
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	(
		flock 9
		export APT_CONFIG=$dir/conf
		if [ -z "$(find "$dir/fresh" -mmin -60 2>/dev/null)" ]; then
			apt_sources "$suite" "$dir"
			apt-get -qq update >&2 || die "apt cannot reach Debian's $suite"
			touch "$dir/fresh"
		fi
		"$@"
	) 9>"$dir/lock"
}

apt_sources() {
	local suite=$1 dir=$2 archive

	archive=$(unset APT_CONFIG; mirror)
	[ -n "$archive" ] || die "apt knows no Debian archive: run apt-get update"
	: >"$dir/status"
	cat >"$dir/conf" <<-CONF
	Dir::State::lists "$dir/lists";
	Dir::State::status "$dir/status";
	Dir::Cache "$dir";
	Dir::Etc::sourcelist "$dir/sources";
	Dir::Etc::sourceparts "/dev/null";
	APT::Sandbox::User "root";
	APT::Install-Recommends "false";
	Debug::NoLocking "true";
	CONF
	printf '%s [signed-by=%s] %s %s main\n' \
		deb /usr/share/keyrings/debian-archive-keyring.gpg "$archive" "$suite" \
		deb-src /usr/share/keyrings/debian-archive-keyring.gpg "$archive" "$suite" \
		>"$dir/sources"
}

# unpack_debian SUITE PACKAGE... ROOT - a root folder of packages and their needs
#
# Unpacked, not installed: no maintainer script runs, so that the alternatives
# are linked here. It needs no rights.
unpack_debian() {
	local suite=$1 root=${*: -1} dir deb
	local packages=("${@:2:$#-2}")

	mkdir -p "$root/debs/partial" "$root"/{proc,sys,dev,run,tmp,etc,root} \
		"$root"/{var/lib,usr/{bin,sbin,lib,lib64}}
	for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
	apt_for "$suite" apt-get -qq -y -o "Dir::Cache::archives=$root/debs" \
		--download-only install "${packages[@]}" >/dev/null || return 1
	# A package of a merged /usr may still name /bin: tar follows the links.
	for deb in "$root"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$root" --keep-directory-symlink || return 1
	done
	rm -rf "$root/debs" "$root"/usr/share/{doc,man,locale,info,lintian}
	ln -sf mawk "$root/usr/bin/awk"
	ln -sf dash "$root/usr/bin/sh"
}

# squash ROOT OUT - padded as a memory device must be, which costs no disk
squash() {
	mksquashfs "$1" "$2" -comp lz4 -all-root -no-progress -quiet >/dev/null &&
		truncate -s %128M "$2"
}
