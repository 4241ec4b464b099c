# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034
#
# qemu.sh - the emulator
#
# QEMU 10 of Debian's trixie, unpacked into the cache and not installed: it starts a
# process in the guest in a third of the time that bookworm's 7.2 takes. Instructions
# are counted with the one that is installed: 10 does not boot with --icount, and
# counts hold within one version only.

unpack_qemu() { unpack_debian trixie qemu-system-x86 "$1"; }

# qemu_fetch - sets qemu, the beginning of its command line
#
# It comes with its own libraries and their loader, so that this machine's do not
# matter.
qemu_fetch() {
	local root=$cache/qemu-trixie

	if [ "$icount" = 1 ]; then
		need qemu-system-x86_64
		qemu=(qemu-system-x86_64)
		return
	fi
	[ -e "$root" ] || step 'unpacking QEMU' once qemu-trixie unpack_qemu
	qemu=("$root/lib64/ld-linux-x86-64.so.2"
		--library-path "$root/usr/lib/x86_64-linux-gnu"
		"$root/usr/bin/qemu-system-x86_64"
		-L "$root/usr/share/qemu" -L "$root/usr/share/seabios")
}
