/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exit.c - a process died of some signals, or ended with some exit codes.
 *
 * Decided in the kernel when its last thread ends.  Filters mean the process:
 * comm is its own name, not that of the thread that happened to be the last.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "dump/number_names.h"
#include "triggers/units.h"
#include "triggers/victim.h"

#define SIGNALS_MAX   64
#define NAMED_SIGNALS 31
#define CODE_MAX      255
#define CODE_ANY      (-1)

/* Second names. */
static const struct {
	const char *name;
	int number;
} aliases[] = { { "IOT", SIGABRT }, { "IO", SIGPOLL } };
#define NR_ALIASES (sizeof(aliases) / sizeof(aliases[0]))

static int claims(const struct lex *l)
{
	return l->kind == LEX_WORD && lex_is(l, "proc") ? 2 : 0;
}

/* ---- signals -------------------------------------------------------------- */
static const char *without_sig(const char *name)
{
	return strncmp(name, "SIG", 3) ? name : name + 3;
}

/* 0: there is none. */
static int signal_by_name(const char *name)
{
	name = without_sig(name);
	for (int n = 1; n <= NAMED_SIGNALS; n++)
		if (sigabbrev_np(n) && !strcmp(sigabbrev_np(n), name))
			return n;
	for (unsigned i = 0; i < NR_ALIASES; i++)
		if (!strcmp(aliases[i].name, name))
			return aliases[i].number;
	return 0;
}

static int refuse_signal(struct lex *l, const char *name)
{
	const char *names[NAMED_SIGNALS + 1] = { NULL }, *near;
	unsigned nr = 0;

	for (int n = 1; n <= NAMED_SIGNALS; n++)
		if (sigabbrev_np(n))
			names[nr++] = sigabbrev_np(n);
	near = units_nearest(without_sig(name), names);
	return lex_fail(l, "there is no signal '%s'; %s%s", name,
			near ? "did you mean " :
			       "they are named as in signal(7), such as SEGV, "
			       "or a number up to 64, or any",
			near ? near : "");
}

/* What it does by default is not to kill: nobody dies of it. */
static bool is_harmless(int n)
{
	static const int harmless[] = { SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
					SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };

	for (unsigned i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (harmless[i] == n)
			return true;
	return false;
}

/* A number in decimal, 1 to ${max}; 0 if it is none. */
static int small_number(const char *text, int max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return *end || n > (unsigned long)max ? 0 : (int)n;
}

static int parse_signal(struct lex *l, struct rule_cond *ret)
{
	char name[32];
	int n;

	if ((l->kind != LEX_WORD && l->kind != LEX_NUMBER) ||
	    lex_copy(l, name, sizeof(name)) < 0)
		return lex_expect(l, "a signal such as SEGV, or any");
	n = l->kind == LEX_NUMBER ? small_number(name, SIGNALS_MAX) :
				    signal_by_name(name);
	if (!n)
		return refuse_signal(l, name);
	if (is_harmless(n))
		return lex_fail(l,
				"this can never fire: nobody dies of signal "
				"'%s'",
				name);
	ret->signals |= 1ull << (n - 1);
	lex_next(l);
	return 0;
}

/* ---- exit codes ----------------------------------------------------------- */
static int parse_code(struct lex *l, struct rule_cond *ret)
{
	unsigned nr = 0;
	char text[32];
	int n;

	if (l->kind != LEX_NUMBER || lex_copy(l, text, sizeof(text)) < 0)
		return lex_expect(l, "an exit code such as 1, or any");
	n = small_number(text, CODE_MAX);
	if (!n)
		return lex_fail(l,
				"'%s' is not the exit code of a failure; "
				"these are 1 to 255",
				text);
	while (nr < RULE_ERRNOS_MAX && ret->errnos[nr])
		nr++;
	if (nr == RULE_ERRNOS_MAX)
		return lex_fail(l,
				"at most %d exit codes; `any` stands for "
				"all but 0",
				RULE_ERRNOS_MAX);
	ret->errnos[nr] = n;
	lex_next(l);
	return 0;
}

static int parse_list(struct lex *l, struct rule_cond *ret,
		      int (*one)(struct lex *, struct rule_cond *))
{
	int r = one(l, ret);

	while (!r && lex_is(l, ",")) {
		lex_next(l);
		r = one(l, ret);
	}
	return r;
}

static int parse(struct lex *l, struct rule_cond *ret)
{
	bool code;

	lex_next(l); /* proc */
	if (!lex_is(l, "exit"))
		return lex_expect(l, "`exit`");
	lex_next(l);
	code = lex_is(l, "code");
	if (!code && !lex_is(l, "signal"))
		return lex_expect(l, "`signal` or `code`");
	lex_next(l);
	if (!lex_is(l, "any"))
		return parse_list(l, ret, code ? parse_code : parse_signal);
	lex_next(l);
	if (code)
		ret->errnos[0] = CODE_ANY;
	else
		ret->signals = ~0ull;
	return 0;
}

static void fill_slot(const struct rule_cond *c, struct fr_trigger_slot *s)
{
	s->what = FR_WHAT_EXIT;
	s->signals = c->signals;
	memcpy(s->errnos, c->errnos, sizeof(s->errnos));
}

static void describe(const struct rule_cond *c, const struct engine_hit *h,
		     char *buf, size_t size)
{
	char who[VICTIM_TEXT_MAX], how[32];

	victim_text(h, who);
	if (!h->pid) {
		snprintf(buf, size, "%s %s", who,
			 c && c->signals ? "was killed by a signal" : "failed");
		return;
	}
	if (WIFSIGNALED(h->code)) {
		number_wait_status(how, sizeof(how), (uint64_t)h->code);
		snprintf(buf, size,
			 "%s was killed by %s (CPU %u, record %" PRIu64 ")",
			 who, how, h->cpu, h->seq);
	} else {
		snprintf(buf, size,
			 "%s ended with exit code %d (CPU %u, record %" PRIu64
			 ")",
			 who, WEXITSTATUS(h->code), h->cpu, h->seq);
	}
}

const struct detector_ops detector_exit = {
	.name = "exit",
	.doc = "A process died of some signals, or ended with some exit codes. "
	       "Decided in the kernel, when its last thread ends.",
	.syntax = "proc exit signal|code NAME[,NAME]|any",
	.example = "proc exit signal SEGV,BUS,ABRT where comm = \"postgres\"",
	.where = FR_WHERE_COMM | FR_WHERE_PID | FR_WHERE_CGROUP,
	.claims = claims,
	.parse = parse,
	.fill_slot = fill_slot,
	.describe = describe,
};
