// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line, and the voice in which everything else complains.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "setkey.h"

#ifndef SETKEY_VERSION
#define SETKEY_VERSION "unreleased"
#endif

struct options opt;

static bool failed;

static const char usage_text[] =
	"usage: setkey [-Hknrtv] -f file|-\n"
	"       setkey [-Hknrtv] -c\n"
	"       setkey [-aNPpv] -D\n"
	"       setkey -l -D\n"
	"       setkey -j [-P] -D\n"
	"       setkey [-Pv] -F\n"
	"       setkey [-H] -x[x]\n"
	"       setkey -h | -V\n";

/* "setkey: FILE,LINE: ", or without the place for what options ask. */
static void say_at(const char *fmt, va_list args)
{
	fflush(stdout);
	fputs("setkey: ", stderr);
	if (opt.script)
		fprintf(stderr, "%s,%d: ", opt.script, yylineno);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void warn_at(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_at(fmt, args);
	va_end(args);
}

void fail_at(const char *fmt, ...)
{
	va_list args;

	failed = true;
	va_start(args, fmt);
	say_at(fmt, args);
	va_end(args);
}

/* Where nobody can see what is shown, that is the end. */
void flush_stdout(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return;
	fprintf(stderr, "setkey: stdout: %s\n", strerror(errno));
	exit(1);
}

/* Such a word is shown to nobody: a message may end in somebody's log. */
bool may_be_key(const char *word)
{
	size_t len = strlen(word);

	if (!strncasecmp(word, "0x", 2))
		return len > strlen("0xffffffff");
	return len > strlen("18446744073709551615") &&
	       strspn(word, "0123456789abcdefABCDEF") == len;
}

/* An error in the script itself: "WHAT at `TOKEN': HINT", and the end. */
void refuse(const char *what, const char *token, const char *fmt, ...)
{
	char hint[512] = "";
	va_list args;

	if (fmt) {
		va_start(args, fmt);
		vsnprintf(hint, sizeof(hint), fmt, args);
		va_end(args);
	}
	batch_flush();
	if (token && may_be_key(token))
		token = "...";
	warn_at("%s%s%s%s%s%s", what, token ? " at `" : "", token ? token : "",
		token ? "'" : "", fmt ? ": " : "", hint);
	warn_at("parse failed");
	exit(1);
}

/* Whoever writes to a pipe may wait for what his last line has done. */
static bool may_gather(void)
{
	struct stat status;

	return !opt.transaction && !opt.interactive && !opt.verbose && !opt.parse_only &&
	       !fstat(fileno(yyin), &status) && S_ISREG(status.st_mode);
}

static void run_script(const char *file)
{
	bool from_stdin = !file || !strcmp(file, "-");

	opt.script = from_stdin ? "stdin" : file;
	yyin = from_stdin ? stdin : fopen(file, "re");
	if (!yyin) {
		fprintf(stderr, "setkey: %s: %s\n", file, strerror(errno));
		exit(1);
	}
	opt.gather = may_gather();
	cmd_reset();
	yyparse();
	batch_flush();
	batch_end();
}

static void NORETURN usage(FILE *out, int status)
{
	fputs(usage_text, out);
	exit(status);
}

/* What is to be done: one of these, or nothing yet. */
struct job {
	char what;		/* f c D F x */
	bool policies;		/* -P */
	const char *file;
};

static void job_set(struct job *job, int what)
{
	if (job->file || (job->what && job->what != what))
		usage(stderr, 1);
	job->what = what;
}

static const struct {
	char letter;
	bool *flag;
} switches[] = {
	{ 'a', &opt.dead },
	{ 'H', &opt.hex },
	{ 'j', &opt.json },
	{ 'k', &opt.kernel_mode },
	{ 'l', &opt.brief },
	{ 'N', &opt.no_socket_policies },
	{ 'n', &opt.parse_only },
	{ 'p', &opt.ports },
	{ 't', &opt.transaction },
};

static void option(struct job *job, int c)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (switches[i].letter == c)
			*switches[i].flag = true;
	switch (c) {
	case 'c':
	case 'D':
	case 'F':
	case 'f':
	case 'x':
		job_set(job, c);
		job->file = optarg;
		opt.monitor += c == 'x';
		break;
	case 'P':
		job->policies = true;
		break;
	case 'r':
		opt.kernel_mode = false;
		break;
	case 'v':
		opt.verbose = true;
		break;
	case 'V':
		puts("setkey (Esplanade) " SETKEY_VERSION);
		exit(0);
	case 'h':
		usage(stdout, 0);
	case '?':
		usage(stderr, 1);
	}
}

/* -l: all SAs, each second, until it is stopped. */
static void NORETURN watch(void)
{
	dump_brief_head();
	for (;;) {
		cmd_simple(SADB_DUMP);
		flush_stdout();
		sleep(1);
	}
}

static void run(const struct job *job)
{
	switch (job->what) {
	case 'c':
		opt.interactive = true;
		__attribute__((fallthrough));
	case 'f':
		run_script(job->file);
		break;
	case 'D':
		if (opt.brief)
			watch();
		cmd_simple(job->policies ? SADB_X_SPDDUMP : SADB_DUMP);
		break;
	case 'F':
		cmd_simple(job->policies ? SADB_X_SPDFLUSH : SADB_FLUSH);
		break;
	case 'x':
		pfkey_monitor();
	}
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	int c;

	while ((c = getopt(argc, argv, "acDf:FhHjklNnpPrtvVx")) != -1)
		option(&job, c);
	if (!job.what || optind != argc)
		usage(stderr, 1);
	if (opt.parse_only && job.what == 'x')
		usage(stderr, 1);
	if (opt.transaction && job.what != 'f' && job.what != 'c')
		usage(stderr, 1);
	if ((opt.json || opt.brief) && job.what != 'D')
		usage(stderr, 1);
	if (opt.json && opt.verbose)
		usage(stderr, 1);
	if (opt.brief && (opt.json || job.policies || opt.parse_only))
		usage(stderr, 1);
	if (!opt.parse_only)
		pfkey_open();
	run(&job);
	flush_stdout();
	return failed;
}
