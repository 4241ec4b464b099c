#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of setkey and of uapi/: no kernel, no root, a few seconds.
#
#   run.sh              run all, print KTAP, end in 0 if all passed
#   run.sh --update     write what setkey prints now into the .ok files
#
# Everything is built with ASan and UBSan in a directory of its own.

set -u
export LC_ALL=C TZ=UTC
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=halt_on_error=1:exitcode=99

cd "$(dirname "$0")" || exit 1
top=../../..
tool=$top/tools/setkey
update=${1:-}
soups=${SOUPS:-300}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
setkey=$work/setkey
sanitize="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"

count=0
failures=0

# result STATUS NAME: says so; on failure, shows what is in $work/why
result()
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count $2"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $count $2"
	[ -s "$work/why" ] && sed 's/^/# /' "$work/why"
}

# golden FILE: is $work/out what FILE holds?
golden()
{
	[ "$update" = --update ] && cp "$work/out" "$1"
	diff -u "$1" "$work/out" > "$work/why"
}

build()
{
	local objs

	make -s -C "$tool" O="$work" CFLAGS="$sanitize" > "$work/why" 2>&1 ||
		return 1
	objs=$(printf "$work/%s.o " dump json show msg names algs word explain)
	# shellcheck disable=SC2086 # both are lists
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror $sanitize \
		-I"$tool" -I$top/uapi -o "$work/dump_test" dump_test.c $objs -ljansson \
		> "$work/why" 2>&1
}

# The header alone, in languages that its users are written in.
uapi_language()
{
	echo '#include <linux/pfkeyv2.h>' |
		${CC:-cc} -Wall -Wextra -Werror -I$top/uapi "$@" \
			-fsyntax-only - > "$work/why" 2>&1
}

uapi_layout()
{
	local header

	header=$(echo '#include <linux/pfkeyv2.h>' | ${CC:-cc} -M -xc - |
		grep -o '/[^ ]*/linux/pfkeyv2.h')
	awk -f uapi.awk "$header" > "$work/uapi.c"
	${CC:-cc} -o "$work/theirs" "$work/uapi.c" 2> "$work/why" &&
	${CC:-cc} -I$top/uapi -o "$work/ours" "$work/uapi.c" 2> "$work/why" ||
		return 1
	"$work/theirs" > "$work/theirs.out"
	"$work/ours" > "$work/ours.out"
	# A header that we misread would compare nothing with nothing.
	if [ "$(wc -l < "$work/theirs.out")" -lt 200 ]; then
		echo "only $(wc -l < "$work/theirs.out") lines" > "$work/why"
		return 1
	fi
	diff -u "$work/theirs.out" "$work/ours.out" > "$work/why"
}

# The process id is the one thing in a message that changes from run to run.
mask_pid()
{
	sed -e 's/ pid=[0-9]*/ pid=PID/' \
		-e 's/^\(  0000: .\{26\}\) [0-9a-f]\{8\}$/\1 PID/'
}

# parse/NAME.in: its messages. Options of setkey may stand in its first line.
parse()
{
	local options

	options=$(sed -n '1s/^# options: //p' "$1")
	# shellcheck disable=SC2086 # a list
	"$setkey" -nv $options -f "$1" > "$work/raw" 2>&1
	echo "status $?" >> "$work/raw"
	mask_pid < "$work/raw" > "$work/out"
	golden "${1%.in}.ok"
}

# One line of refused.txt: the script, and the words it is refused with.
refused()
{
	local status

	printf '%s' "$1" | "$setkey" -n -c > /dev/null 2> "$work/out"
	status=$?
	printf 'setkey: stdin,1: %s\n' "$2" "parse failed" > "$work/expected"
	diff -u "$work/expected" "$work/out" > "$work/why" &&
		[ $status -eq 1 ]
}

# dump NAME HEX [OPTION]: HEX printed as dump/NAME.ok
dump()
{
	"$work/dump_test" "${@:3}" < "dump/$2.hex" > "$work/out" 2>&1
	golden "dump/$1.ok"
}

# Damaged messages: any output will do, but no sanitizer's.
damaged()
{
	"$work/dump_test" "${@:2}" -z 3000 < "dump/$1.hex" 2> "$work/why" > /dev/null
}

soup()
{
	local seed status

	for ((seed = 1; seed <= soups; seed++)); do
		awk -v seed=$seed -f soup.awk > "$work/soup"
		"$setkey" -nvH -f "$work/soup" > "$work/out" 2> "$work/why"
		status=$?
		[ $status -le 1 ] && continue
		echo "status $status with seed $seed" >> "$work/why"
		return 1
	done
}

# expect STATUS PATTERN ARGUMENT...: how setkey ends, and a line it prints
expect()
{
	local status

	"$setkey" "${@:3}" < /dev/null > "$work/why" 2>&1
	status=$?
	[ $status -eq "$1" ] && grep -q -- "$2" "$work/why"
}

# A refusal is found where it is written, in a command of several lines too.
place()
{
	printf '#!/usr/sbin/setkey -f\nflush;\nadd 10.0.0.1 10.0.0.2\n\tesp\n\t7 -E null;\n' \
		> "$work/script"
	expect 1 "^setkey: $work/script,5: syntax error at \`7'" \
		-n -f "$work/script"
}

# Under -n nothing is sent: what would be is shown.
transaction()
{
	printf 'flush;\nadd 10.0.0.1 10.0.0.2 esp 0x1001 -E null -A hmac-sha1 "0123456789abcdefghij";\nspddump;\n' \
		> "$work/script"
	expect 1 "^setkey: $work/script,3: not in a transaction" -n -t -f "$work/script" &&
		expect 1 '^add satype=esp seq=2 ' -n -v -t -f "$work/script"
}

# A script's name may have blanks in it: readline must be told that it is one.
completion()
{
	(
		touch "$work/two words"
		COMP_WORDS=(setkey -tf "$work/two") COMP_CWORD=2
		# shellcheck disable=SC2317 # called by what follows
		compopt() { echo "compopt $*"; }
		# shellcheck source=tools/setkey/setkey.bash
		. "$tool/setkey.bash"
		_setkey
		printf '%s\n' "${COMPREPLY[@]}"
	) > "$work/out" 2>&1
	printf '%s\n' 'compopt -o filenames' "$work/two words" |
		diff -u - "$work/out" > "$work/why"
}

echo "KTAP version 1"
build
result $? "build with -Wall -Wextra and sanitizers"
[ $failures -eq 0 ] || { echo "1..$count"; exit 1; }

for std in gnu89 c99 c11 gnu17; do
	uapi_language -xc -std=$std
	result $? "uapi: $std"
done
for std in c++98 c++11 c++17; do
	uapi_language -xc++ -std=$std
	result $? "uapi: $std"
done
uapi_layout
result $? "uapi: constants and layouts are the system header's"

for in in parse/*.in; do
	parse "$in"
	result $? "$in"
done
while IFS=$'\t' read -r script words; do
	case $script in
	'#'*) continue ;;
	esac
	refused "$script" "$words"
	result $? "refused: ${script//#/.}"
done < refused.txt

dump sa sa
result $? "dump: SAs"
dump sa-ports sa -p
result $? "dump: SAs with ports"
dump sa-dead sa -a
result $? "dump: dead SAs too"
dump policy policy
result $? "dump: policies"
dump policy-own policy -N
result $? "dump: policies but for the sockets' own"
dump sa-brief sa -l
result $? "dump: SAs, a line each"
dump sa-json sa -j
result $? "dump: SAs as JSON"
dump policy-json policy -j
result $? "dump: policies as JSON"
for option in -p -l -j; do
	damaged sa $option
	result $? "dump: damaged SAs, $option"
	damaged policy $option
	result $? "dump: damaged policies, $option"
done

expect 1 '^usage: setkey'
result $? "no arguments"
expect 0 '^usage: setkey' -h
result $? "-h"
expect 0 '^setkey (Esplanade)' -V
result $? "-V"
expect 1 '^usage: setkey' -D -F
result $? "two things at once"
expect 1 '^usage: setkey' -n -f /dev/null -f /dev/null
result $? "two scripts"
expect 1 '^usage: setkey' -t -D
result $? "a dump as a transaction"
expect 1 '^usage: setkey' -n -j -v -D
result $? "JSON among messages"
expect 1 '^usage: setkey' -j -f /dev/null
result $? "a script as JSON"
expect 1 '^usage: setkey' -l -D -P
result $? "policies, a line each"
transaction
result $? "-t: messages are numbered, and others refused"
expect 1 '^setkey: /nonexistent: No such file' -n -f /nonexistent
result $? "a script that is not there"
expect 1 '^setkey: \.,1: read: Is a directory' -n -f .
result $? "a script that cannot be read"
place
result $? "file and line of a refusal"
completion
result $? "completion of a script's name"
soup
result $? "$soups scripts of random words"

echo "1..$count"
[ $failures -eq 0 ]
