# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# kernel.sh - fetch a Debian kernel with its headers, and build the module for it
#
# kernel_fetch sets release, vmlinux (the uncompressed kernel), kernel_root (what
# the guest sees of it), modules (the same as an image) and headers; kernel_build
# sets module.
# Packages are unpacked, never installed. Their names carry the ABI, which moves,
# so they are looked up in the index; what has been fetched stays in the cache.

# kernel_series VERSION - where it comes from, and what builds its modules
#
# A kernel built by a compiler that this machine does not have has its modules
# built in a small Debian of its own.
kernel_series() {
	series=$1 compiler='' compiler_suite='' arch=''
	case $series in
	6.1) suite=bookworm ;;
	6.12) suite=bookworm-backports ;;
	7.2) suite=sid compiler=gcc-14 compiler_suite=trixie ;;
	sanitized) ;;
	*) die "no kernel $series here: 6.1, 6.12, 7.2 or sanitized" ;;
	esac
}

# The newest of the series that Debian has now.
kernel_image() {
	apt_for "$suite" apt-cache search --names-only \
		"^linux-image-${series//./\\.}[.+][^ ]*-cloud-amd64\$" |
		awk '{print $1}' | sort -V | tail -n 1
}

fetch_debs() {
	local dir=$1

	shift
	mkdir -p "$dir"
	(cd "$dir" && apt_for "$suite" apt-get -qq download "$@")
}

unpack_kernel() {
	local out=$1 image names makefile

	image=$(kernel_image)
	[ -n "$image" ] || die "Debian's $suite has no kernel $series"
	names=("$image" "${image/image/headers}")
	# From 7.x on the image is in parts.
	mapfile -t -O 2 names < <(apt_for "$suite" apt-cache show "${names[@]}" |
		sed -n 's/^Depends: //p' |
		grep -oE 'linux-(headers|kbuild|base|binary|modules)-[0-9][^ ,]*' |
		sort -u)
	step "fetching ${image#linux-image-}" \
		fetch_debs "$out/debs" "${names[@]}" || return 1
	step "unpacking it" unpack_kernel_debs "$out" "${image#linux-image-}"
}

# Two folders: root is for the guest, the rest stays here to build with.
unpack_kernel_debs() {
	local out=$1 release=$2 deb headers=$1/usr/src/linux-headers-$2
	local modules=$1/root/usr/lib/modules

	mkdir -p "$out/root/usr/lib"
	ln -s usr/lib "$out/root/lib"
	for deb in "$out"/debs/*.deb; do
		dpkg-deb -x "$deb" "$out" || return 1
	done
	mv "$out"/lib/modules "$modules" 2>/dev/null ||
		mv "$out"/usr/lib/modules "$modules" || return 1
	# Emulated, unpacking them one by one takes seconds of every run.
	find "$modules" -name '*.ko.xz' -exec xz -d {} + || return 1
	depmod -b "$out/root" "$release" || return 1
	squash "$out/root" "$out/modules" || return 1
	# The headers say where they would be if they were installed.
	# shellcheck disable=SC2016 # make's variable
	sed -i -e "s|=/usr/src/${headers##*/}\$|=\$(CURDIR)|" \
		-e 's|/usr/src/|$(CURDIR)/../|' "$headers/Makefile" || return 1
	"$here/extract-vmlinux" "$(find "$out" -name 'vmlinuz*' -type f | head -n 1)" \
		"$out/vmlinux" || return 1
	rm -rf "$out/debs"
	echo "$release" >"$out/release"
}

kernel_fetch() {
	local dir

	kernel_series "$1"
	if [ "$series" = sanitized ]; then
		arch=um
		dir=$cache/$(sanitized_name)
		series=${dir##*/linux-}
		once "${dir##*/}" unpack_sanitized
	else
		dir=$cache/linux-$series
		once "linux-$series" unpack_kernel
	fi
	release=$(cat "$dir/release")
	vmlinux=$dir/vmlinux
	modules=$dir/modules
	kernel_root=$dir/root
	headers=$dir/usr/src/linux-headers-$release
}

unpack_compiler() {
	step "unpacking $compiler" unpack_debian "$compiler_suite" "$compiler" make \
		libc6-dev libelf1 bash dash coreutils findutils diffutils sed grep \
		mawk "$1" &&
		mkdir "$1/build" "$1/kernel"
}

# The sources' copy is $build wherever it lies: __FILE__ and the module itself do
# not tell one cache from another.
run_kbuild() {
	local args=(${arch:+"ARCH=$arch"} "CONFIG_DEBUG_INFO_BTF_MODULES=" modules)

	# shellcheck disable=SC2206 # words for make
	args+=(${ESPLANADE_KBUILD:-})
	if [ -z "$compiler" ]; then
		make -C "$headers" M="$build" \
			KCFLAGS="-ffile-prefix-map=$build/=" "${args[@]}"
		return
	fi
	once "$compiler" unpack_compiler
	# Mounts of its own, which end with it; an ordinary user may have them, too.
	# The headers use attributes that only the kernel's own compiler knows.
	# shellcheck disable=SC2016 # expanded inside
	unshare --map-root-user --mount sh -ec '
		root=$1 kernel=$2 build=$3
		shift 3
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount --bind "$kernel" "$root/kernel"
		mount --bind "$build" "$root/build"
		PATH=/usr/sbin:/usr/bin exec chroot "$root" "$@"
	' sh "$cache/$compiler" "${headers%/usr/src/*}" "$build" \
		make -C "/kernel/usr/src/${headers##*/}" M=/build CC="$compiler" \
		KCFLAGS="-ffile-prefix-map=/build/= -Wno-attributes" "${args[@]}"
}

# build_copy NAME FROM [RSYNC OPTION...] - build the modules of a copy of FROM, and
# put them into the folder $built, if that is set, before another run builds
#
# The sources are copied, so that each kernel and each set of arguments has its
# objects apart, and only what changed is compiled. Sets build.
build_copy() {
	local name=$1 from=$2 log

	shift 2
	build=$cache/build/$name-$(printf '%s\n' "$top" "${ESPLANADE_KBUILD:-}" |
		sha256sum | cut -c1-12)
	log=$build.log
	mkdir -p "$build"
	(
		flock 8
		rsync -rlc --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' \
			--exclude='.*.cmd' --exclude='*.symvers' --exclude='*.gcno' --exclude='modules.order' \
			"$@" "$from/" "$build/" || exit 98
		if ! run_kbuild >"$log" 2>&1; then
			cat "$log" >&2
			die "what is in $from does not build for Linux $release"
		fi
		# Warnings, with what belongs to them.
		grep -vE '^make|^  [A-Z]+( \[M\])? |^warning: (the compiler|pahole version) differs|^  (The kernel was|You are) ' \
			"$log" >&2
		[ -z "${built:-}" ] || cp "$build"/*.ko "$built/"
		# What gcov needs to know of the code, beside what the guest will count.
		[ -z "${coverage:-}" ] || [ ! -d "$build/kmod" ] ||
			cp "$build"/kmod/*.gcno "$coverage/"
	) 8>"$build.lock" || exit 98
}

# kernel_build - build the module
kernel_build() {
	build_copy "$series" "$top" --include='/Kbuild' --include='/META' \
		--include='/kmod/***' --include='/uapi/***' --exclude='*'
	module=${built:-$build}/esplanade.ko
}

# modules_build - build what tests need besides
modules_build() {
	build_copy "$series-modules" "$top/selftests/modules"
}
