#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - is each sanitizer of the sanitized kernel alive
#
# What says nothing of a bug would say nothing of ours. A report may silence others,
# so that each bug has a boot of its own: espl_bug makes it, tools/vm/run must
# say that the kernel complained, and the complaint must be the right one. Before
# all, a boot without a bug must be silent.
set -u
cd "$(dirname "$0")/../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# bug   what the kernel must say; +rmmod: of a module that has gone by then; hold_: of
# what is never given back
BUGS='
slab_out_of_bounds     KASAN: slab-out-of-bounds in slab_out_of_bounds
slab_use_after_free    KASAN: slab-use-after-free in slab_use_after_free
double_free            KASAN: double-free in double_free
stack_out_of_bounds    KASAN: stack-out-of-bounds in stack_out_of_bounds
global_out_of_bounds   KASAN: global-out-of-bounds in global_out_of_bounds
vmalloc_out_of_bounds  KASAN: vmalloc-out-of-bounds in vmalloc_out_of_bounds
lock_order             WARNING: possible circular locking dependency detected
lock_irq_state         WARNING: inconsistent lock state
locks_off              BUG: lockdep has been turned off
sleep_in_atomic        BUG: sleeping function called from invalid context
shift_too_far          UBSAN: shift-out-of-bounds
array_bound            UBSAN: array-index-out-of-bounds
rcu_unlocked           WARNING: suspicious RCU usage
rcu_list_unlocked      WARNING: suspicious RCU usage
leak                   BUG: memory is lost
leak+rmmod             BUG: memory is lost
hold_device            unregister_netdevice: waiting for held to become free
hold_namespace         BUG: a namespace is still in use
hold_module            BUG: esplanade is still in use
refcount_from_zero     refcount_t: addition on 0; use-after-free
list_corruption        list_add double add
free_active_timer      ODEBUG: free active
'

# makes BUG - a script that makes it
makes() {
	echo '#!/bin/bash'
	case $1 in
	*+rmmod) echo "modprobe espl_bug bug=${1%+*} && rmmod espl_bug" ;;
	hold_device) cat <<-'SCRIPT' ;;
		ip link add held type dummy && modprobe espl_bug bug=hold_device || exit
		ip link del held &
		until dmesg | grep -q 'waiting for held'; do sleep 0.5; done
	SCRIPT
	hold_namespace) echo 'modprobe esplanade && unshare -n modprobe espl_bug bug=hold_namespace' ;;
	hold_module) echo 'modprobe esplanade && modprobe espl_bug bug=hold_module' ;;
	*) echo "modprobe espl_bug bug=$1" ;;
	esac
}

# alive BUG WORDS - its boot fails for that reason
alive() {
	local log=$work/$1 status

	makes "$1" >"$log.sh"
	tools/vm/run --kernel sanitized --modules "$log.sh" >"$log" 2>&1
	status=$?
	if [ "$status" -eq 96 ] && grep -qF "$2" "$log"; then
		echo "ok - $1: $2"
	else
		echo "not ok - $1: $2"
		echo "    # status $status"
		sed 's/^/    # /' "$log"
	fi
}

tools/vm/run --kernel sanitized --modules --python selftests/alive/silent.sh \
	selftests/alive/probe.py selftests/net/lib.sh 2>&1
silent=$?
if [ "$silent" -eq 0 ]; then
	echo 'ok - without a bug nothing is said'
else
	echo "not ok - without a bug nothing is said (status $silent)"
fi
export -f makes alive
export work
# As many machines at once as there are processors.
# shellcheck disable=SC2016 # expanded by the inner shell
sed '/^$/d' <<<"$BUGS" | xargs -P "$(nproc)" -L 1 bash -c 'alive "$0" "$*"'
