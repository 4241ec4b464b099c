#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - what tools say of the sources, a line for each
# shellcheck disable=SC2317 # functions are called by name, through clean
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0
tests=0

# clean NAME COMMAND... - passes if the command succeeds and prints nothing
clean() {
	local name=$1 out

	shift
	tests=$((tests + 1))
	if out=$("$@" 2>&1) && [ -z "$out" ]; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		head -n 60 <<<"$out" | sed 's/^/    # /'
		failed=1
	fi
}

# checkpatch IGNORED FILE... - the types that are ignored, and why:
#
# kmod: the version is to be tested in compat/ (and nowhere else, see below);
#   portable.h gives the pure rooms the kernel's types on the host; a wrong
#   algorithm is ENOSYS in PF_KEY; the counters are one table, in a macro.
kmod=LINUX_VERSION_CODE,CONSTANT_COMPARISON,NEW_TYPEDEFS,PREFER_KERNEL_TYPES
kmod+=,VOLATILE,MACRO_ARG_REUSE,ENOSYS,COMPLEX_MACRO
# uapi: must compile without the kernel's macros.
uapi=CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES
# setkey: is no kernel code; dumps have blanks at line ends since 1995; its
#   tables are macros.
setkey=QUOTED_WHITESPACE_BEFORE_NEWLINE,OPEN_ENDED_LINE,PREFER_KERNEL_TYPES
setkey+=,PREFER_DEFINED_ATTRIBUTE_MACRO,USE_NEGATIVE_ERRNO,ENOSYS
setkey+=,MACRO_ARG_REUSE,EMBEDDED_FUNCTION_NAME,SPACING
checkpatch() {
	local out ignore=$1

	shift
	out=$(tools/vm/checkpatch --no-tree --strict --show-types \
		--ignore "$ignore" -f "$@" 2>&1)
	rm -f .checkpatch-camelcase*
	grep -E -A3 '^(ERROR|WARNING|CHECK):' <<<"$out"
	# Did it get to the end of each file, and was there one.
	[ $# -gt 0 ] && [ "$(grep -c '^total: ' <<<"$out")" -eq $# ] || echo "$out"
	return 0
}

compile() {	# W=1, and sparse: all of it, which warned nobody when it was last built
	local module

	module=$(ESPLANADE_KBUILD="W=1 C=2 CF=-D__CHECK_ENDIAN__ LINT=$$" \
		tools/vm/run --build-only --kernel 6.1 --modules) || return
	module=${module%/*}
	rm -rf "$module"{,.log,.lock} "${module/6.1-/6.1-modules-}"{,.log,.lock}
}

versions_in_compat() {
	grep -rnE 'LINUX_VERSION_CODE|KERNEL_VERSION' kmod --include='*.[ch]' |
		grep -v '^kmod/compat/' || true
}

# A function seen by other files has kernel-doc: a comment with its name above it.
kernel_doc() {
	awk '
	FNR == 1 { doc = "" }
	/^ \* espl_[a-z0-9_]+\(\) - / { doc = $2 }
	/^[a-z].*[ *]espl_[a-z0-9_]+\(/ && !/^static/ && !/;$/ {
		match($0, /espl_[a-z0-9_]+\(/)
		name = substr($0, RSTART, RLENGTH) ")"
		if (name != doc) print FILENAME ":" FNR ": " name " has no kernel-doc"
	}' kmod/*.c
}

counters_documented() {
	sed -n 's/^\t_([A-Z_]*,[ \t]*\([a-z_]*\)).*/\1/p' kmod/stat.h | while read -r name; do
		grep -q "^$name  *[^ ]" Documentation/counters.rst ||
			echo "$name is not in Documentation/counters.rst"
	done
}

# What an early end of a comparison would tell is how much of an ICV was right. Ciphers
# compare in the kernel's AEADs, which do it so; MACs in ah.c.
constant_time() {
	grep -nE '\<(memcmp|bcmp|strn?cmp)\(' kmod/{ah,ah_fmt,esp,rx,tx,sa,alg,own}.c \
		kmod/{ah_fmt,esp_fmt,xform}.h
	grep -q 'crypto_memneq(icv, digest, sa->icvlen)' kmod/ah.c || echo "ah.c compares no ICV"
}

mapfile -t shell < <(git ls-files -co --exclude-standard |
	while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) head -c 64 "$file" 2>/dev/null | head -n 1 |
			grep -qaE '^#!.*(bash|sh)( |$)' && echo "$file" ;;
		esac
	done)

# trace.h has the layout that trace headers have, which checkpatch does not like.
mapfile -t kmod_files < <(git ls-files "kmod/*.[ch]" | grep -v trace.h)
mapfile -t setkey_files < <(git ls-files 'tools/setkey/*.[ch]')
# What is fetched the first time is told here, not in the midst of a test.
tools/vm/run --build-only --kernel 6.1 >/dev/null
clean 'checkpatch --strict: kmod' checkpatch "$kmod" "${kmod_files[@]}"
clean "checkpatch --strict: the tests' modules" checkpatch "$kmod" selftests/modules/*.c
clean 'checkpatch --strict: uapi' checkpatch "$uapi" uapi/linux/*.h
clean 'checkpatch --strict: setkey' checkpatch "$setkey" "${setkey_files[@]}"
clean 'the modules compile with W=1 and sparse' compile
clean 'only compat/ tests the kernel version' versions_in_compat
clean 'every function of kmod/ has kernel-doc' kernel_doc
clean 'every counter is documented' counters_documented
clean 'ICVs and keys are compared in constant time' constant_time
clean 'security.rst has the classes of cases.txt' selftests/cases classes Documentation/security.rst
clean 'rfc-map.rst has the cases of cases.txt' selftests/cases same Documentation/rfc-map.rst
clean 'shellcheck' shellcheck -x "${shell[@]}"
exit "$failed"
