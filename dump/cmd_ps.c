/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_ps.c - flightrec ps: the processes of a moment, like ps(1). */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dump/command.h"
#include "dump/escape.h"
#include "dump/report.h"
#include "dump/terminal.h"
#include "dump/view_open.h"
#include "triggers/units.h"

#define COMMAND_MAX 3200 /* bytes of a command line that are looked at */
#define INDENT_MAX  40
#define NO_LOAD     UINT64_MAX

extern const struct command_ops cmd_ps;

static const struct option options[] = {
	{ "tree", no_argument, NULL, 't' },
	{ "sort", required_argument, NULL, 's' },
	{ "lines", required_argument, NULL, 'n' },
	{ "round", required_argument, NULL, 'r' },
	{ "rounds", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct proc {
	size_t row; /* of the view */
	uint64_t pid, ppid, rss, vms, start, loads[3];
	size_t parent;            /* index; nr: none */
	size_t first_child, next; /* the same */
	unsigned depth;
	bool is_shown;
};

struct ps {
	struct view *v;
	struct view_cursor *c;
	struct proc *procs;
	size_t nr, shown;
	bool tree, list;
	const char *sort;
	uint64_t limit, round; /* 0: all; the last */
	unsigned width;        /* of the terminal; 0: any */
};

static uint64_t get(struct ps *p, const char *column, uint64_t absent)
{
	struct view_value v;

	view_get(p->c, view_find_column(p->v, column), &v);
	return v.type == VIEW_U64 || v.type == VIEW_I64 ||
			       v.type == VIEW_DECIMAL ?
		       v.u :
		       absent;
}

/* ---- rounds ----------------------------------------------------------------------- */

static uint64_t round_of(struct ps *p, size_t row)
{
	view_seek(p->c, row);
	return get(p, "round", 0);
}

/* The round of the last row; rows are in the order of time. */
static uint64_t last_round(struct ps *p)
{
	return round_of(p, view_nr_rows(p->v) - 1);
}

static void print_round(struct ps *p, uint64_t round, size_t nr, uint64_t ts)
{
	char wall[48];

	printf("%8" PRIu64 "  %s  %9zu\n", round,
	       report_wall(wall, p->v, 0, ts), nr);
}

static int list_rounds(struct ps *p)
{
	size_t rows = view_nr_rows(p->v), from = 0;
	uint64_t round = 0, ts = 0;

	printf("   ROUND  %-23s  PROCESSES\n", "TIME");
	for (size_t i = 0; i <= rows; i++) {
		uint64_t next = i < rows ? round_of(p, i) : 0;

		if (i > from && (i == rows || next != round)) {
			print_round(p, round, i - from, ts);
			from = i;
		}
		if (i == from && i < rows) {
			round = next;
			view_get_u64(p->c, VIEW_TS, &ts);
		}
	}
	return EXIT_OK;
}

/* ---- the processes ------------------------------------------------------------------ */

static void read_proc(struct ps *p, struct proc *q, size_t row)
{
	*q = (struct proc){ .row = row };
	view_seek(p->c, row);
	view_get_u64(p->c, VIEW_PID, &q->pid);
	view_get_u64(p->c, VIEW_PPID, &q->ppid);
	q->rss = get(p, "rss", 0);
	q->vms = get(p, "vms", 0);
	q->start = get(p, "start", 0);
	q->loads[0] = get(p, "cpu_5s", NO_LOAD);
	q->loads[1] = get(p, "cpu_2m", NO_LOAD);
	q->loads[2] = get(p, "cpu_1h", NO_LOAD);
}

static int read_procs(struct ps *p)
{
	size_t rows = view_nr_rows(p->v);
	uint64_t round = p->round ? p->round : last_round(p);

	p->procs = calloc(rows, sizeof(*p->procs));
	if (!p->procs)
		return EXIT_FAILED;
	for (size_t i = 0; i < rows; i++)
		if (round_of(p, i) == round)
			read_proc(p, &p->procs[p->nr++], i);
	if (p->nr)
		return EXIT_OK;
	fprintf(stderr,
		"flightrec: there is no round %" PRIu64
		"; --rounds lists them\n",
		round);
	return EXIT_EMPTY;
}

static int descending(uint64_t a, uint64_t b)
{
	/* unknown comes last */
	a = a == NO_LOAD ? 0 : a + 1;
	b = b == NO_LOAD ? 0 : b + 1;
	return (a < b) - (a > b);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct proc *x = a, *y = b;
	const char *sort = arg;
	int d = 0;

	if (!strcmp(sort, "rss"))
		d = descending(x->rss, y->rss);
	else if (!strcmp(sort, "vms"))
		d = descending(x->vms, y->vms);
	else if (!strcmp(sort, "start"))
		d = descending(x->start, y->start);
	else if (strcmp(sort, "pid") != 0)
		for (unsigned i = 0; !d && i < 3; i++)
			d = descending(x->loads[i], y->loads[i]);
	return d ? d : (x->pid > y->pid) - (x->pid < y->pid);
}

/* ---- lines -------------------------------------------------------------------------- */

static void print_load(uint64_t permille)
{
	if (permille == NO_LOAD)
		printf(" %6s", "-");
	else
		printf(" %6.1f", (double)permille / 10);
}

static void print_start(struct ps *p, uint64_t start)
{
	const char *boot =
		snap_fact(view_snap(p->v, 0), "clock.boot_to_mono_ns");
	int64_t shift = boot ? strtoll(boot, NULL, 10) : 0;
	char wall[48];

	/* A time before the clock began is none that it can show. */
	report_wall(wall, p->v, 0, start + (uint64_t)shift);
	printf(" %.19s ", wall);
}

/* The command line; of kernel threads, which have none, the name. */
static size_t command_of(struct ps *p, char *buf)
{
	struct view_value v;
	size_t len;

	view_get(p->c, view_find_column(p->v, "cmdline"), &v);
	if (v.len > COMMAND_MAX)
		v.len = COMMAND_MAX;
	if (v.type != VIEW_NULL && v.len)
		return escape_text(buf, v.text, v.len,
				   ESCAPE_CONTROLS | ESCAPE_ARGS);
	view_get(p->c, VIEW_COMM, &v);
	if (v.len > COMMAND_MAX)
		v.len = COMMAND_MAX;
	buf[0] = '[';
	len = v.len ? escape_text(buf + 1, v.text, v.len, ESCAPE_CONTROLS) : 0;
	buf[len + 1] = ']';
	return len + 2;
}

static void print_command(struct ps *p, unsigned depth, unsigned used)
{
	char buf[COMMAND_MAX * ESCAPE_GROWTH + 2];
	size_t len = command_of(p, buf);
	unsigned indent = 2 * (depth < INDENT_MAX ? depth : INDENT_MAX);

	printf("%*s", (int)indent, "");
	used += indent;
	if (p->width && used + len > p->width)
		len = p->width > used ? p->width - used : 0;
	/* Not in the middle of a character. */
	while (p->width && len && (buf[len] & 0xc0) == 0x80)
		len--;
	printf("%.*s\n", (int)len, buf);
}

static void print_proc(struct ps *p, const struct proc *q)
{
	char vms[32], rss[32], state[2] = "?";
	uint64_t uid = 0;

	if (p->limit && p->shown >= p->limit)
		return;
	p->shown++;
	view_seek(p->c, q->row);
	view_get_text(p->c, view_find_column(p->v, "state"), state,
		      sizeof(state));
	printf("%7" PRIu64 " %7" PRIu64, q->pid, q->ppid);
	if (view_get_u64(p->c, VIEW_UID, &uid))
		printf(" %5" PRIu64, uid);
	else
		printf(" %5s", "-");
	printf(" %s %4" PRIu64, state, get(p, "threads", 0));
	for (unsigned i = 0; i < 3; i++)
		print_load(q->loads[i]);
	printf(" %9s %9s", units_human_size(vms, q->vms),
	       units_human_size(rss, q->rss));
	print_start(p, q->start);
	print_command(p, q->depth, 87);
}

static void print_head(struct ps *p)
{
	uint64_t ts = 0;
	char wall[48];

	view_seek(p->c, p->procs[0].row);
	view_get_u64(p->c, VIEW_TS, &ts);
	printf("%zu processes at %s, round %" PRIu64 "\n", p->nr,
	       report_wall(wall, p->v, 0, ts), get(p, "round", 0));
	printf("%s%7s %7s %5s S %4s %6s %6s %6s %9s %9s %-19s  COMMAND%s\n",
	       terminal_bold(), "PID", "PPID", "UID", "THR", "%5S", "%2MIN",
	       "%1H", "VIRTUAL", "RESIDENT", " STARTED", terminal_off());
}

/* ---- the tree ----------------------------------------------------------------------- */

static int by_pid(const void *a, const void *b, void *arg)
{
	const struct proc *const *x = a, *const *y = b;

	(void)arg;
	return ((*x)->pid > (*y)->pid) - ((*x)->pid < (*y)->pid);
}

static size_t find_pid(struct ps *p, struct proc *const *sorted, uint64_t pid)
{
	size_t low = 0, high = p->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (sorted[mid]->pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->nr && sorted[low]->pid == pid ?
		       (size_t)(sorted[low] - p->procs) :
		       p->nr;
}

/* Children in the order of the list, so they are put in front from its end. */
static int link_tree(struct ps *p)
{
	struct proc **sorted = calloc(p->nr, sizeof(*sorted));

	if (!sorted)
		return EXIT_FAILED;
	for (size_t i = 0; i < p->nr; i++) {
		sorted[i] = &p->procs[i];
		p->procs[i].first_child = p->procs[i].next = p->nr;
	}
	qsort_r(sorted, p->nr, sizeof(*sorted), by_pid, NULL);
	for (size_t i = p->nr; i-- > 0;) {
		struct proc *q = &p->procs[i];

		q->parent = q->ppid != q->pid ? find_pid(p, sorted, q->ppid) :
						p->nr;
		if (q->parent == p->nr)
			continue;
		q->next = p->procs[q->parent].first_child;
		p->procs[q->parent].first_child = i;
	}
	free(sorted);
	return EXIT_OK;
}

/* A process, those below it, and so on; each once, whatever the file says. */
static void print_below(struct ps *p, size_t top)
{
	size_t at = top;

	p->procs[top].depth = 0;
	while (at < p->nr) {
		struct proc *q = &p->procs[at];
		size_t down = q->is_shown ? p->nr : q->first_child;

		if (!q->is_shown)
			print_proc(p, q);
		q->is_shown = true;
		while (down < p->nr && p->procs[down].is_shown)
			down = p->procs[down].next;
		if (down < p->nr) {
			p->procs[down].depth = q->depth + 1;
			at = down;
			continue;
		}
		/* the next one beside it, or beside one above it */
		while (at != top && (p->procs[at].next == p->nr ||
				     p->procs[p->procs[at].next].is_shown)) {
			if (p->procs[at].next == p->nr)
				at = p->procs[at].parent;
			else
				p->procs[at].next =
					p->procs[p->procs[at].next].next;
		}
		if (at == top)
			return;
		p->procs[p->procs[at].next].depth = p->procs[at].depth;
		at = p->procs[at].next;
	}
}

static int print_tree(struct ps *p)
{
	int code = link_tree(p);

	for (size_t i = 0; code == EXIT_OK && i < p->nr; i++)
		if (p->procs[i].parent == p->nr)
			print_below(p, i);
	/* What is left hangs below itself. */
	for (size_t i = 0; code == EXIT_OK && i < p->nr; i++)
		if (!p->procs[i].is_shown)
			print_below(p, i);
	return code;
}

/* ---- the command ---------------------------------------------------------------------- */

static int print_all(struct ps *p)
{
	int code;

	if (p->list)
		return list_rounds(p);
	code = read_procs(p);
	if (code != EXIT_OK)
		return code;
	qsort_r(p->procs, p->nr, sizeof(*p->procs), compare,
		(void *)(uintptr_t)p->sort);
	print_head(p);
	if (p->tree)
		return print_tree(p);
	for (size_t i = 0; i < p->nr; i++)
		print_proc(p, &p->procs[i]);
	return EXIT_OK;
}

static int print_view(struct ps *p, int code)
{
	int r;

	if (view_find_stream(p->v, "process") == VIEW_NO_COLUMN ||
	    !view_nr_rows(p->v)) {
		fprintf(stderr,
			"flightrec: no processes were looked at; see state.processes_period in flightrecd.conf(5)\n");
		return code == EXIT_OK ? EXIT_EMPTY : code;
	}
	p->c = view_cursor_new(p->v);
	r = p->c ? print_all(p) : EXIT_FAILED;
	view_cursor_free(p->c);
	free(p->procs);
	return r == EXIT_OK ? code : r;
}

static int check_sort(const char *word)
{
	static const char *const words[] = { "cpu",   "rss", "vms",
					     "start", "pid", NULL };
	const char *near = units_nearest(word, words);

	for (unsigned i = 0; words[i]; i++)
		if (!strcmp(word, words[i]))
			return EXIT_OK;
	return command_bad_usage(&cmd_ps,
				 "--sort %s: cpu, rss, vms, start or pid%s%s",
				 word, near ? "; the nearest is " : "",
				 near ? near : "");
}

static int parse_number(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	if (*end || end == text || *text == '-' || !*ret)
		return command_bad_usage(&cmd_ps, "'%s' is no number from 1 on",
					 text);
	return EXIT_OK;
}

/* -1: help was asked for. */
static int parse_option(struct ps *p, int opt, char **argv)
{
	switch (opt) {
	case 't':
		p->tree = true;
		return EXIT_OK;
	case 'l':
		p->list = true;
		return EXIT_OK;
	case 's':
		p->sort = optarg;
		return check_sort(optarg);
	case 'n':
		return parse_number(optarg, &p->limit);
	case 'r':
		return parse_number(optarg, &p->round);
	case 'h':
		command_print_help(&cmd_ps);
		return -1;
	default:
		return command_bad_option(&cmd_ps, opt, argv, options);
	}
}

static int run(int argc, char **argv)
{
	struct view_filter f = { .streams = { { "process" }, 1 } };
	struct ps p = { .sort = "cpu" };
	struct winsize w;
	int opt, code = EXIT_OK;

	opterr = 0;
	optind = 1;
	while (code == EXIT_OK && (opt = getopt_long(argc, argv, ":ts:n:r:h",
						     options, NULL)) != -1)
		code = parse_option(&p, opt, argv);
	if (code != EXIT_OK)
		return code < 0 ? EXIT_OK : code;
	if (argc - optind > 1)
		return command_bad_usage(&cmd_ps, "one file at a time");
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w))
		p.width = w.ws_col;
	code = view_open(argc - optind, argv + optind, &f, &p.v);
	return p.v ? view_close(p.v, print_view(&p, code)) : code;
}

const struct command_ops cmd_ps = {
	.name = "ps",
	.summary = "Shows the processes of the moment of a snapshot.",
	.usage = "[options] [FILE]",
	.help = "One line per process, those that used most CPU first: CPU in percent of one\n"
		"CPU over 5 s, 2 min and 1 h, sizes, start, command line; the name in\n"
		"brackets where there is none.  Without a FILE the newest snapshot of\n"
		"/var/lib/flightrec/snapshots is read.  All fields, also for other\n"
		"programs: flightrec show --stream process.\n\n"
		"OPTIONS\n"
		"  -t, --tree          children below their parents\n"
		"  -s, --sort WORD     cpu (default), rss, vms, start (newest first) or pid\n"
		"  -n, --lines N       only the first N\n"
		"  -r, --round N       another moment than the last\n"
		"      --rounds        list the moments that the snapshot has\n\n"
		"EXAMPLES\n"
		"  flightrec ps -n 20 a.frs\n"
		"  flightrec ps --tree --sort pid a.frs\n",
	.run = run,
};
