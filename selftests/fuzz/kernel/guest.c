// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - libFuzzer within the kernel that it fuzzes
 *
 * KCOV says which parts of the module an input has come by, and libFuzzer gets that
 * as counters of its own. Whatever the kernel complains of ends the run. Inputs since
 * the namespace was made are in a journal, outside the kernel where it can be:
 *
 *   JOURNAL=FILE PROGRAM ...	write them there
 *   REPLAY=FILE PROGRAM	do them once more, and nothing else
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "guest.h"

#define TRACE_WORDS	(1 << 18)

/* Cleared by libFuzzer before each input; what is not 0 then is a feature. */
__attribute__((section("__libfuzzer_extra_counters")))
static u8 counters[1 << 16];

static unsigned long *trace;	/* NULL in a kernel without KCOV */
static int kcov = -1, kmsg = -1, journal = -1;
static unsigned long executed;

void must(bool is, const char *what)
{
	if (is)
		return;
	fprintf(stderr, "guest: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void open_kcov(void)
{
	kcov = open("/sys/kernel/debug/kcov", O_RDWR);
	if (kcov < 0) {
		must(!getenv("KCOV"), "KCOV is not there");
		return;
	}
	must(!ioctl(kcov, KCOV_INIT_TRACE, TRACE_WORDS), "KCOV_INIT_TRACE");
	trace = mmap(NULL, TRACE_WORDS * sizeof(*trace), PROT_READ | PROT_WRITE,
		     MAP_SHARED, kcov, 0);
	must(trace != MAP_FAILED, "KCOV's memory");
	must(!ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC), "KCOV_ENABLE");
	must(!ioctl(kcov, KCOV_DISABLE, 0), "KCOV_DISABLE");
}

static void trace_begin(void)
{
	if (!trace)
		return;
	must(!ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC), "KCOV_ENABLE");
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

/* A counter for each place that was come by: how often. */
static void trace_end(void)
{
	unsigned long n;

	if (!trace)
		return;
	n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	must(!ioctl(kcov, KCOV_DISABLE, 0), "KCOV_DISABLE");
	for (unsigned long i = 1; i <= n && i < TRACE_WORDS; i++) {
		u8 *counter = &counters[trace[i] * 0x9e3779b97f4a7c15 >> 48];

		if (*counter < 255)
			++*counter;
	}
}

/* What the kernel says since last time: is it a complaint. */
static bool complains(void)
{
	static const char *const words[] = {
		"BUG", "WARNING:", "Oops", "KASAN", "UBSAN", "refcount_t:", "INFO: task",
		"corruption", "Call Trace:",
	};
	char line[8192];
	ssize_t len;

	while ((len = read(kmsg, line, sizeof(line) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		line[len] = 0;
		for (unsigned int i = 0; i < COUNT(words); i++)
			if (strstr(line, words[i])) {
				fprintf(stderr, "guest: the kernel says: %s", line);
				return true;
			}
	}
	return false;
}

static void journal_begin(void)
{
	if (journal >= 0)
		must(!ftruncate(journal, 0) && !lseek(journal, 0, SEEK_SET), "the journal");
}

/* In the file, and not in the memory of a kernel that may be dead in a moment. */
static void journal_add(const u8 *data, u32 size)
{
	if (journal < 0)
		return;
	must(write(journal, &size, sizeof(size)) == sizeof(size) &&
	     write(journal, data, size) == size &&
	     !sync_file_range(journal, 0, 0, SYNC_FILE_RANGE_WRITE |
			      SYNC_FILE_RANGE_WAIT_AFTER), "the journal");
}

int guest_device(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	strcpy(ifr.ifr_name, "fuzz");
	must(fd >= 0 && !ioctl(fd, TUNSETIFF, &ifr), "/dev/net/tun");
	must(!system("./fuzz-device.sh"), "fuzz-device.sh");
	return fd;
}

void guest_drain(int fd)
{
	u8 packet[2048];

	while (read(fd, packet, sizeof(packet)) > 0)
		;
}

static void renew(void)
{
	static bool begun;

	if (begun)
		fuzz_clear();
	begun = true;
	must(!unshare(CLONE_NEWNET), "unshare");
	fuzz_setup();
	journal_begin();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };

	if (executed++ % fuzz_share == 0 && executed > 1)
		renew();
	journal_add(data, size);
	trace_begin();
	fuzz_run(&in);
	trace_end();
	fuzz_tidy();
	if (complains())
		abort();
	return 0;
}

static void replay(const char *name)
{
	FILE *file = fopen(name, "r");
	unsigned long n = 0;
	u32 size;

	must(file, name);
	while (fread(&size, sizeof(size), 1, file) == 1 && size < 1 << 20) {
		u8 *data = malloc(size);

		must(fread(data, 1, size, file) == size, name);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
		n++;
	}
	printf("replayed %lu\n", n);
	exit(0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("JOURNAL");

	if (name) {
		journal = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
		must(journal >= 0, name);
	}
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	must(kmsg >= 0 && lseek(kmsg, 0, SEEK_END) >= 0, "/dev/kmsg");
	open_kcov();
	renew();	/* here, where nobody looks at the clock */
	if (getenv("REPLAY"))
		replay(getenv("REPLAY"));
	return 0;
}
