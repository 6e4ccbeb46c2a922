/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain_print.c - an operation and its requests, for people and for programs. */
#include <inttypes.h>
#include <langinfo.h>
#include <string.h>

#include "dump/chain.h"
#include "dump/escape.h"
#include "dump/nested_json.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "triggers/units.h"

#define TEXT_SHOWN 40 /* requests of one operation, in text */
#define TEXT_MAX   4608

static const char *text_of(struct chain *ch, unsigned column, char *buf,
			   size_t size)
{
	buf[0] = 0;
	if (column != VIEW_NO_COLUMN)
		row_print_value(buf, size, ch->v, ch->c, column);
	return buf;
}

static bool find_u64(struct chain *ch, const char *name, uint64_t *ret)
{
	unsigned column = view_find_column(ch->v, name);

	return column != VIEW_NO_COLUMN && view_get_u64(ch->c, column, ret);
}

/* ---- text --------------------------------------------------------------------------- */
static void print_head(struct chain *ch, const struct chain_op *op)
{
	char buf[6][64], path[TEXT_MAX], dur[32];

	view_seek(ch->c, op->row);
	text_of(ch, VIEW_PATH, path, sizeof(path));
	printf("%s%s %s%s by %s [%s/%s], %s, ret %s\n", terminal_bold(),
	       text_of(ch, VIEW_OP, buf[0], 64), path, terminal_off(),
	       text_of(ch, VIEW_COMM, buf[1], 64),
	       text_of(ch, VIEW_PID, buf[2], 64),
	       text_of(ch, VIEW_TID, buf[3], 64),
	       units_human_time(dur, op->end - op->ts),
	       text_of(ch, VIEW_RET, buf[4], 64));
	printf("%s%s; --seq ", terminal_dim(),
	       text_of(ch, VIEW_TIME, buf[0], 64));
	printf("%s:%s:%s%s\n", text_of(ch, VIEW_LANE, buf[1], 64),
	       text_of(ch, VIEW_CPU, buf[2], 64),
	       text_of(ch, VIEW_SEQ, buf[3], 64), terminal_off());
}

/* " ... by comm [tid], dirtied by pid 12, mixed: 3 files, path" */
static void print_who(struct chain *ch)
{
	char comm[64], tid[32], path[TEXT_MAX];
	uint64_t value, more;

	printf(", by %s [%s]", text_of(ch, VIEW_COMM, comm, sizeof(comm)),
	       text_of(ch, VIEW_TID, tid, sizeof(tid)));
	if (find_u64(ch, "dirtier_pid", &value))
		printf(", last dirtied by process %" PRIu64, value);
	if (find_u64(ch, "mixed", &value))
		printf(", mixed: %s%" PRIu64 " files",
		       find_u64(ch, "req_flags", &more) && more & 16 ?
			       "at least " :
			       "",
		       value);
	text_of(ch, VIEW_PATH, path, sizeof(path));
	if (strcmp(path, "-"))
		printf(", %s", path);
}

static void print_request(struct chain *ch, const struct chain_op *op,
			  const struct chain_link *l)
{
	const struct chain_request *r = l->request;
	unsigned sector = view_find_column(ch->v, "sector");
	char buf[4][64], at[32], size[32], queue[32], service[32];
	bool before = r->ts < op->ts, issued = r->queue_dur != CHAIN_NO_VALUE;
	uint64_t bytes = 0;

	view_seek(ch->c, r->row);
	view_get_u64(ch->c, VIEW_SIZE, &bytes);
	printf("%s%s  %s %s at %s", before ? "-" : "+",
	       units_human_time(at, before ? op->ts - r->ts : r->ts - op->ts),
	       text_of(ch, VIEW_OP, buf[0], 64), units_human_size(size, bytes),
	       text_of(ch, VIEW_DEV, buf[1], 64));
	printf(" sector %s: %s", text_of(ch, sector, buf[2], 64),
	       issued ? "queue " : "never issued");
	if (issued)
		printf("%s, service %s", units_human_time(queue, r->queue_dur),
		       units_human_time(service,
					r->end - r->ts - r->queue_dur));
	printf("; %s", chain_why_word(l->why));
	print_who(ch);
	putchar('\n');
}

void chain_print_text(struct chain *ch, const struct chain_op *op,
		      const struct chain_links *l)
{
	bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	const char *branch = utf8 ? "├─ " : "|- ", *last = utf8 ? "└─ " : "`- ";
	uint64_t dur = op->end - op->ts, rest = dur - l->explained_ns;
	char in[32], out[32];

	print_head(ch, op);
	for (size_t i = 0; i < l->nr && i < TEXT_SHOWN; i++) {
		fputs(branch, stdout);
		print_request(ch, op, &l->links[i]);
	}
	if (l->nr > TEXT_SHOWN)
		printf("%s%zu more requests (--json shows all)\n", branch,
		       l->nr - TEXT_SHOWN);
	if (l->nr_others)
		printf("%s%zu requests of others were on the same disks meanwhile\n",
		       branch, l->nr_others);
	printf("%s%s of it in %zu requests, %s (%.0f %%) not explained by them\n",
	       last, units_human_time(in, l->explained_ns), l->nr,
	       units_human_time(out, rest),
	       dur ? 100.0 * (double)rest / (double)dur : 0);
}

/* ---- JSON --------------------------------------------------------------------------- */
/* ,"key":value of the cursor's row; null if there is none. */
static void json_value(struct chain *ch, const char *key, unsigned column)
{
	struct view_value v = { .type = VIEW_NULL };

	if (column != VIEW_NO_COLUMN)
		view_get(ch->c, column, &v);
	printf(",\"%s\":", key);
	if (v.type == VIEW_U64)
		printf("%" PRIu64, v.u);
	else if (v.type == VIEW_I64)
		printf("%" PRId64, (int64_t)v.u);
	else if (v.type == VIEW_STRING)
		nested_json_string(stdout, v.text, v.len);
	else
		fputs("null", stdout);
}

static void json_named(struct chain *ch, const char *name)
{
	json_value(ch, name, view_find_column(ch->v, name));
}

static void json_request(struct chain *ch, const struct chain_op *op,
			 const struct chain_link *l)
{
	static const char *const names[] = {
		"op",         "dev",         "part_dev",      "sector",
		"size",       "moved",       "errno",         "pid",
		"tid",        "comm",        "file_dev",      "ino",
		"path",       "dirtier_pid", "dirtier_tid",   "mixed",
		"req_flags",  "cgroup",      "submit_cgroup", "queue_depth",
		"flags_text",
	};
	const struct chain_request *r = l->request;

	view_seek(ch->c, r->row);
	printf("{\"why\":\"%s\",\"from_start_ns\":%" PRId64 ",\"dur\":%" PRIu64,
	       chain_why_word(l->why), (int64_t)(r->ts - op->ts),
	       r->end - r->ts);
	if (r->queue_dur != CHAIN_NO_VALUE)
		printf(",\"queue_dur\":%" PRIu64 ",\"service_dur\":%" PRIu64,
		       r->queue_dur, r->end - r->ts - r->queue_dur);
	else
		fputs(",\"queue_dur\":null,\"service_dur\":null", stdout);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_named(ch, names[i]);
	putchar('}');
}

void chain_print_json(struct chain *ch, const struct chain_op *op,
		      const struct chain_links *l)
{
	static const char *const names[] = { "stream", "time", "op",   "call",
					     "pid",    "tid",  "comm", "dev",
					     "ino",    "path", "size", "ret",
					     "lane",   "cpu",  "seq" };
	uint64_t dur = op->end - op->ts;

	view_seek(ch->c, op->row);
	printf("{\"ts\":%" PRIu64 ",\"dur\":%" PRIu64, op->ts, dur);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_named(ch, names[i]);
	printf(",\"explained_ns\":%" PRIu64 ",\"unexplained_ns\":%" PRIu64
	       ",\"others\":%zu,\"requests\":[",
	       l->explained_ns, dur - l->explained_ns, l->nr_others);
	for (size_t i = 0; i < l->nr; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		json_request(ch, op, &l->links[i]);
	}
	fputs("]}", stdout);
}
