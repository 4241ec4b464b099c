#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh - run one fuzzer in the virtual machine: fuzz.conf says which, and how long
name='' limit='' update='' # fuzz.conf says which
# shellcheck source=/dev/null
. ./fuzz.conf

modprobe -a tun authenc authencesn esplanade || exit 1
export KCOV=1
options=(-max_len=1024 -len_control=0 -timeout=200 -rss_limit_mb=512 -artifact_prefix=/out/)
mkdir -p /out/found
if [ -e journal ]; then
	REPLAY=journal "./fuzz-$name" || exit
	echo "ok 1 - $name: nothing breaks this time"
	exit
fi
JOURNAL=/out/journal "./fuzz-$name" "${options[@]}" "-max_total_time=$limit" -print_final_stats=1 \
	/out/found corpus >/out/log 2>&1
status=$?
last=$(grep 'DONE' /out/log)
executions=$(sed -n 's/^stat::number_of_executed_units: *//p' /out/log)
features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' <<<"$last")
if [ "$status" -eq 0 ] && [ "${executions:-0}" -gt 100 ] && [ "${features:-0}" -gt 100 ]; then
	echo "ok 1 - $name: $executions executions in $limit s, $features features, and nothing broke"
else
	echo "not ok 1 - $name: status $status, ${executions:-no} executions, ${features:-no} features"
	grep -vE '^#|^INFO|^"' /out/log | tail -n 30 | sed 's/^/    # /'
fi

[ -z "$update" ] || {
	mkdir -p /out/least
	"./fuzz-$name" "${options[@]}" -merge=1 /out/least corpus /out/found \
		>>/out/log 2>&1
}
exit "$status"
