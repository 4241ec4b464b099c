#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - proofs: what holds of the module's code for every input, up to stated bounds
#
#   run.sh [--planted] [--jobs N] [NAME[/PROOF]...]    all of them if none is named
#
# --planted: each proof with each bug that planted.txt has for it; it must fail, and a
# proof without a bug has failed. --jobs: how many at a time; 2.
#
# By CBMC, a bounded model checker, which Debian has from trixie on: it is unpacked
# into the cache and run in a root of its own. The proved code is the module's own,
# compiled as it is. A proof is a function of NAME.c; the comment in front of it says
# what it shows, and for which inputs. Nothing is assumed where a loop is cut short:
# that a bound is enough is proved, too.
#
# Behind a proof's first line are the options that CBMC gets, and two words of ours:
# "with FILE.c" compiles a file of kmod/ beside it, "replace FUNCTION:STUB" has one
# function called in another's place.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=tools/vm/lib.sh
. "$top/tools/vm/lib.sh"
# shellcheck source=tools/vm/daemons.sh
. "$top/tools/vm/daemons.sh"

planted='' jobs=2
while [ $# -gt 0 ]; do
	case $1 in
	--planted) planted=1 ;;
	--jobs) shift; jobs=$1 ;;
	-*) sed -n '6,9s/^# *//p' "$0" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done

# shellcheck disable=SC2317 # once calls it
unpack_cbmc() {
	unpack_debian trixie cbmc gcc libc6-dev linux-libc-dev bash dash coreutils mawk "$1"
}
[ -e "$cache/cbmc" ] || step 'unpacking CBMC' once cbmc unpack_cbmc
[ $# -gt 0 ] || set -- replay esp ah walk mtu pfkey_parse pfkey_build

tests=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Kernel headers: the files of shim.h stand for them, and need just be there.
mkdir -p "$work"/shim/{asm,crypto,linux,net}
sed -n 's/^ \* <\(.*\)>$/\1/p' "$here/shim.h" | while read -r header; do
	: >"$work/shim/$header"
done

# The proofs of a file, each with the options that its comment ends in.
proofs() { sed -n 's/^void prove_\([a-z0-9_]*\)(void).*/\1/p' "$here/$1.c"; }
options() { sed -n "/^void prove_$2(void)/s/.*\/\* *\(.*\) \*\//\1/p" "$here/$1.c"; }

# tree NAME - a copy of what is proved, in $work/NAME
tree() {
	mkdir -p "$work/$1"
	cp -r "$top/kmod" "$top/uapi" "$top/selftests" "$work/$1/"
}

# What shim.h only declares may return anything.
bodiless='(INET|aead|crypto|dst|espl|icmp|icmpv6|ip|ip4|ip6|ipv4|ipv6|sg|shash|sk|skb|tcp)_.*'

# commands FOLDER NAME PROOF [BUG] - for a shell in the root; the folder is in /mnt
commands() {
	local folder=$1 name=$2 proof=$3 bug=${4:-} word replace=() with=() rest=()

	# shellcheck disable=SC2046 # words
	set -- $(options "$name" "$proof")
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		replace) replace+=(--replace-calls "$1"); shift ;;
		with) with+=("kmod/$1"); shift ;;
		*) rest+=("$word") ;;
		esac
	done
	echo "cd /mnt/$folder"
	echo "goto-cc -I /mnt/shim -I uapi ${with[*]:+-include selftests/prove/shim.h}" \
		"--function prove_$proof -o a.goto selftests/prove/$name.c ${with[*]}"
	[ ${#with[@]} -eq 0 ] ||
		echo "goto-instrument --generate-function-body '$bodiless'" \
			"--generate-function-body-options nondet-return a.goto a.goto"
	[ ${#replace[@]} -eq 0 ] || echo "goto-instrument ${replace[*]} a.goto a.goto"
	echo "cbmc a.goto --slice-formula ${bug:+--stop-on-fail} ${rest[*]} || status=\$?"
	echo "echo \"STATUS \${status:-0}\""
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
		ulimit -v 3000000
		ulimit -t 300
		PATH=/usr/sbin:/usr/bin TMPDIR=/mnt exec chroot "$root" "$@"
	' sh "$cache/cbmc" "$work" "$@"
}

# prove NUMBER NAME PROOF [SED FILE] - prints what came of it, whole
prove() {
	local number=$1 name=$2 proof=$3 bug=${4:-} file=${5:-} folder=proof-$1
	local log=$work/$folder.log TIMEFORMAT=%0U seconds status title

	tree "$folder"
	title="$number - $name: $proof${bug:+, planted: $bug}"
	if [ -n "$bug" ]; then
		sed -i -E "$bug" "$work/$folder/$file"
		if cmp -s "$top/$file" "$work/$folder/$file"; then
			echo "not ok $title: plants nothing in $file"
			return 1
		fi
	fi
	commands "$folder" "$name" "$proof" "$bug" >"$work/$folder/run"
	seconds=$({ time in_cbmc_root sh -e "/mnt/$folder/run" >"$log" 2>&1 </dev/null; } 2>&1)
	status=$(sed -n 's/^STATUS //p' "$log")
	rm -rf "${work:?}/$folder"
	title="$title ($seconds s)"
	case $status,$(grep -o '^VERIFICATION .*' "$log"),${bug:+bug} in
	'0,VERIFICATION SUCCESSFUL,' | '10,VERIFICATION FAILED,bug')
		echo "ok $title"
		sed -n '/^Violated property:/{n;n;s/^ */    # found: /p}' "$log"
		;;
	*)
		echo "not ok $title: status $status"
		{ grep -E ': FAILURE$|: error:' "$log" || tail -n 20 "$log"; } |
			head -n 20 | sed 's/^/    # /'
		return 1
		;;
	esac
}

# start NAME PROOF [SED FILE] - in turn with others; each prints when it is done
start() {
	tests=$((tests + 1))
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	{ prove $tests "$@" >"$work/$tests.out" || touch "$work/failed"; cat "$work/$tests.out"; } &
}

# start_planted NAME PROOF - with each of its bugs
start_planted() {
	local of file bug none=1

	while IFS=$'\t' read -r of file bug; do
		[ "$of" = "$1/$2" ] || continue
		none=
		start "$1" "$2" "$bug" "$file"
	done < <(grep -v '^#' "$here/planted.txt")
	[ -n "$none" ] || return 0
	tests=$((tests + 1))
	echo "not ok $tests - $1: $2 has no planted bug"
	touch "$work/failed"
}

for word; do
	name=${word%%/*}
	[ -e "$here/$name.c" ] || { echo "no proofs called $name" >&2; exit 2; }
	for proof in $(proofs "$name"); do
		case $word in */*) [ "$proof" = "${word#*/}" ] || continue ;; esac
		if [ -n "$planted" ]; then
			start_planted "$name" "$proof"
		else
			start "$name" "$proof"
		fi
	done
done
wait
echo "1..$tests"
[ "$tests" -gt 0 ] && [ ! -e "$work/failed" ]
