# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# setkey.bash - completion of setkey's command line for bash

_setkey() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $prev in
	-*f)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -o plusdirs -f -- "$cur")
		return
		;;
	esac
	case $cur in
	-*) mapfile -t COMPREPLY < <(compgen -W '-a -c -D -DP -f -F -FP -H -h -jD -jDP
		-k -lD -N -n -p -P -r -t -tf -v -V -x -xx' -- "$cur") ;;
	esac
}
complete -F _setkey setkey
