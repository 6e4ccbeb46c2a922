/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_print.c - results of a back-test: text for people, CSV, JSON lines. */
#include "dump/backtest_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump/escape.h"
#include "dump/nested_json.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "dump/view_time.h"
#include "triggers/units.h"

#define PATH_ROOM 4096
#define HIT_CELLS 14 /* of hit_cells(), before the text */

struct printer {
	const struct backtest *b;
	struct view *v;
	struct view_cursor *c;
	enum backtest_format format;
	bool all;
	bool begun; /* a cell of the present line is written */
};

const char *backtest_verdict(const struct backtest_rule *r)
{
	if (r->counts.fired)
		return "fires";
	if (r->nr_reasons)
		return "undecidable";
	return r->enabled ? "does not fire" : "disabled";
}

/* ---- what a hit is about --------------------------------------------------------- */

/* The row of the hit; false: none. */
static bool seek(const struct printer *p, const struct backtest_hit *h)
{
	if (h->row == BACKTEST_NO_ROW)
		return false;
	view_seek(p->c, h->row);
	return true;
}

static void real_time(const struct printer *p, uint64_t ns, char buf[48])
{
	struct wall_cache cache = { 0 };

	wall_format(&cache, backtest_real_ns(p->b, ns), buf);
}

/* ---- text ------------------------------------------------------------------------- */

static void print_hit(const struct printer *p, const struct backtest_hit *h)
{
	char wall[48], text[320], value[512];

	real_time(p, h->ns, wall);
	backtest_describe(p->b, h, text, sizeof(text));
	printf("  %.10s %.12s  %-10s %s", wall, wall + 11,
	       backtest_fate_name(h->fate), text);
	if (seek(p, h)) {
		row_print_value(value, sizeof(value), p->v, p->c, VIEW_COMM);
		printf("  %s[%u]", value, h->hit.pid);
		row_print_value(value, sizeof(value), p->v, p->c, VIEW_PATH);
		if (strcmp(value, "-") != 0)
			printf("  %s", value);
	}
	putchar('\n');
}

static void print_nearest(const struct printer *p, unsigned rule)
{
	char text[320];

	for (unsigned i = 0;
	     backtest_nearest(p->b, rule, i, text, sizeof(text)); i++) {
		char line[1400];

		row_print_bytes(line, sizeof(line), text, strlen(text));
		printf("  nearest: %s\n", line);
	}
}

static void print_rule(const struct printer *p, unsigned i)
{
	const struct trigger_counts *n;
	struct backtest_rule r;

	backtest_rule(p->b, i, &r);
	n = &r.counts;
	printf("\n%s%s%s  %s", terminal_bold(), r.name, terminal_off(),
	       backtest_verdict(&r));
	if (n->fired == 1)
		printf(" %sonce", r.nr_reasons ? "at least " : "");
	else if (n->fired)
		printf(" %s%" PRIu64 " times", r.nr_reasons ? "at least " : "",
		       n->fired);
	printf("\n  when = %s\n", r.when);
	printf("  hits %" PRIu64 ": fired %" PRIu64 ", merged %" PRIu64
	       ", suppressed %" PRIu64 "\n",
	       n->hits, n->fired, n->merged, n->suppressed);
	for (size_t h = 0; h < backtest_nr_hits(p->b); h++) {
		const struct backtest_hit *hit = backtest_hit(p->b, h);

		if (hit->rule == i && (p->all || hit->fate == BACKTEST_FIRED))
			print_hit(p, hit);
	}
	if (!n->fired)
		print_nearest(p, i);
	for (unsigned k = 0; k < r.nr_reasons; k++)
		printf("  %sundecidable%s: %s\n", terminal_warn(),
		       terminal_off(), r.reasons[k]);
}

static void print_span(const struct printer *p)
{
	char from[48], to[48], span[32];
	uint64_t begin, end;

	backtest_span(p->b, &begin, &end);
	real_time(p, begin, from);
	real_time(p, end, to);
	if (begin)
		printf("tested from %.10s %.12s to %.12s (%s)\n", from,
		       from + 11, to + 11, units_human_time(span, end - begin));
	else
		printf("tested from the begin of recording to %.10s %.12s\n",
		       to, to + 11);
}

/* ---- CSV and JSON lines ------------------------------------------------------------- */

static void csv_text(const char *text)
{
	char clean[ESCAPE_GROWTH * PATH_ROOM];
	size_t len = strnlen(text, PATH_ROOM);

	len = escape_text(clean, text, len, 0);
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		if (clean[i] == '"')
			putchar('"');
		putchar(clean[i]);
	}
	putchar('"');
}

static void begin_cell(struct printer *p, const char *name)
{
	if (p->begun)
		putchar(',');
	else if (p->format == BACKTEST_JSONL)
		putchar('{');
	p->begun = true;
	if (p->format == BACKTEST_JSONL)
		printf("\"%s\":", name);
}

/* ${text} NULL: not captured. */
static void cell_text(struct printer *p, const char *name, const char *text)
{
	begin_cell(p, name);
	if (p->format == BACKTEST_JSONL && !text)
		printf("null");
	else if (p->format == BACKTEST_JSONL)
		nested_json_string(stdout, text, strlen(text));
	else if (text)
		csv_text(text);
}

static void cell_number(struct printer *p, const char *name, bool is,
			uint64_t number)
{
	begin_cell(p, name);
	if (is)
		printf("%" PRIu64, number);
	else if (p->format == BACKTEST_JSONL)
		printf("null");
}

static void end_line(struct printer *p)
{
	puts(p->format == BACKTEST_JSONL ? "}" : "");
	p->begun = false;
}

static void cell_column(struct printer *p, const char *name, bool is,
			unsigned column)
{
	char text[PATH_ROOM];

	is = is && view_get_text(p->c, column, text, sizeof(text));
	cell_text(p, name, is ? text : NULL);
}

/* Cells of both kinds of lines, so that CSV has them all: ${r} or ${h}. */
static void rule_cells(struct printer *p, const struct backtest_rule *r)
{
	cell_text(p, "when", r ? r->when : NULL);
	cell_text(p, "verdict", r ? backtest_verdict(r) : NULL);
	cell_number(p, "decided", r, r && !r->nr_reasons);
	cell_number(p, "hits", r, r ? r->counts.hits : 0);
	cell_number(p, "fired", r, r ? r->counts.fired : 0);
	cell_number(p, "merged", r, r ? r->counts.merged : 0);
	cell_number(p, "suppressed", r, r ? r->counts.suppressed : 0);
}

static void value_cell(struct printer *p, const struct backtest_hit *h)
{
	char text[40];

	begin_cell(p, "value");
	if (!h || !h->hit.metric[0]) {
		printf(p->format == BACKTEST_JSONL ? "null" : "");
		return;
	}
	snprintf(text, sizeof(text), "%.10g", h->hit.value);
	fputs(text, stdout);
}

static void hit_cells(struct printer *p, const struct backtest_hit *h)
{
	bool row = h && seek(p, h), op = h && h->hit.tid;
	char wall[48], text[320];

	if (h) {
		real_time(p, h->ns, wall);
		backtest_describe(p->b, h, text, sizeof(text));
	}
	cell_text(p, "time", h ? wall : NULL);
	cell_text(p, "fate", h ? backtest_fate_name(h->fate) : NULL);
	cell_number(p, "ts", h, h ? op ? h->hit.ts : h->hit.hit_ns : 0);
	cell_number(p, "dur", op && h->hit.dur, h ? h->hit.dur : 0);
	cell_column(p, "stream", row, VIEW_STREAM);
	cell_column(p, "op", row, VIEW_OP);
	cell_column(p, "call", row, VIEW_CALL);
	cell_text(p, "metric", h && h->hit.metric[0] ? h->hit.metric : NULL);
	value_cell(p, h);
	cell_number(p, "code", op && h->hit.code,
		    h ? (uint64_t)(uint32_t)h->hit.code : 0);
	cell_number(p, "pid", op, h ? h->hit.pid : 0);
	cell_number(p, "tid", op, h ? h->hit.tid : 0);
	cell_column(p, "comm", row, VIEW_COMM);
	cell_column(p, "path", row, VIEW_PATH);
	cell_text(p, "text", h ? text : NULL);
}

static void note_lines(struct printer *p, unsigned i,
		       const struct backtest_rule *r)
{
	char text[320];

	for (unsigned k = 0; k < r->nr_reasons + RULE_CONDS_MAX; k++) {
		bool reason = k < r->nr_reasons;

		if (!reason && (r->counts.fired ||
				!backtest_nearest(p->b, i, k - r->nr_reasons,
						  text, sizeof(text))))
			continue;
		cell_text(p, "record", reason ? "reason" : "nearest");
		cell_text(p, "rule", r->name);
		if (p->format == BACKTEST_CSV) {
			rule_cells(p, NULL);
			for (unsigned e = 0; e < HIT_CELLS; e++)
				cell_text(p, "", NULL);
		}
		cell_text(p, "text", reason ? r->reasons[k] : text);
		end_line(p);
	}
}

static void rule_line(struct printer *p, unsigned i)
{
	struct backtest_rule r;

	backtest_rule(p->b, i, &r);
	cell_text(p, "record", "rule");
	cell_text(p, "rule", r.name);
	rule_cells(p, &r);
	if (p->format == BACKTEST_CSV)
		hit_cells(p, NULL);
	end_line(p);
	note_lines(p, i, &r);
}

static void hit_line(struct printer *p, const struct backtest_hit *h)
{
	struct backtest_rule r;

	if (!p->all && h->fate != BACKTEST_FIRED)
		return;
	backtest_rule(p->b, h->rule, &r);
	cell_text(p, "record", "hit");
	cell_text(p, "rule", r.name);
	if (p->format == BACKTEST_CSV)
		rule_cells(p, NULL);
	hit_cells(p, h);
	end_line(p);
}

static void print_lines(struct printer *p)
{
	if (p->format == BACKTEST_CSV)
		puts("record,rule,when,verdict,decided,hits,fired,merged,"
		     "suppressed,time,fate,ts,dur,stream,op,call,metric,value,"
		     "code,pid,tid,comm,path,text");
	for (unsigned i = 0; i < backtest_nr_rules(p->b); i++)
		rule_line(p, i);
	for (size_t i = 0; i < backtest_nr_hits(p->b); i++)
		hit_line(p, backtest_hit(p->b, i));
}

int backtest_print(const struct backtest *b, struct view *v,
		   enum backtest_format format, bool all)
{
	struct printer p = { .b = b, .v = v, .format = format, .all = all };

	p.c = view_cursor_new(v);
	if (!p.c)
		return -ENOMEM;
	if (format == BACKTEST_TEXT) {
		print_span(&p);
		for (unsigned i = 0; i < backtest_nr_rules(b); i++)
			print_rule(&p, i);
	} else {
		print_lines(&p);
	}
	view_cursor_free(p.c);
	return 0;
}
