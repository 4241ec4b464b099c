// SPDX-License-Identifier: GPL-2.0-only
/*
 * A script as one transaction (-t): its messages are collected, and sent in one
 * write. The kernel does all that they ask for, or nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

#define TOTAL_MAX	(32 << 20)	/* bytes; the kernel takes no more */

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
}

static void report(int err, uint32_t seq)
{
	const struct entry *entry;
	struct command about = { 0 };
	const char *why;

	if (err == EMSGSIZE || !seq || seq > n) {
		warn_at("%s%s", explain_errno(err), err == EMSGSIZE ?
			": this kernel's PF_KEY knows no transactions" : "");
		return;
	}
	entry = &entries[seq - 1];
	about.type = entry->type;
	why = err == EINVAL ? entry->invalid : explain(&about, err);
	yylineno = entry->line;
	warn_at("%s%s%s%s", explain_errno(err), why ? ": " : "", why ? why : "",
		entry->note);
}

/* Sends what has been collected. Ends the program where that was refused. */
void batch_send(void)
{
	uint32_t seq;
	int err;

	if (!n || opt.parse_only)
		return;
	err = pfkey_call_all(messages, used, &seq);
	if (!err)
		return;
	report(err, seq);
	/* Sent, and no answer: that happens only where messages are lost. */
	warn_at("%s", err == ETIMEDOUT ?
		"no answer: see what there is by setkey -D and -DP" :
		"nothing of this script has taken effect");
	exit(1);
}
