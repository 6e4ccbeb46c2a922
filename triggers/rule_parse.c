/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule_parse.c - the grammar above the detectors.
 *
 * Each part is parsed into terms at once: `or` puts two lists one behind the
 * other, `and` multiplies them out, `not` swaps the two and turns the levels
 * round.
 */
#include "triggers/rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "triggers/detector.h"
#include "triggers/where.h"

struct terms {
	unsigned nr;
	struct rule_term of[RULE_TERMS_MAX];
};

struct parser {
	struct lex lex;
	struct rule_expr expr;
};

static int parse_any(struct parser *p, bool negated, struct terms *ret);

static bool is_word(const struct parser *p, const char *word)
{
	return p->lex.kind == LEX_WORD && lex_is(&p->lex, word);
}

/* ---- conditions -------------------------------------------------------------- */

static int refuse_unknown(struct lex *l)
{
	char known[256];
	size_t n = 0;

	if (l->kind != LEX_WORD)
		return lex_expect(l, "a condition such as fs.fsync latency > "
				     "200ms");
	known[0] = '\0';
	for (unsigned i = 0; detector_all[i]; i++) {
		if (!detector_all[i]->syntax || n >= sizeof(known))
			continue;
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s",
				      n ? " | " : "", detector_all[i]->syntax);
	}
	return lex_fail(l, "no condition begins with '%.*s'; there are: %s",
			l->len > 40 ? 40 : (int)l->len, l->text + l->at, known);
}

static const struct detector_ops *find_detector(const struct lex *l)
{
	const struct detector_ops *best = NULL;
	int best_claim = 0;

	for (unsigned i = 0; detector_all[i]; i++) {
		const struct detector_ops *ops = detector_all[i];
		int claim = ops->claims ? ops->claims(l) : 0;

		if (claim > best_claim) {
			best_claim = claim;
			best = ops;
		}
	}
	return best;
}

static bool is_event(const struct rule_cond *c)
{
	return c->ops->fill_slot != NULL;
}

static int parse_cond(struct parser *p, bool negated, struct terms *ret)
{
	const struct detector_ops *ops = find_detector(&p->lex);
	unsigned index = p->expr.nr_conds;
	struct rule_cond *c = &p->expr.conds[index];
	struct rule_term *t = &ret->of[0];
	struct lex at = p->lex;
	int r;

	if (!ops)
		return refuse_unknown(&p->lex);
	if (index == RULE_CONDS_MAX)
		return lex_fail(&p->lex, "a rule has at most %d conditions",
				RULE_CONDS_MAX);
	p->expr.nr_conds++;
	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->at = p->lex.at;
	c->where.dev = ~0u;
	r = ops->parse(&p->lex, c);
	if (!r && where_begins(&p->lex))
		r = where_parse(&p->lex, c, ops->where);
	if (r < 0)
		return r;
	if (negated && is_event(c))
		return lex_fail(&at, "an event happens at one instant, so it "
				     "is absent all the time; `not` is for "
				     "what lasts");
	ret->nr = 1;
	*t = (struct rule_term){ .event = RULE_NO_EVENT };
	if (is_event(c))
		t->event = (uint8_t)index;
	else if (negated)
		t->off = (uint8_t)(1u << index);
	else
		t->on = (uint8_t)(1u << index);
	return 0;
}

/* ---- terms ------------------------------------------------------------------- */

static int too_many(struct lex *l)
{
	return lex_fail(l,
			"the rule has more than %d cases; make several "
			"triggers of it",
			RULE_TERMS_MAX);
}

static int join(struct parser *p, struct terms *a, const struct terms *b)
{
	if (a->nr + b->nr > RULE_TERMS_MAX)
		return too_many(&p->lex);
	memcpy(&a->of[a->nr], b->of, b->nr * sizeof(b->of[0]));
	a->nr += b->nr;
	return 0;
}

static int multiply(struct parser *p, struct terms *a, const struct terms *b,
		    const struct lex *at)
{
	struct terms all = { .nr = 0 };
	struct lex l = *at;

	if (a->nr * b->nr > RULE_TERMS_MAX)
		return too_many(&p->lex);
	for (unsigned i = 0; i < a->nr; i++)
		for (unsigned j = 0; j < b->nr; j++) {
			const struct rule_term *x = &a->of[i], *y = &b->of[j];
			struct rule_term *t = &all.of[all.nr++];

			if (x->event != RULE_NO_EVENT &&
			    y->event != RULE_NO_EVENT)
				return lex_fail(&l, "two events never happen "
						    "at the same instant; "
						    "write two triggers, or "
						    "`or`");
			t->event =
				x->event != RULE_NO_EVENT ? x->event : y->event;
			t->on = x->on | y->on;
			t->off = x->off | y->off;
		}
	*a = all;
	return 0;
}

static int parse_one(struct parser *p, bool negated, struct terms *ret)
{
	struct lex *l = &p->lex;
	bool group = l->kind == LEX_SIGN && lex_is(l, "(");
	int r;

	if (!group && !is_word(p, "not"))
		return parse_cond(p, negated, ret);
	if (++l->depth > RULE_DEPTH_MAX)
		return lex_fail(l,
				"more than %d parentheses or `not` in each "
				"other",
				RULE_DEPTH_MAX);
	lex_next(l);
	if (!group) {
		r = parse_one(p, !negated, ret);
		l->depth--;
		return r;
	}
	r = parse_any(p, negated, ret);
	if (r < 0)
		return r;
	if (!lex_is(l, ")"))
		return lex_expect(l, "`)`");
	l->depth--;
	lex_next(l);
	return 0;
}

/* Under `not`, what was `and` is `or`. */
static int combine(struct parser *p, bool is_and, struct terms *a,
		   const struct terms *b, const struct lex *at)
{
	return is_and ? multiply(p, a, b, at) : join(p, a, b);
}

static int parse_all(struct parser *p, bool negated, struct terms *ret)
{
	int r = parse_one(p, negated, ret);

	while (!r && is_word(p, "and")) {
		struct lex at = p->lex;
		struct terms next;

		lex_next(&p->lex);
		r = parse_one(p, negated, &next);
		if (!r)
			r = combine(p, !negated, ret, &next, &at);
	}
	return r;
}

static int parse_any(struct parser *p, bool negated, struct terms *ret)
{
	int r = parse_all(p, negated, ret);

	while (!r && is_word(p, "or")) {
		struct lex at = p->lex;
		struct terms next;

		lex_next(&p->lex);
		r = parse_all(p, negated, &next);
		if (!r)
			r = combine(p, negated, ret, &next, &at);
	}
	return r;
}

/* Leaves out terms that can never hold; none left is an error. */
static int drop_contradictions(struct parser *p, struct terms *terms)
{
	unsigned nr = 0;
	uint8_t both = 0;

	for (unsigned i = 0; i < terms->nr; i++) {
		if (!(terms->of[i].on & terms->of[i].off))
			terms->of[nr++] = terms->of[i];
		else
			both = terms->of[i].on & terms->of[i].off;
	}
	terms->nr = nr;
	if (nr)
		return 0;
	p->lex.at = p->expr.conds[__builtin_ctz(both)].at;
	return lex_fail(&p->lex,
			"this can never fire: the condition would have "
			"to hold and not to hold");
}

static int too_long(const char *text, struct rule_diag *diag)
{
	if (strnlen(text, RULE_TEXT_MAX + 1) <= RULE_TEXT_MAX)
		return 0;
	diag->at = 0;
	snprintf(diag->text, sizeof(diag->text),
		 "the rule is longer than %d bytes", RULE_TEXT_MAX);
	return -EINVAL;
}

int rule_parse(const char *text, struct rule_expr *ret, struct rule_diag *diag)
{
	struct terms terms = { .nr = 0 };
	struct parser p = { .expr = { .nr_conds = 0 } };
	int r = too_long(text, diag);

	if (r < 0)
		return r;
	lex_start(&p.lex, text, diag);
	r = parse_any(&p, false, &terms);
	if (!r)
		r = drop_contradictions(&p, &terms);
	if (r < 0)
		return r;
	if (p.lex.kind != LEX_END)
		return lex_expect(&p.lex, "`and`, `or` or the end of the rule");
	p.expr.nr_terms = terms.nr;
	memcpy(p.expr.terms, terms.of, sizeof(terms.of));
	*ret = p.expr;
	return 0;
}

#define CARET_WIDTH 72

char *rule_format_caret(char *buf, size_t size, const char *text, unsigned at)
{
	size_t len = strlen(text), begin = at, end;

	if (begin > len)
		begin = at = (unsigned)len;
	while (begin && text[begin - 1] != '\n')
		begin--;
	end = begin + strcspn(text + begin, "\n");
	if (at - begin > CARET_WIDTH - 8)
		begin = at - (CARET_WIDTH - 8);
	if (end - begin > CARET_WIDTH)
		end = begin + CARET_WIDTH;
	snprintf(buf, size, "    %.*s\n    %*s", (int)(end - begin),
		 text + begin, (int)(at - begin) + 1, "^");
	for (char *p = buf; *p; p++)
		if (*p != '\n' && (*p < ' ' || *p > '~'))
			*p = '?';
	return buf;
}
