# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# lib.sh - what the other parts of vm/run share

die() {
	printf 'vm: %s\n' "$*" >&2
	exit 98
}

need() {
	local tool

	for tool; do
		command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin \
			command -v "$tool" >/dev/null ||
			die "$tool is missing: run tools/deps"
	done
}

# step WHAT COMMAND... - run what may take long, say so, and how long it took
step() {
	local what=$1 began=$SECONDS

	shift
	printf 'vm: %s ...' "$what" >&2
	"$@"
	printf ' %d s\n' $((SECONDS - began)) >&2
}

keep_log() {
	local kept

	kept=$(mktemp "${TMPDIR:-/tmp}/esplanade-console.XXXXXX")
	cp "$work/console" "$kept" 2>/dev/null || true
	printf 'vm: %s; the kernel log is %s\n' "$1" "$kept" >&2
}

# once NAME COMMAND... - make $cache/NAME by COMMAND NAME.tmp, unless it is there
#
# Several runs may want it at once: the first makes it, the others wait.
once() {
	local name=$1

	shift
	[ -e "$cache/$name" ] && return
	mkdir -p "$(dirname "$cache/$name")"
	(
		flock 9
		[ ! -e "$cache/$name" ] || exit 0
		rm -rf "$cache/$name.tmp"
		"$@" "$cache/$name.tmp" || exit 1
		mv "$cache/$name.tmp" "$cache/$name"
	) 9>"$cache/$name.lock" || die "could not make $name"
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
# it needs. The index is fetched anew once a day.
apt_for() {
	local suite=$1 dir=$cache/apt-$1

	shift
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	(
		flock 9
		[ -n "$(find "$dir/lists" -name '*Packages*' -mmin -1440 2>/dev/null)" ] &&
			exit 0
		[ -n "$(mirror)" ] || apt-get -qq update
		cat >"$dir/conf" <<-CONF
		Dir::State::lists "$dir/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$dir";
		Dir::Etc::sourcelist "$dir/sources";
		Dir::Etc::sourceparts "/dev/null";
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		CONF
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" \
			>"$dir/sources"
		APT_CONFIG=$dir/conf apt-get -qq update >&2
		touch "$dir"/lists/*Packages*
	) 9>"$dir/lock" || die "apt cannot reach Debian's $suite"
	APT_CONFIG=$dir/conf "$@"
}
