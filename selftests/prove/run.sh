#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - proofs: what holds of the pure rooms for every input, up to stated bounds
#
#   run.sh [NAME...]    replay, esp, ah; all of them if none is named
#
# By CBMC, a bounded model checker, which Debian has from trixie on: it is unpacked
# into the cache and run in a root of its own. The proved code is the module's own,
# compiled as it is. A proof is a function of NAME.c; the comment in front of it says
# what it shows, and for which inputs. Nothing is assumed where a loop is cut short:
# that a bound is enough is proved, too.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=tools/vm/lib.sh
. "$top/tools/vm/lib.sh"
# shellcheck source=tools/vm/daemons.sh
. "$top/tools/vm/daemons.sh"

# shellcheck disable=SC2317 # once calls it
unpack_cbmc() {
	unpack_debian trixie cbmc gcc libc6-dev linux-libc-dev bash dash coreutils mawk "$1"
}
[ -e "$cache/cbmc" ] || step 'unpacking CBMC' once cbmc unpack_cbmc
[ $# -gt 0 ] || set -- replay esp ah

tests=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
cp -r "$top/kmod" "$top/uapi" "$top/selftests" "$work/src/"

# The proofs of a file, each with the options that its comment ends in.
proofs() { sed -n 's/^void \(prove_[a-z0-9_]*\)(void).*/\1/p' "$here/$1.c"; }
options() { sed -n "/^void $2(void)/s/.*\/\* *\(.*\) \*\//\1/p" "$here/$1.c"; }

# prove FILE FUNCTION
prove() {
	local began=$SECONDS log=$work/$2.log status

	tests=$((tests + 1))
	# shellcheck disable=SC2046,SC2016 # options are words; expanded inside
	in_cbmc_root timeout 300 cbmc "/mnt/src/selftests/prove/$1.c" \
		-I /mnt/src/uapi --function "$2" --slice-formula \
		$(options "$1" "$2") >"$log" 2>&1 </dev/null
	status=$?
	if [ "$status" -eq 0 ] && grep -q '^VERIFICATION SUCCESSFUL' "$log"; then
		printf 'ok %d - %s: %s (%d s)\n' $tests "$1" "${2#prove_}" $((SECONDS - began))
	else
		printf 'not ok %d - %s: %s (status %s)\n' $tests "$1" "${2#prove_}" "$status"
		{ grep -E 'FAILURE$|error' "$log" || tail -n 20 "$log"; } | head -n 20 | sed 's/^/    # /'
		failed=1
	fi
}

in_cbmc_root() {
	# shellcheck disable=SC2016 # expanded inside
	unshare --map-root-user --mount sh -ec '
		root=$1 work=$2
		shift 2
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mkdir -p "$root/mnt"
		mount --bind "$work" "$root/mnt"
		# One that needs more than this is not one that CI can make.
		ulimit -v 8000000
		PATH=/usr/sbin:/usr/bin TMPDIR=/mnt exec chroot "$root" "$@"
	' sh "$cache/cbmc" "$work" "$@"
}

for name; do
	[ -e "$here/$name.c" ] || { echo "no proofs called $name" >&2; exit 2; }
	for proof in $(proofs "$name"); do prove "$name" "$proof"; done
done
echo "1..$tests"
exit "$failed"
