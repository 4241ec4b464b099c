# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# kernel.sh - fetch a Debian kernel with its headers, and build the module for it
#
# Sets vmlinux, release, kernel (where its packages are unpacked) and module.
# Packages are unpacked, never installed. Their names carry the ABI, which moves,
# so they are looked up in the index; what has been fetched stays in the cache.

suite_of() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo bookworm-backports ;;
	*) echo sid ;;
	esac
}

# newest SUITE VERSION - the kernel of that series that Debian has now
newest() {
	apt_for "$1" apt-cache search --names-only \
		"^linux-image-${2//./\\.}[.+][^ ]*-cloud-amd64\$" |
		awk '{print $1}' | sort -V | tail -n 1
}

unpack_kernel() {
	local version=$1 out=$2 suite image headers needs

	suite=$(suite_of "$version")
	image=$(newest "$suite" "$version")
	[ -n "$image" ] || die "Debian has no kernel $version any more"
	headers=${image/image/headers}
	# From 7.x on the image is in parts.
	needs=$(apt_for "$suite" apt-cache show "$image" "$headers" |
		sed -n 's/^Depends: //p' | grep -oE \
		'linux-(headers-[^ ,]*-common|kbuild-[^ ,]*|base-[^ ,]*|binary-[^ ,]*|modules-[^ ,]*)' |
		sort -u)
	mkdir -p "$out/debs"
	# shellcheck disable=SC2086 # a list
	(cd "$out/debs" && apt_for "$suite" apt-get -qq download \
		"$image" "$headers" $needs) || return 1
	for deb in "$out"/debs/*.deb; do
		dpkg-deb -x "$deb" "$out" || return 1
	done
	mkdir -p "$out/lib"
	rm -rf "$out/debs"
	echo "${image#linux-image-}" >"$out/release"
	# The headers say where they would be if they were installed.
	[ -n "$(compiler_of "$version")" ] ||
		sed -i "s|/usr/src|${out%.tmp}/usr/src|g" \
			"$out/usr/src/linux-headers-$(cat "$out/release")/Makefile"
	[ ! -d "$out/usr/lib/modules" ] || mv "$out/usr/lib/modules" "$out/lib/"
	"$here/extract-vmlinux" "$(find "$out" -name 'vmlinuz*' -type f | head -n 1)" \
		"$out/vmlinux"
}

kernel_fetch() {
	[ -e "$cache/kernel-$1" ] ||
		step "fetching Linux $1" once "kernel-$1" unpack_kernel "$1"
	kernel=$cache/kernel-$1
	vmlinux=$kernel/vmlinux
	release=$(cat "$kernel/release")
}

# A kernel built by a newer compiler than this machine's has its modules built in
# a small Debian of its own.
compiler_of() {
	case $1 in
	7.2) echo gcc-14 ;;
	esac
}

unpack_compiler() {
	local compiler=$1 out=$2

	[ "$(id -u)" -eq 0 ] || die "building for a kernel this new needs root, for chroot"
	need debootstrap
	debootstrap --variant=minbase \
		--include="$compiler,make,libc6-dev,libelf1t64" \
		trixie "$out" "$(mirror)" >"$cache/debootstrap.log" 2>&1 ||
		die "debootstrap failed: see $cache/debootstrap.log"
	rm -rf "$out"/var/cache/apt/archives/*.deb
}

make_module() {
	local compiler

	compiler=$(compiler_of "$version")
	if [ -z "$compiler" ]; then
		# shellcheck disable=SC2086 # words for make
		make -C "$kernel/usr/src/linux-headers-$release" M="$build" \
			CONFIG_DEBUG_INFO_BTF_MODULES= ${ESPLANADE_KBUILD:-} modules
		return
	fi
	[ -e "$cache/$compiler" ] ||
		step "fetching $compiler" once "$compiler" unpack_compiler "$compiler"
	# Mounts of its own, which end with it.
	# shellcheck disable=SC2016,SC2086 # expanded inside; words for make
	unshare -m sh -c '
		root=$1 kernel=$2 build=$3 release=$4 compiler=$5
		shift 5
		mount -t proc proc "$root/proc" &&
		mkdir -p "$root/build" "$root/kernel" &&
		mount --bind "$build" "$root/build" &&
		mount --bind "$kernel/usr/src" "$root/usr/src" &&
		tools=$(basename "$kernel"/usr/lib/linux-kbuild-*) &&
		mkdir -p "$root/usr/lib/$tools" &&
		mount --bind "$kernel/usr/lib/$tools" "$root/usr/lib/$tools" &&
		exec chroot "$root" make -C "/usr/src/linux-headers-$release" M=/build \
			CC="$compiler" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
	' sh "$cache/$compiler" "$kernel" "$build" "$release" "$compiler" \
		KCFLAGS=-Wno-attributes ${ESPLANADE_KBUILD:-}
}

# The sources are copied, so that each kernel has its objects apart.
kernel_build_module() {
	local log

	version=$1
	build=$cache/build-$1/$(printf %s "$top" | sha256sum | cut -c1-12)
	module=$build/esplanade.ko
	mkdir -p "$build"
	exec 8>"$build.lock"
	flock 8
	rsync -rcl --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' \
		--exclude='.*.cmd' --exclude='*.symvers' --exclude='modules.order' \
		"$top/Kbuild" "$top/META" "$top/kmod" "$top/uapi" "$build/"
	log=$build.log
	if ! make_module >"$log" 2>&1; then
		cat "$log" >&2
		die "the module does not build for Linux $release"
	fi
	grep -E '(kmod|uapi)/.*(warning|error):' "$log" >&2 || true
	flock -u 8
}
