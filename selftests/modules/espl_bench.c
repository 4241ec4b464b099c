// SPDX-License-Identifier: GPL-2.0-only
/*
 * espl_bench.c - what a cipher alone costs, and one that costs nothing, for the bench
 *
 * What is written to the parameter measure, "NAME KEY AUTHKEY ICV IV PAYLOAD" (all
 * but the name in octets), is an AEAD to seal and open a packet of ESP with, as esp.c
 * does: in place, in one linear buffer. AUTHKEY is 0 for all but authenc(). Reading it
 * then gives the ticks of the time stamp counter for both, per packet, as the mean of
 * a thousand.
 *
 * While the module is loaded rfc4543(gcm(aes)), which is AES-GMAC, is a cipher that
 * does nothing: what remains is the path of a packet without its cipher, with all of
 * its octets where AES-GCM would have them.
 */
#include <crypto/authenc.h>
#include <crypto/internal/aead.h>
#include <crypto/scatterwalk.h>
#include <linux/bottom_half.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/timex.h>

#define HDR		8	/* SPI and sequence number */
#define TRAILER		2
#define ROUNDS		1000
#define BUFFER		4096

struct spec {
	char name[64];
	unsigned int key, authkey, icv, iv, payload;
};

static unsigned long ticks;

/* authenc() wants its two keys behind a header. */
static int set_key(struct crypto_aead *aead, const struct spec *spec, u8 *buffer)
{
	struct rtattr *rta = (struct rtattr *)buffer;
	struct crypto_authenc_key_param *param = RTA_DATA(rta);
	unsigned int len = spec->authkey + spec->key;

	memset(buffer, 0x42, BUFFER);
	if (spec->authkey) {
		len += RTA_SPACE(sizeof(*param));
		rta->rta_type = CRYPTO_AUTHENC_KEYA_PARAM;
		rta->rta_len = RTA_LENGTH(sizeof(*param));
		param->enckeylen = cpu_to_be32(spec->key);
	}
	return crypto_aead_setkey(aead, buffer, len);
}

static int pair(struct aead_request *req, struct scatterlist *sg, u8 *packet,
		const struct spec *spec, unsigned int crypt)
{
	u8 iv[16];
	int err;

	memcpy(iv, packet + HDR, spec->iv);
	aead_request_set_ad(req, HDR + spec->iv);
	aead_request_set_crypt(req, sg, sg, crypt, iv);
	err = crypto_aead_encrypt(req);
	if (err)
		return err;
	memcpy(iv, packet + HDR, spec->iv);
	aead_request_set_crypt(req, sg, sg, crypt + spec->icv, iv);
	return crypto_aead_decrypt(req);
}

static int run(struct crypto_aead *aead, const struct spec *spec, u8 *packet)
{
	unsigned int align = max(crypto_aead_blocksize(aead), 4U);
	unsigned int crypt = ALIGN(spec->payload + TRAILER, align);
	struct aead_request *req;
	struct scatterlist sg;
	cycles_t began;
	int err = 0;

	req = aead_request_alloc(aead, GFP_KERNEL);
	if (!req)
		return -ENOMEM;
	aead_request_set_callback(req, 0, NULL, NULL);
	sg_init_one(&sg, packet, HDR + spec->iv + crypt + spec->icv);
	local_bh_disable();
	err = pair(req, &sg, packet, spec, crypt);
	began = get_cycles();
	for (unsigned int i = 0; i < ROUNDS && !err; i++)
		err = pair(req, &sg, packet, spec, crypt);
	ticks = (get_cycles() - began) / ROUNDS;
	local_bh_enable();
	aead_request_free(req);
	return err;
}

static int measure_set(const char *text, const struct kernel_param *kp)
{
	struct crypto_aead *aead;
	struct spec spec;
	u8 *buffer;
	int err;

	if (sscanf(text, "%63s %u %u %u %u %u", spec.name, &spec.key, &spec.authkey,
		   &spec.icv, &spec.iv, &spec.payload) != 6 ||
	    spec.key > 64 || spec.authkey > 64 || spec.icv > 64 || spec.iv > 16 ||
	    spec.payload > 2048)
		return -EINVAL;
	/* Ciphers that are asynchronous by nature are not what this is for. */
	aead = crypto_alloc_aead(spec.name, 0, 0);
	if (IS_ERR(aead))
		return PTR_ERR(aead);
	err = -ENOMEM;
	buffer = kmalloc(BUFFER, GFP_KERNEL);
	if (!buffer)
		goto out;
	err = set_key(aead, &spec, buffer) ?: crypto_aead_setauthsize(aead, spec.icv);
	if (!err)
		err = run(aead, &spec, buffer);
	kfree(buffer);
out:
	crypto_free_aead(aead);
	return err;
}

static int measure_get(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%lu\n", ticks);
}

static const struct kernel_param_ops measure_ops = {
	.set = measure_set,
	.get = measure_get,
};
module_param_cb(measure, &measure_ops, NULL, 0600);
MODULE_PARM_DESC(measure, "NAME KEY AUTHKEY ICV IV PAYLOAD: what to measure");

/* Where src is not dst a cipher moves the octets, too; a thing that nobody hurries for. */
static DEFINE_SPINLOCK(lock);
static u8 moving[BUFFER];

static int move_octets(struct aead_request *req, unsigned int len)
{
	if (len > sizeof(moving))
		return -EINVAL;
	spin_lock_bh(&lock);
	scatterwalk_map_and_copy(moving, req->src, 0, len, 0);
	scatterwalk_map_and_copy(moving, req->dst, 0, len, 1);
	spin_unlock_bh(&lock);
	return 0;
}

static int nothing_encrypt(struct aead_request *req)
{
	static const u8 icv[16];
	unsigned int len = req->assoclen + req->cryptlen;
	int err = req->src == req->dst ? 0 : move_octets(req, len);

	if (!err)
		scatterwalk_map_and_copy((void *)icv, req->dst, len,
					 crypto_aead_authsize(crypto_aead_reqtfm(req)), 1);
	return err;
}

static int nothing_decrypt(struct aead_request *req)
{
	unsigned int icv = crypto_aead_authsize(crypto_aead_reqtfm(req));

	if (req->src == req->dst)
		return 0;
	return move_octets(req, req->assoclen + req->cryptlen - icv);
}

static int nothing_setkey(struct crypto_aead *aead, const u8 *key, unsigned int len)
{
	return 0;
}

static int nothing_setauthsize(struct crypto_aead *aead, unsigned int len)
{
	return len <= 16 ? 0 : -EINVAL;
}

static struct aead_alg nothing = {
	.setkey = nothing_setkey,
	.setauthsize = nothing_setauthsize,
	.encrypt = nothing_encrypt,
	.decrypt = nothing_decrypt,
	.ivsize = 8,
	.maxauthsize = 16,
	.base = {
		.cra_name = "rfc4543(gcm(aes))",
		.cra_driver_name = "rfc4543-nothing",
		.cra_priority = 10000,
		.cra_blocksize = 1,
		.cra_module = THIS_MODULE,
	},
};

static int __init bench_init(void)
{
	return crypto_register_aead(&nothing);
}

static void __exit bench_exit(void)
{
	crypto_unregister_aead(&nothing);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("what ciphers cost, and one that costs nothing");
MODULE_LICENSE("GPL");
