// SPDX-License-Identifier: GPL-2.0-only
/*
 * pfkey.c - the PF_KEY family: sockets (RFC 2367 section 1)
 *
 * Owns the family and its sockets: who may open one, what goes in and out of
 * it. What messages mean is pfkey_msg.c's. The kernel has one place for the
 * family, and first come is first served: main.c takes it last when loading and
 * gives it back first.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <net/sock.h>

#include "net.h"
#include "pfkey.h"
#include "pfkey_build.h"
#include "pfkey_msg.h"
#include "pfkey_tell.h"

#define WRITE_MAX	(32 << 20)	/* a transaction of 100,000 policies and SAs */

static bool pfkey_userns;
module_param(pfkey_userns, bool, 0644);
MODULE_PARM_DESC(pfkey_userns,
		 "let the admins of other user namespaces open PF_KEY sockets");

static struct proto proto = {
	.name = "ESPL_KEY",
	.owner = THIS_MODULE,
	.obj_size = sizeof(struct espl_pfkey_sock),
};

static struct espl_pfkey_sock *to_ps(struct sock *sk)
{
	return container_of(sk, struct espl_pfkey_sock, sk);
}

/*
 * A message that was read, or never will be: the last who has it leaves no key behind.
 * Others may peek at it, and take hold of it under the queue's lock.
 */
static void let_go(struct sock *sk, struct sk_buff *skb)
{
	spin_lock_bh(&sk->sk_receive_queue.lock);
	if (skb_shared(skb))
		consume_skb(skb);
	else
		espl_pfkey_forget(skb);
	spin_unlock_bh(&sk->sk_receive_queue.lock);
}

static int release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;

	if (!sk)
		return 0;
	espl_pfkey_leave(to_ps(sk));
	espl_pfkey_dump_end(to_ps(sk));
	sock_orphan(sk);
	sock->sk = NULL;
	while ((skb = skb_dequeue(&sk->sk_receive_queue)))
		let_go(sk, skb);
	kfree_skb(to_ps(sk)->room);
	sock_put(sk);
	return 0;
}

static int take_request(struct espl_pfkey_sock *ps, const void *data, size_t len)
{
	struct espl_pfkey_msg *msg;
	int err;

	if (len > ESPL_PFKEY_REQUEST_MAX)
		return -EMSGSIZE;
	msg = kmalloc(sizeof(*msg), GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	err = espl_pfkey_parse_base(data, len, msg);
	if (!err) {
		int refused = espl_pfkey_parse(data, len, msg);

		if (!refused)
			refused = espl_pfkey_handle(ps, msg);
		if (refused)
			espl_pfkey_refuse(ps, msg, refused);
	}
	kfree_sensitive(msg);
	return err;
}

/* Does a write go on behind its first message: then it is a transaction. */
static bool has_several(const void *data, size_t len)
{
	const struct sadb_msg *first = data;

	return len >= sizeof(*first) && first->sadb_msg_len * 8 < len;
}

static int send_request(struct socket *sock, struct msghdr *msg, size_t len)
{
	void *data;
	int err;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (len > WRITE_MAX)
		return -EMSGSIZE;
	err = espl_pfkey_reserve(to_ps(sock->sk));
	if (err)
		return err;
	data = kvzalloc(len, GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	err = memcpy_from_msg(data, msg, len);
	if (!err && has_several(data, len))
		err = espl_pfkey_change_all(to_ps(sock->sk), data, len);
	else if (!err)
		err = take_request(to_ps(sock->sk), data, len);
	kvfree_sensitive(data, len);
	return err ?: len;
}

static int receive(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;
	size_t copied;
	int err;

	if (flags & ~(MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_COMPAT))
		return -EINVAL;
	skb = skb_recv_datagram(sk, flags, &err);
	if (!skb)
		return err;
	copied = min_t(size_t, skb->len, len);
	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_msg(skb, 0, msg, copied);
	if (!err)
		err = flags & MSG_TRUNC ? skb->len : copied;
	let_go(sk, skb);
	/* There may be room now for what a dump has not sent yet. */
	lock_sock(sk);
	espl_pfkey_dump_go_on(to_ps(sk));
	release_sock(sk);
	return err;
}

static const struct proto_ops ops = {
	.family = PF_KEY,
	.owner = THIS_MODULE,
	.release = release,
	.bind = sock_no_bind,
	.connect = sock_no_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = sock_no_getname,
	.poll = datagram_poll,
	.ioctl = sock_no_ioctl,
	.listen = sock_no_listen,
	.shutdown = sock_no_shutdown,
	.sendmsg = send_request,
	.recvmsg = receive,
	.mmap = sock_no_mmap,
};

/*
 * Asked when the socket is opened and never again: daemons open it as root and
 * hand it to a child that is not.
 */
static bool may_open(const struct net *net)
{
	return capable(CAP_NET_ADMIN) ||
	       (READ_ONCE(pfkey_userns) && ns_capable(net->user_ns, CAP_NET_ADMIN));
}

static int create(struct net *net, struct socket *sock, int protocol, int kern)
{
	struct sock *sk;

	if (!may_open(net))
		return -EPERM;
	if (sock->type != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	if (protocol != PF_KEY_V2)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, PF_KEY, GFP_KERNEL, &proto, kern);
	if (!sk)
		return -ENOMEM;
	sock->ops = &ops;
	sock_init_data(sock, sk);
	sk->sk_family = PF_KEY;
	to_ps(sk)->en = espl_net(net);
	espl_pfkey_enter(to_ps(sk));
	return 0;
}

static const struct net_proto_family family = {
	.family = PF_KEY,
	.create = create,
	.owner = THIS_MODULE,
};

/**
 * espl_pfkey_init() - open for keyers
 *
 * Context: Process.
 * Return: 0, -EBUSY where af_key has the family, or -ENOMEM.
 */
int espl_pfkey_init(void)
{
	int err = proto_register(&proto, 0);

	if (err)
		return err;
	err = sock_register(&family);
	if (err) {
		pr_err("esplanade: PF_KEY is held by af_key: rmmod af_key, then load esplanade again\n");
		proto_unregister(&proto);
		/* To modprobe EEXIST would mean that all is well. */
		err = -EBUSY;
	}
	return err;
}

/**
 * espl_pfkey_fini() - close for keyers; no socket is open, for each holds us
 *
 * Context: Process.
 */
void espl_pfkey_fini(void)
{
	sock_unregister(PF_KEY);
	proto_unregister(&proto);
}

MODULE_ALIAS_NETPROTO(PF_KEY);
