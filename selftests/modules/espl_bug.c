// SPDX-License-Identifier: GPL-2.0-only
/*
 * espl_bug.c - one of each bug that a sanitized kernel must find
 *
 * "modprobe espl_bug bug=NAME" does it. selftests/alive/run.sh knows what must be
 * said of each; a kernel that says nothing would call esplanade sound as well.
 * The parameter "allocate" is for what is not a bug: fault injection and coverage.
 */
#include <linux/debug_locks.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>

/* What the compiler must not see through. */
static int hidden(int value)
{
	OPTIMIZER_HIDE_VAR(value);
	return value;
}

static void slab_out_of_bounds(void)
{
	char *p = kmalloc(17, GFP_KERNEL);

	if (p)
		WRITE_ONCE(p[hidden(17)], 1);
	kfree(p);
}

static void slab_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);
	char *stale = p;

	OPTIMIZER_HIDE_VAR(stale);
	kfree(p);
	if (stale)
		WRITE_ONCE(stale[8], 1);
}

static void double_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);
	char *stale = p;

	OPTIMIZER_HIDE_VAR(stale);
	kfree(p);
	kfree(stale);
}

static void stack_out_of_bounds(void)
{
	char buffer[16];
	char *p = buffer;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[16], 1);
}

static char of_the_module[16];

static void global_out_of_bounds(void)
{
	char *p = of_the_module;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[16], 1);
}

static void vmalloc_out_of_bounds(void)
{
	char *p = vmalloc(100);

	if (p)
		WRITE_ONCE(p[hidden(100)], 1);
	vfree(p);
}

static void lock_order(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

/* As a report does that nobody sees. */
static void locks_off(void)
{
	debug_locks_off();
}

static DEFINE_SPINLOCK(of_a_timer);

static void take_it(struct timer_list *timer)
{
	spin_lock(&of_a_timer);
	spin_unlock(&of_a_timer);
}

static DEFINE_TIMER(timer, take_it);

/* A lock that a timer takes, too, with bottom halves enabled. */
static void lock_irq_state(void)
{
	spin_lock(&of_a_timer);
	spin_unlock(&of_a_timer);
	mod_timer(&timer, jiffies);
	while (timer_pending(&timer))
		schedule_timeout_uninterruptible(1);
	timer_delete_sync(&timer);
}

static void sleep_in_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	kfree(kmalloc(32, GFP_KERNEL));
	spin_unlock(&lock);
}

static void shift_too_far(void)
{
	pr_info("espl_bug: %d\n", 1 << hidden(40));
}

/* Where array[4] would be may be asked for: it is where the array ends. */
static void array_bound(void)
{
	static int array[4];

	WRITE_ONCE(array[hidden(5)], 1);
}

static int __rcu *for_readers;

static void rcu_unlocked(void)
{
	pr_info("espl_bug: %d\n", !rcu_dereference(for_readers));
}

static void rcu_list_unlocked(void)
{
	struct thing {
		struct list_head list;
	} *thing;
	static LIST_HEAD(things);

	list_for_each_entry_rcu(thing, &things, list)
		pr_info("espl_bug: a thing\n");
}

static void leak(void)
{
	char *p = kmalloc(100, GFP_KERNEL);

	if (p)
		WRITE_ONCE(p[0], 1);
}

static void hold_device(void)
{
	dev_get_by_name(&init_net, "held");
}

static void hold_namespace(void)
{
	get_net(current->nsproxy->net_ns);
}

/* As a socket of PF_KEY that nobody closes does; esplanade's. */
static void hold_module(void)
{
	struct socket *sock;
	int err;

	err = sock_create_kern(&init_net, PF_KEY, SOCK_RAW, 2, &sock);
	if (err)
		pr_err("espl_bug: no socket: %d\n", err);
}

static void refcount_from_zero(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void list_corruption(void)
{
	static LIST_HEAD(head);
	static struct list_head one;

	list_add(&one, &head);
	list_add(&one, &head);
}

static void free_active_timer(void)
{
	struct timer_list *t = kmalloc(sizeof(*t), GFP_KERNEL | __GFP_NOFAIL);

	timer_setup(t, take_it, 0);
	mod_timer(t, jiffies + 100 * HZ);
	kfree(t);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*make)(void);
} bugs[] = {
#define ROW(name) { #name, name }
	ROW(nothing),
	ROW(slab_out_of_bounds),
	ROW(slab_use_after_free),
	ROW(double_free),
	ROW(stack_out_of_bounds),
	ROW(global_out_of_bounds),
	ROW(vmalloc_out_of_bounds),
	ROW(lock_order),
	ROW(lock_irq_state),
	ROW(locks_off),
	ROW(sleep_in_atomic),
	ROW(shift_too_far),
	ROW(array_bound),
	ROW(rcu_unlocked),
	ROW(rcu_list_unlocked),
	ROW(leak),
	ROW(hold_device),
	ROW(hold_namespace),
	ROW(hold_module),
	ROW(refcount_from_zero),
	ROW(list_corruption),
	ROW(free_active_timer),
};

static char *bug = "nothing";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "Which of the bugs to make");

/* A bit of memory and a page, for whoever writes to it. */
static int set_allocate(const char *value, const struct kernel_param *param)
{
	char *bit = kmalloc(32, GFP_KERNEL);
	unsigned long page;

	if (!bit)
		return -EXFULL;
	page = __get_free_page(GFP_KERNEL);
	kfree(bit);
	if (!page)
		return -EUSERS;
	free_page(page);
	return 0;
}

static const struct kernel_param_ops allocate_ops = { .set = set_allocate };
module_param_cb(allocate, &allocate_ops, NULL, 0200);
MODULE_PARM_DESC(allocate, "Written to, it allocates: EXFULL, no memory; EUSERS, no page");

static int __init espl_bug_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bugs[i].name, bug))
			continue;
		bugs[i].make();
		return 0;
	}
	return -EINVAL;
}

static void __exit espl_bug_exit(void)
{
}

module_init(espl_bug_init);
module_exit(espl_bug_exit);
MODULE_DESCRIPTION("Bugs for a sanitized kernel to find");
MODULE_LICENSE("GPL");
