# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# uml.sh - the sanitized kernel: Linux as a program (User-Mode-Linux), built here
#
# Debian's source of 7.2 with the options of sanitized.config. What is kept looks
# like a stock kernel's folder (kernel.sh): vmlinux, which is the program; root, the
# guest's modules; and what modules are built with, in usr/src.

configure_sanitized() {
	local lost

	make -s ARCH=um tinyconfig >/dev/null || return 1
	scripts/kconfig/merge_config.sh -m .config "$here/sanitized.config" >/dev/null ||
		return 1
	make -s ARCH=um olddefconfig || return 1
	lost=$(grep -E '^(# )?CONFIG_' "$here/sanitized.config" | grep -vxFf .config) || :
	[ -z "$lost" ] || die "these options do not stick:
$lost"
}

# In $out/source, which is of no use afterwards but for what modules need.
build_sanitized() {
	local out=$1 headers
	local make=(make -s -j "$(nproc)" ARCH=um LOCALVERSION=-sanitized)

	cd "$out/source" || return 1
	configure_sanitized || return 1
	"${make[@]}" linux modules >"$out/log" 2>&1 ||
		{ tail -n 30 "$out/log"; return 1; }
	release=$("${make[@]}" kernelrelease)
	"${make[@]}" INSTALL_MOD_PATH="$out/root/usr" modules_install >>"$out/log" || return 1
	rm -f "$out/root/usr/lib/modules/$release/"{build,source}
	mv linux "$out/vmlinux"
	headers=$out/usr/src/linux-headers-$release
	mkdir -p "$headers/arch"
	mv Makefile Kbuild .config Module.symvers include scripts "$headers/"
	mv arch/um arch/x86 "$headers/arch/"
	find "$headers/arch" -name '*.[cSo]' -delete
	echo "$release" >"$out/release"
}

unpack_sanitized() {
	local out=$1 version=7.2

	mkdir -p "$out/deb" "$out/source" "$out/root/usr"
	ln -s usr/lib "$out/root/lib"
	(cd "$out/deb" &&
		step "fetching Linux $version" \
			apt_for sid apt-get -qq download "linux-source-$version" &&
		dpkg-deb --fsys-tarfile linux-source-*.deb |
		tar -xO "./usr/src/linux-source-$version.tar.xz" |
		tar -xJ -C "$out/source" --strip-components=1) || return 1
	rm -r "$out/deb"
	# As a program of its own, so that the configuration may call die.
	(step "building it, some ten minutes" build_sanitized "$out") || return 1
	rm -r "$out/source" "$out/log"
	squash "$out/root" "$out/modules"
}

# sanitized_name - of its folder in the cache: by what it is made of, and how
sanitized_name() {
	echo "linux-sanitized-$({
		cat "$here/sanitized.config"
		declare -f configure_sanitized build_sanitized unpack_sanitized
	} | sha256sum | cut -c1-12)"
}

# uml_machine - sets machine, the command that boots it
#
# The serial lines are as in QEMU: the console's, what the test prints, its verdict.
# seccomp: what a process calls is caught by a filter, which is quicker than ptrace.
# slab_debug=F: caches that are checked have no sheaves. What came from a sheaf is named
# in it still, for a while, and kmemleak would not miss it.
uml_machine() {
	[ "$icount$kvm$seed" = 00 ] ||
		die "the sanitized kernel has no --icount, no --seed and no --kvm"
	# shellcheck disable=SC2054 # commas are UML's
	machine=("$vmlinux" mem=1024M seccomp=on "initrd=$initrd"
		"ubd0r=$userland" "ubd1r=$modules"
		"uml_dir=$work/" umid=vm con=null con0=null ssl=null
		ssl0=null,fd:3 ssl1=null,fd:1 ssl2=null,fd:4
		layer_user=/dev/ubda layer_modules=/dev/ubdb
		console=ttyS0 loglevel=5 panic=-1 oops=panic slab_debug=F)
	# Of its own SLUB's pattern KASAN would think that it is a bug.
	[ "$poison" = 0 ] || machine+=(page_poison=on)
}
