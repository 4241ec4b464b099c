// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that are collected, and sent in one write: the kernel does all that they ask
 * for, or nothing. So a script is one transaction (-t); and so what a file adds goes
 * fast, for which nothing changes but that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

#define TOTAL_MAX	(32 << 20)	/* bytes; the kernel takes no more */
#define GATHER_MAX	(64 << 10)	/* bytes of what a file adds: some hundred messages */

/* What is to be said of a message if it is the one that is refused. */
struct entry {
	int line;
	int type;		/* of the command */
	const char *note;
	const char *invalid;	/* why it would be, if it is */
};

static uint8_t *messages;
static size_t used, room;
static struct entry *entries;
static unsigned int n;

/* Makes room for one more of @size in @array, in steps that grow. */
static void *grow(void *array, size_t have, size_t need, size_t *room_)
{
	if (have + need <= *room_)
		return array;
	*room_ = (have + need) * 2;
	array = realloc(array, *room_);
	if (!array)
		abort();
	return array;
}

/* Where in the script a message comes from is its sequence number. */
void batch_add(const struct msg *m, const char *note)
{
	static size_t entry_room;
	size_t len = msg_len(&m->hdr);
	struct sadb_msg *hdr;

	if (used + len > TOTAL_MAX)
		refuse("the script is too long for one transaction", NULL,
		       "its messages are of more than %u MB", TOTAL_MAX >> 20);
	messages = grow(messages, used, len, &room);
	hdr = memcpy(messages + used, m, len);
	used += len;
	entries = grow(entries, n * sizeof(*entries), sizeof(*entries), &entry_room);
	entries[n] = (struct entry){
		.line = yylineno, .type = cmd.type, .note = note,
		.invalid = explain(&cmd, EINVAL),
	};
	hdr->sadb_msg_seq = ++n;
	if (opt.verbose)
		show_message(hdr, len);
	if (!opt.transaction && used >= GATHER_MAX)
		batch_flush();
}

static void report(int err, const struct entry *entry)
{
	struct command about = { .type = entry->type };
	const char *why = err == EINVAL ? entry->invalid : explain(&about, err);

	yylineno = entry->line;
	fail_at("%s%s%s%s", explain_errno(err), why ? ": " : "", why ? why : "",
		entry->note);
}

/* Each for itself, as if they had never been collected. */
static void send_singly(void)
{
	size_t at = 0;
	int err;

	for (unsigned int i = 0; i < n; i++) {
		struct msg *m = (void *)(messages + at);

		at += msg_len(&m->hdr);
		m->hdr.sadb_msg_seq = 0;
		err = pfkey_call(m, NULL, NULL);
		if (err)
			report(err, &entries[i]);
	}
}

/*
 * Sends what a file has added so far, before anything else is asked or said. Where that
 * is refused the lines are tried one by one, and those that are good take effect.
 */
void batch_flush(void)
{
	int line = yylineno;
	uint32_t seq;
	int err;

	if (!n || opt.transaction)
		return;
	err = pfkey_call_all(messages, used, &seq);
	if (err == ETIMEDOUT)
		report(err, &entries[n - 1]);
	else if (err)
		send_singly();
	if (err == EMSGSIZE)
		opt.gather = false;	/* another kernel's PF_KEY */
	used = 0;
	n = 0;
	yylineno = line;
}

/* The script has ended. Ends the program where a transaction was refused. */
void batch_end(void)
{
	uint32_t seq;
	int err;

	if (!n || opt.parse_only)
		return;
	err = pfkey_call_all(messages, used, &seq);
	if (!err)
		return;
	if (err == EMSGSIZE || !seq || seq > n)
		warn_at("%s%s", explain_errno(err), err == EMSGSIZE ?
			": this kernel's PF_KEY knows no transactions" : "");
	else
		report(err, &entries[seq - 1]);
	/* Sent, and no answer: that happens only where messages are lost. */
	warn_at("%s", err == ETIMEDOUT ?
		"no answer: see what there is by setkey -D and -DP" :
		"nothing of this script has taken effect");
	exit(1);
}
