// SPDX-License-Identifier: GPL-2.0-only
/*
 * espl_slow.c - ciphers that answer late, out of order, or with an error, for tests
 *
 * "espl_slow(NAME)" is a template around any AEAD. What is written to the parameter
 * wrap gets an instance, which has a higher priority than all others: whoever asks
 * for NAME from then on gets it. Requests wait in one queue and are answered from a
 * work item, where the cipher itself then runs: what waits is read and written as
 * late as hardware might. The other parameters say how, and may change at any time.
 */
#include <crypto/internal/aead.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

static unsigned int delay;
module_param(delay, uint, 0644);
MODULE_PARM_DESC(delay, "milliseconds until what waits is answered");

static unsigned int reorder = 1;
module_param(reorder, uint, 0644);
MODULE_PARM_DESC(reorder, "of so many that wait the last is answered first");

static unsigned int fail_nth;
module_param(fail_nth, uint, 0644);
MODULE_PARM_DESC(fail_nth, "each so many-th is answered with fail_err; 0: none");

static unsigned int fail_err = EIO;
module_param(fail_err, uint, 0644);
MODULE_PARM_DESC(fail_err, "the errno of those answers");

static unsigned int refuse_nth;
module_param(refuse_nth, uint, 0644);
MODULE_PARM_DESC(refuse_nth, "each so many-th is refused at once with refuse_err; 0: none");

static unsigned int refuse_err = EBUSY;
module_param(refuse_err, uint, 0644);
MODULE_PARM_DESC(refuse_err, "the errno of those refusals; EBUSY: the queue is full");

/* What came, what of it waits, and what was answered with an error of ours. */
static unsigned long asked, waiting, failed, refused;
module_param(asked, ulong, 0444);
module_param(waiting, ulong, 0444);
module_param(failed, ulong, 0444);
module_param(refused, ulong, 0444);

static DEFINE_SPINLOCK(lock);	/* all of the above that changes, and the queue */
static LIST_HEAD(queue);
static bool hold;
static struct workqueue_struct *wq;

static void answer_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(answer_work, answer_all);

struct slow_ctx {
	struct crypto_aead *child;
};

struct slow_request {
	struct list_head list;
	struct aead_request *outer;
	bool decrypt;
	int err;
	struct aead_request inner;	/* the child's space behind it */
};

static int run_cipher(struct slow_request *slow)
{
	struct aead_request *outer = slow->outer, *inner = &slow->inner;
	struct slow_ctx *ctx = crypto_aead_ctx(crypto_aead_reqtfm(outer));

	if (slow->err)
		return slow->err;
	aead_request_set_tfm(inner, ctx->child);
	aead_request_set_callback(inner, 0, NULL, NULL);
	aead_request_set_crypt(inner, outer->src, outer->dst, outer->cryptlen,
			       outer->iv);
	aead_request_set_ad(inner, outer->assoclen);
	return slow->decrypt ? crypto_aead_decrypt(inner) :
			       crypto_aead_encrypt(inner);
}

/* The first of the queue, reversed where they are to be. */
static void take(struct list_head *batch)
{
	unsigned int n = reorder ?: 1;

	spin_lock_bh(&lock);
	while (!hold && n-- && !list_empty(&queue)) {
		list_move(queue.next, batch);
		waiting--;
	}
	spin_unlock_bh(&lock);
}

static void answer_all(struct work_struct *work)
{
	struct slow_request *slow, *next;
	LIST_HEAD(batch);

	for (take(&batch); !list_empty(&batch); take(&batch)) {
		list_for_each_entry_safe(slow, next, &batch, list) {
			list_del(&slow->list);
			local_bh_disable();
			aead_request_complete(slow->outer, run_cipher(slow));
			local_bh_enable();
		}
		cond_resched();
	}
}

static void answer_later(void)
{
	queue_delayed_work(wq, &answer_work, msecs_to_jiffies(delay));
}

/* An errno of the user's, as the kernel has them. */
static int error(unsigned int err)
{
	return -(int)clamp(err, 1U, (unsigned int)MAX_ERRNO);
}

/* Called with BH off or on; 0 where the request waits. */
static int enqueue(struct slow_request *slow)
{
	int err = 0;

	spin_lock_bh(&lock);
	asked++;
	if (refuse_nth && asked % refuse_nth == 0) {
		refused++;
		err = error(refuse_err);
	} else {
		if (fail_nth && asked % fail_nth == 0) {
			failed++;
			slow->err = error(fail_err);
		}
		list_add_tail(&slow->list, &queue);
		waiting++;
	}
	spin_unlock_bh(&lock);
	return err;
}

static int start(struct aead_request *outer, bool decrypt)
{
	struct slow_request *slow = aead_request_ctx(outer);
	int err;

	slow->outer = outer;
	slow->decrypt = decrypt;
	slow->err = 0;
	err = enqueue(slow);
	if (err)
		return err;
	answer_later();
	return -EINPROGRESS;
}

static int slow_encrypt(struct aead_request *req)
{
	return start(req, false);
}

static int slow_decrypt(struct aead_request *req)
{
	return start(req, true);
}

static int slow_setkey(struct crypto_aead *tfm, const u8 *key, unsigned int len)
{
	struct slow_ctx *ctx = crypto_aead_ctx(tfm);

	return crypto_aead_setkey(ctx->child, key, len);
}

static int slow_setauthsize(struct crypto_aead *tfm, unsigned int size)
{
	struct slow_ctx *ctx = crypto_aead_ctx(tfm);

	return crypto_aead_setauthsize(ctx->child, size);
}

static int slow_init_tfm(struct crypto_aead *tfm)
{
	struct aead_instance *inst = aead_alg_instance(tfm);
	struct slow_ctx *ctx = crypto_aead_ctx(tfm);

	ctx->child = crypto_spawn_aead(aead_instance_ctx(inst));
	if (IS_ERR(ctx->child))
		return PTR_ERR(ctx->child);
	crypto_aead_set_reqsize(tfm, sizeof(struct slow_request) +
				     crypto_aead_reqsize(ctx->child));
	return 0;
}

static void slow_exit_tfm(struct crypto_aead *tfm)
{
	struct slow_ctx *ctx = crypto_aead_ctx(tfm);

	crypto_free_aead(ctx->child);
}

static void slow_free(struct aead_instance *inst)
{
	crypto_drop_aead(aead_instance_ctx(inst));
	kfree(inst);
}

static int fill(struct aead_instance *inst)
{
	struct aead_alg *alg = crypto_spawn_aead_alg(aead_instance_ctx(inst));
	struct crypto_alg *base = &inst->alg.base;

	if (snprintf(base->cra_driver_name, CRYPTO_MAX_ALG_NAME, "espl_slow(%s)",
		     alg->base.cra_name) >= CRYPTO_MAX_ALG_NAME)
		return -ENAMETOOLONG;
	strscpy(base->cra_name, alg->base.cra_name, CRYPTO_MAX_ALG_NAME);
	base->cra_priority = 10000;
	base->cra_flags = CRYPTO_ALG_ASYNC;
	base->cra_ctxsize = sizeof(struct slow_ctx);
	inst->alg.ivsize = crypto_aead_alg_ivsize(alg);
	inst->alg.maxauthsize = crypto_aead_alg_maxauthsize(alg);
	inst->alg.chunksize = crypto_aead_alg_chunksize(alg);
	inst->alg.init = slow_init_tfm;
	inst->alg.exit = slow_exit_tfm;
	inst->alg.setkey = slow_setkey;
	inst->alg.setauthsize = slow_setauthsize;
	inst->alg.encrypt = slow_encrypt;
	inst->alg.decrypt = slow_decrypt;
	inst->free = slow_free;
	return 0;
}

/* Around what answers at once, so that nothing is late but by us. */
static int slow_create(struct crypto_template *tmpl, struct rtattr **tb)
{
	struct aead_instance *inst;
	u32 mask;
	int err = crypto_check_attr_type(tb, CRYPTO_ALG_TYPE_AEAD, &mask);

	if (err)
		return err;
	inst = kzalloc(sizeof(*inst) + sizeof(struct crypto_aead_spawn), GFP_KERNEL);
	if (!inst)
		return -ENOMEM;
	err = crypto_grab_aead(aead_instance_ctx(inst), aead_crypto_instance(inst),
			       crypto_attr_alg_name(tb[1]), 0,
			       mask | CRYPTO_ALG_ASYNC);
	err = err ?: fill(inst);
	err = err ?: aead_register_instance(tmpl, inst);
	if (err)
		slow_free(inst);
	return err;
}

static struct crypto_template slow_template = {
	.name = "espl_slow",
	.create = slow_create,
	.module = THIS_MODULE,
};

/* Asking for an instance makes it, and it stays. */
static int wrap_set(const char *value, const struct kernel_param *param)
{
	char name[CRYPTO_MAX_ALG_NAME];
	struct crypto_aead *tfm;

	if (snprintf(name, sizeof(name), "espl_slow(%.*s)",
		     (int)strcspn(value, "\n "), value) >= sizeof(name))
		return -ENAMETOOLONG;
	tfm = crypto_alloc_aead(name, 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	crypto_free_aead(tfm);
	return 0;
}

static const struct kernel_param_ops wrap_ops = {
	.set = wrap_set,
};
module_param_cb(wrap, &wrap_ops, NULL, 0200);
MODULE_PARM_DESC(wrap, "an AEAD that is to be slow for all who ask for it from now on");

static int hold_set(const char *value, const struct kernel_param *param)
{
	bool wanted;
	int err = kstrtobool(value, &wanted);

	if (err)
		return err;
	spin_lock_bh(&lock);
	hold = wanted;
	spin_unlock_bh(&lock);
	if (!wanted)
		answer_later();
	return 0;
}

static const struct kernel_param_ops hold_ops = {
	.set = hold_set,
	.get = param_get_bool,
};
module_param_cb(hold, &hold_ops, &hold, 0644);
MODULE_PARM_DESC(hold, "answer nothing until this is 0 again");

static int __init slow_init(void)
{
	int err;

	wq = alloc_workqueue("espl_slow", WQ_UNBOUND, 0);
	if (!wq)
		return -ENOMEM;
	err = crypto_register_template(&slow_template);
	if (err)
		destroy_workqueue(wq);
	return err;
}

static void __exit slow_exit(void)
{
	crypto_unregister_template(&slow_template);
	cancel_delayed_work_sync(&answer_work);
	destroy_workqueue(wq);
}

module_init(slow_init);
module_exit(slow_exit);

MODULE_DESCRIPTION("AEADs that answer late, out of order, or with an error");
MODULE_LICENSE("GPL");
MODULE_ALIAS_CRYPTO("espl_slow");
