/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lex.h - the words of the trigger language, one at a time.
 *
 * Used by the parser in rule.c and by each detector for its own condition.
 */
#ifndef TRIGGERS_LEX_H
#define TRIGGERS_LEX_H

#include "triggers/rule.h"

enum lex_kind {
	LEX_END,
	LEX_WORD,   /* fs.fsync, rate, diskstats.*.io_ms */
	LEX_NUMBER, /* 200ms, 30, 5%, 500MiB/s */
	LEX_SIGN,   /* < > <= >= ( ) = != , */
	LEX_STRING, /* "postgres" */
	LEX_BAD,
};

struct lex {
	const char *text;
	struct rule_diag *diag;
	/* the present token */
	enum lex_kind kind;
	unsigned at, len;
	unsigned depth; /* parentheses open */
};

void lex_start(struct lex *l, const char *text, struct rule_diag *diag);
void lex_next(struct lex *l);
bool lex_is(const struct lex *l, const char *what);
/* The token after the present one, which stays. */
bool lex_next_is(const struct lex *l, const char *what);
/* Copies the token; -ENAMETOOLONG if it does not fit. */
int lex_copy(const struct lex *l, char *buf, size_t size);
/* The same of a string without its quotation marks. */
int lex_copy_value(const struct lex *l, char *buf, size_t size);

/* A duration: 0 and the next token, or lex_fail(). ${what} for the message: `for`.
 * Of 0 to ${max_ns}, 0 itself only if ${zero}. */
int lex_time(struct lex *l, const char *what, bool zero, uint64_t max_ns,
	     uint64_t *ret_ns);

/* Writes *diag with the place of the present token; returns -EINVAL. */
int lex_fail(struct lex *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Fails with what was found instead: "expected X, found 'Y'". */
int lex_expect(struct lex *l, const char *what);

#endif
