# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# image.sh - what the guest boots from
#
# Three layers: the userland and the kernel's modules, both squashfs and made once;
# over them, for each run, an initramfs with the module, the tools and the test.
# Sets initrd.

# What the initramfs needs to reach the other two layers, in order of loading.
boot_modules() {
	local name

	for name in $([ "$arch" = um ] || echo nfit nd_pmem) squashfs overlay; do
		modprobe -d "$kernel_root" -S "$release" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ {print $2}'
}

# depmod knows only whole trees: the kernel's, by a link, with ours in it.
depmod_with_ours() {
	local tree=$1 fake=$work/depmod/lib/modules/$release
	local of_kernel=$kernel_root/lib/modules/$release

	mkdir -p "$fake"
	ln -s "$of_kernel/kernel" "$tree/extra" "$fake/"
	cp "$of_kernel"/modules.{order,builtin,builtin.modinfo} "$fake/"
	depmod -b "$work/depmod" "$release"
	cp "$fake"/modules.* "$tree/"
}

unpack_busybox() {
	local dir=$1.dir

	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$dir" && apt_for bookworm apt-get -qq download busybox-static &&
		dpkg-deb -x busybox-static*.deb .) || return 1
	mv "$dir/bin/busybox" "$1"
	rm -rf "$dir"
}

# image_make LIMIT SCRIPT FILE... - the initramfs of one run
image_make() {
	local limit=$1 script=$2 root=$work/root tree=$work/root/tree path name

	shift
	once busybox unpack_busybox

	# bin and what init needs to reach the layers; tree goes over them.
	mkdir -p "$root"/{bin,proc,sys,dev,modules,layer/{user,modules,rw},new} \
		"$tree"/{test,etc/modprobe.d,usr/sbin,"usr/lib/modules/$release/extra"}
	cp "$cache/busybox" "$root/bin/"
	cp "$here/init" "$root/"
	: >"$root/modules/order"	# there may be none to load
	boot_modules | while read -r path; do
		cp "$path" "$root/modules/"
		echo "${path##*/}" >>"$root/modules/order"
	done
	cp "$here/stage2" "$tree/"
	for path in "$built"/*.ko; do
		strip --strip-debug "$path" \
			-o "$tree/usr/lib/modules/$release/extra/${path##*/}"
	done
	depmod_with_ours "$tree/usr/lib/modules/$release"
	# As make install would.
	cp "$top/tools/esplanade.conf" "$tree/etc/modprobe.d/"
	for path in "$top"/tools/{setkey,esplanade}/*; do
		[ ! -f "$path" ] || [ ! -x "$path" ] || cp "$path" "$tree/usr/sbin/"
	done
	cp -rL "$@" "$tree/test/"
	name=${script##*/}
	chmod +x "$tree/test/$name"
	printf '%s\n' "script=${name@Q}" "limit=$limit" "out=${coverage@Q}" >"$tree/run.conf"

	# Nothing of this machine in it, or instruction counts would differ.
	find "$root" -exec touch -h -d @0 {} +
	initrd=$work/initrd
	(cd "$root" && find . | LC_ALL=C sort |
		cpio -o -H newc -R 0:0 --reproducible --quiet) >"$initrd"
}
