// SPDX-License-Identifier: GPL-2.0-only
/*
 * profile.c - a plugin of QEMU's that counts instructions by where they are
 *
 * Given as -plugin profile.so,out=FILE. Counts while the guest is between the two marks
 * that traffic.c sets around what it measures. Writes "ADDRESS INSTRUCTIONS" for each
 * block, with how many of its instructions were executed, and "FROM TO TIMES" for each
 * way from block to block.
 *
 * A block ends at a branch, so it is all of one function. One that a page fault ends
 * early is counted as whole.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From QEMU's interface to plugins, version 1, whose header Debian does not ship. */
#define EXPORT __attribute__((visibility("default")))
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*exec_cb)(unsigned int cpu, void *data);
enum { NO_REGISTERS };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb cb,
					  int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb,
					    int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*cb)(qemu_plugin_id_t id, void *data),
				    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
EXPORT int qemu_plugin_version = 1;

/* As in traffic.c: movl to eax. */
static const uint8_t mark_begin[] = { 0xb8, 0x42, 0x50, 0x53, 0x45 };
static const uint8_t mark_end[] = { 0xb8, 0x45, 0x50, 0x53, 0x45 };

struct way {
	struct way *next;
	const struct block *from;
	uint64_t times;
};

struct block {
	struct block *next;
	struct way *ways;		/* that lead here */
	uint64_t address;
	uint64_t instructions;
	uint64_t executed;
};

static struct block *blocks;
static const struct block *before;	/* the block that was executed last */
static bool counting;
static const char *out;

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static void note_way(struct block *block)
{
	struct way *way = block->ways;

	while (way && way->from != before)
		way = way->next;
	if (!way) {
		way = allocate(sizeof(*way));
		way->from = before;
		way->next = block->ways;
		block->ways = way;
	}
	way->times++;
}

static void count(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	if (counting) {
		block->executed++;
		if (before)
			note_way(block);
	}
	before = block;
}

static void begin(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	counting = true;
}

static void end(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	counting = false;
}

static bool is(const struct qemu_plugin_insn *insn, const uint8_t *mark)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark_begin) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark_begin));
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = allocate(sizeof(*block));

	(void)id;
	block->address = qemu_plugin_tb_vaddr(tb);
	block->instructions = qemu_plugin_tb_n_insns(tb);
	block->next = blocks;
	blocks = block;
	for (size_t i = 0; i < block->instructions; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is(insn, mark_begin))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, NO_REGISTERS,
							       NULL);
		if (is(insn, mark_end))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, NO_REGISTERS,
							       NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count, NO_REGISTERS, block);
}

static void print(FILE *file, const struct block *block)
{
	fprintf(file, "%llx %llu\n", (unsigned long long)block->address,
		(unsigned long long)(block->executed * block->instructions));
	for (const struct way *way = block->ways; way; way = way->next)
		fprintf(file, "%llx %llx %llu\n",
			(unsigned long long)way->from->address,
			(unsigned long long)block->address,
			(unsigned long long)way->times);
}

static void ended(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "w");

	(void)id;
	(void)data;
	if (!file)
		abort();
	for (const struct block *block = blocks; block; block = block->next)
		if (block->executed)
			print(file, block);
	fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			       char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
