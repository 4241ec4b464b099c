# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# image.sh - what the virtual machine runs on
#
# Three layers: a userland of Debian packages, and the kernel's modules, both as
# squashfs and made once; and for each run a small initramfs with the module, the
# tools and the test. Sets userland and modules.

base_packages=(bash coreutils sed grep mawk gawk findutils diffutils procps
	util-linux mount kmod hostname iproute2 iputils-ping tcpdump iperf3 nftables
	ethtool wireguard-tools curl socat netcat-openbsd busybox netbase libc-bin
	iptables conntrack bsdextrautils xxd)
python_packages=(python3 python3-scapy python3-cryptography)

unpack_userland() {
	local out=${*: -1} dir root deb
	local list=("${@:1:$#-1}")

	dir=$cache/apt-bookworm
	root=$out.root
	rm -rf "$root"
	mkdir -p "$root"
	# Asked with an empty archive, or it leaves out what has been fetched before.
	apt_for bookworm apt-get -qq -y -o Dir::Cache::archives="$root" --print-uris \
		install "${list[@]}" >"$out.uris" || return 1
	apt_for bookworm apt-get -qq -y --download-only install "${list[@]}" \
		>/dev/null || return 1
	mkdir -p "$root"/{proc,sys,dev,run,tmp,test,etc,root,var/lib,usr/{bin,sbin,lib,lib64}}
	for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
	# A package of a merged /usr may still name /bin: tar follows the links.
	while read -r _ deb _; do
		dpkg-deb --fsys-tarfile "$cache/apt-bookworm/archives/$deb" |
			tar -x -C "$root" --keep-directory-symlink || return 1
	done <"$out.uris"
	rm -rf "$root"/usr/share/{doc,man,locale,info,lintian,bash-completion}
	ln -sf mawk "$root/usr/bin/awk"
	ln -sf bash "$root/usr/bin/sh"
	for dir in iptables ip6tables; do
		ln -sf xtables-nft-multi "$root/usr/sbin/$dir"
	done
	ln -sf nc.openbsd "$root/usr/bin/nc"
	printf '%s\n' root:x:0:0:root:/root:/bin/bash \
		tcpdump:x:100:100::/:/usr/sbin/nologin \
		nobody:x:65534:65534::/:/usr/sbin/nologin >"$root/etc/passwd"
	printf '%s\n' root:x:0: tcpdump:x:100: nogroup:x:65534: >"$root/etc/group"
	echo 'hosts: files' >"$root/etc/nsswitch.conf"
	ln -sf /run/hosts "$root/etc/hosts"
	mksquashfs "$root" "$out" -comp lz4 -all-root -no-progress -quiet >/dev/null
	rm -rf "$root" "$out.uris"
}

image_userland() {
	local list=("${base_packages[@]}") name

	[ "$1" = 0 ] || list+=("${python_packages[@]}")
	name=userland-$(printf '%s\n' "${list[@]}" "$(sha256sum <"$here/image.sh")" |
		sha256sum | cut -c1-12)
	[ -e "$cache/$name" ] ||
		step "unpacking the userland" once "$name" unpack_userland "${list[@]}"
	userland=$cache/$name
}

squash_modules() {
	mksquashfs "$kernel/lib/modules" "$1" -comp lz4 -all-root -no-progress \
		-quiet >/dev/null
}

image_modules() {
	[ -e "$cache/modules-$release" ] ||
		step "packing the modules of $release" \
			once "modules-$release" squash_modules
	modules=$cache/modules-$release
}

# What the initramfs needs to reach the other two layers, in order of loading.
boot_modules() {
	local name

	for name in virtio_pci virtio_blk squashfs overlay; do
		modprobe -d "$kernel" -S "$release" --show-depends "$name" 2>/dev/null |
			awk '$1 == "insmod" {print $2}'
	done | awk '!seen[$0]++'
}

# image_test WORK LIMIT SCRIPT FILE... - the initramfs of one run
image_test() {
	local work=$1 limit=$2 script=$3 root=$1/root tree=$1/root/tree path

	shift 2
	mkdir -p "$root"/{bin,proc,sys,dev,modules,lower,upper,new} \
		"$tree"/{test,usr/bin,"usr/lib/modules/$release/extra"}
	once busybox unpack_busybox
	cp "$cache/busybox" "$root/bin/busybox"
	cp "$here/init" "$root/init"
	cp "$here/stage2" "$tree/stage2"
	depmod_once
	boot_modules | while read -r path; do
		cp "$path" "$root/modules/"
		echo "${path##*/}" >>"$root/modules/order"
	done
	cp "$module" "$tree/usr/lib/modules/$release/extra/"
	strip --strip-debug "$tree/usr/lib/modules/$release/extra/esplanade.ko"
	depmod_with_ours "$tree"
	cp "$top/tools/setkey/setkey" "$tree/usr/bin/"
	cp "$@" "$tree/test/"
	printf '%s\n' "script=$(basename "$script")" "limit=$limit" >"$tree/run.conf"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
}

unpack_busybox() {
	local dir=$1.dir

	mkdir -p "$dir"
	(cd "$dir" && apt_for bookworm apt-get -qq download busybox-static &&
		dpkg-deb -x busybox-static*.deb .) || return 1
	cp "$dir/bin/busybox" "$1"
	rm -rf "$dir"
}

# The kernel package comes without modules.dep: it is made where it is installed.
depmod_once() {
	[ -e "$kernel/lib/modules/$release/modules.dep.bin" ] ||
		depmod -b "$kernel" "$release"
}

# depmod knows only whole trees: ours is the kernel's, by links, and one more.
depmod_with_ours() {
	local tree=$1 fake=$work/fake/lib/modules/$release name

	mkdir -p "$fake/extra"
	ln -s "$kernel/lib/modules/$release/kernel" "$fake/kernel"
	for name in order builtin builtin.modinfo; do
		cp "$kernel/lib/modules/$release/modules.$name" "$fake/" 2>/dev/null || :
	done
	cp "$module" "$fake/extra/"
	depmod -b "$work/fake" "$release"
	cp "$fake"/modules.* "$tree/usr/lib/modules/$release/"
}
