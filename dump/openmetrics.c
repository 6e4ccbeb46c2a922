/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * openmetrics.c - what a recorder tells of itself, as OpenMetrics text.
 *
 * All samples of a family stand together, as the format wants it; families are
 * listed here, values are those of `status --json`.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/command.h"
#include "dump/status_hist.h"
#include "triggers/trigger.h"

/* Bounds of the buckets told: powers of two of ns. */
#define LE_FIRST 8  /* 256 ns */
#define LE_LAST  36 /* 68.7 s */

static void head(const char *name, const char *type, const char *unit,
		 const char *help)
{
	printf("# TYPE flightrec_%s %s\n", name, type);
	if (*unit)
		printf("# UNIT flightrec_%s %s\n", name, unit);
	printf("# HELP flightrec_%s %s\n", name, help);
}

/* Of a label: backslash, quote and line feed escaped, other controls and what is no
 * ASCII as %XX, so that the text is UTF-8 whatever is in it. */
static void put_label(const char *name, const char *value, const char *before)
{
	printf("%s%s=\"", before, name);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p == '\n')
			fputs("\\n", stdout);
		else if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			printf("%%%02X", *p);
		else
			putchar(*p);
	}
	putchar('"');
}

/* ---- single values ---------------------------------------------------------------- */
/* A number as it came, or 0: nothing else belongs behind a name. */
static const char *number_of(const char *value)
{
	char *end;

	if (!value || !*value)
		return "0";
	(void)strtod(value, &end);
	return *end ? "0" : value;
}

static const struct single {
	const char *key, *name, *type, *unit, *help;
} singles[] = {
	{ "uptime_s", "uptime_seconds", "gauge", "seconds",
	  "time since the recorder started" },
	{ "dump.bytes", "snapshot_bytes", "counter", "bytes",
	  "bytes of the snapshots written" },
	{ "dump.torn_slots", "torn_slots", "counter", "",
	  "slots of the ring that were not whole when they were copied" },
	{ "count.ticks", "sampler_ticks", "counter", "",
	  "rounds of the sampler" },
	{ "count.ticks_late", "sampler_ticks_late", "counter", "",
	  "rounds skipped because the one before took too long" },
	{ "count.sample_errors", "sampler_errors", "counter", "",
	  "values that could not be read" },
	{ "count.control_refused", "control_refused", "counter", "",
	  "requests refused for lack of permission" },
	{ "hist.rows_used", "histogram_rows_used", "gauge", "",
	  "rows in use of the CPU that has most" },
	{ "hist.rows", "histogram_rows", "gauge", "",
	  "rows that each CPU has; what finds none is counted as others" },
};

static void put_singles(const struct client_reply *r)
{
	for (unsigned i = 0; i < sizeof(singles) / sizeof(*singles); i++) {
		const struct single *s = &singles[i];
		const char *value = client_value(r, s->key);

		if (!value)
			continue;
		head(s->name, s->type, s->unit, s->help);
		printf("flightrec_%s%s %s\n", s->name,
		       strcmp(s->type, "counter") ? "" : "_total",
		       number_of(value));
	}
}

/* One family of several keys, told apart by a label. */
struct part {
	const char *key, *value; /* of the label */
};
static void put_parts(const struct client_reply *r, const char *name,
		      bool is_counter, const char *label,
		      const struct part *parts)
{
	for (; parts->key; parts++) {
		const char *value = client_value(r, parts->key);

		if (!value)
			continue;
		printf("flightrec_%s%s{%s=\"%s\"} %s\n", name,
		       is_counter ? "_total" : "", label, parts->value,
		       number_of(value));
	}
}

static void put_totals(const struct client_reply *r)
{
	static const struct part snapshots[] = {
		{ "count.dumps_done", "written" },
		{ "count.dumps_failed", "failed" },
		{ "dump.retried", "retried" },
		{ "dump.killed", "killed" },
		{ "dump.recovered", "recovered" },
		{ NULL, NULL },
	};
	static const struct part memory[] = {
		{ "memory.ring_bytes", "ring" },
		{ "memory.user_ring_bytes", "user_ring" },
		{ "memory.hist_bytes", "histograms" },
		{ "memory.resident_bytes", "resident" },
		{ NULL, NULL },
	};
	static const struct part cpu[] = {
		{ "cpu.self_s", "recorder" },
		{ "cpu.children_s", "children" },
		{ "cpu.bpf_s", "probes" },
		{ NULL, NULL },
	};

	head("snapshots", "counter", "",
	     "snapshots by what became of them: written, failed, written to the second folder, ended because of their time, of a recorder that died");
	put_parts(r, "snapshots", true, "result", snapshots);
	head("memory_bytes", "gauge", "bytes",
	     "memory by use; resident has the other ones in it");
	put_parts(r, "memory_bytes", false, "use", memory);
	head("cpu_seconds", "counter", "seconds",
	     "CPU time; of probes as far as the kernel was asked to count it");
	put_parts(r, "cpu_seconds", true, "part", cpu);
}

/* ---- tables: "prefix.ROW.COLUMN" ---------------------------------------------------- */
/* "lane.fs.lost" -> "fs", if it begins and ends so. */
static bool row_of(const char *key, const char *prefix, const char *column,
		   char *row, size_t size)
{
	size_t n = strlen(key), p = strlen(prefix), c = strlen(column);

	if (n <= p + c + 1 || strncmp(key, prefix, p) ||
	    strcmp(key + n - c, column) || key[n - c - 1] != '.')
		return false;
	snprintf(row, size, "%.*s", (int)(n - p - c - 1), key + p);
	return true;
}

/* A family whose rows are those of a table.  ${label2}: what stands behind the last
 * dot of the row's name ("fs.enter" is probe enter of stream fs), or NULL. */
static void put_column(const struct client_reply *r, const char *prefix,
		       const char *column, const char *name, const char *more,
		       const char *label, const char *label2)
{
	char row[256];

	for (unsigned i = 0; i < r->nr; i++) {
		char *dot;

		if (!row_of(r->pairs[i].key, prefix, column, row, sizeof(row)))
			continue;
		dot = label2 ? strrchr(row, '.') : NULL;
		if (dot)
			*dot = 0;
		printf("flightrec_%s", name);
		put_label(label, row, "{");
		if (dot)
			put_label(label2, dot + 1, ",");
		printf("%s} %s\n", more, number_of(r->pairs[i].value));
	}
}

static void put_lanes(const struct client_reply *r)
{
	static const char *const columns[][3] = {
		{ "written", "lane_records", "records written to the lane" },
		{ "overwritten", "lane_overwritten",
		  "records that aged out of the lane" },
		{ "lost", "lane_lost",
		  "events that found no room in the lane" },
	};
	char name[64];

	for (unsigned i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		head(columns[i][1], "counter", "", columns[i][2]);
		snprintf(name, sizeof(name), "%s_total", columns[i][1]);
		put_column(r, "lane.", columns[i][0], name, "", "lane", NULL);
	}
	head("lane_history_seconds", "gauge", "seconds",
	     "how far back the lane reaches");
	put_column(r, "lane.", "history_s", "lane_history_seconds", "", "lane",
		   NULL);
}

static void put_probes(const struct client_reply *r)
{
	static const char *const outcomes[] = { "records",   "pending",
						"filtered",  "unmatched",
						"lost",      "misses",
						"unfinished" };
	char row[256], more[64];

	head("probe_events", "counter", "",
	     "what became of each hit of a probe; misses: the kernel skipped it; unfinished: records without an end");
	for (unsigned i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
		snprintf(more, sizeof(more), ",outcome=\"%s\"", outcomes[i]);
		put_column(r, "probe.", outcomes[i], "probe_events_total", more,
			   "stream", "probe");
	}
	head("probe_attached", "gauge", "", "1: the probe runs");
	for (unsigned i = 0; i < r->nr; i++) {
		char *dot;

		if (!row_of(r->pairs[i].key, "probe.", "attached", row,
			    sizeof(row)))
			continue;
		dot = strrchr(row, '.');
		if (!dot)
			continue;
		*dot = 0;
		put_label("stream", row, "flightrec_probe_attached{");
		put_label("probe", dot + 1, ",");
		printf("} %d\n", !strcmp(r->pairs[i].value, "yes"));
	}
}

/* A state set: of the states that there are, one is 1. */
static void put_state(const char *trigger, const char *state)
{
	for (unsigned i = 0; i < TRIGGER_STATES; i++) {
		const char *name = trigger_state_name((enum trigger_state)i);

		put_label("trigger", trigger, "flightrec_trigger_state{");
		put_label("flightrec_trigger_state", name, ",");
		printf("} %d\n", !strcmp(state, name));
	}
}

static void put_triggers(const struct client_reply *r)
{
	static const char *const counts[][2] = {
		{ "hits", "hits of the trigger" },
		{ "fired", "hits that froze the ring" },
		{ "merged", "hits that joined a snapshot under way" },
		{ "suppressed", "hits during a cooldown or while disabled" },
	};
	char name[64], row[256];

	for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		snprintf(name, sizeof(name), "trigger_%s", counts[i][0]);
		head(name, "counter", "", counts[i][1]);
		snprintf(name, sizeof(name), "trigger_%s_total", counts[i][0]);
		put_column(r, "trigger.", counts[i][0], name, "", "trigger",
			   NULL);
	}
	head("trigger_state", "stateset", "", "state of the trigger");
	for (unsigned i = 0; i < r->nr; i++)
		if (row_of(r->pairs[i].key, "trigger.", "state", row,
			   sizeof(row)))
			put_state(row, r->pairs[i].value);
}

/* ---- histograms -------------------------------------------------------------------- */
static void put_names(const struct status_row *row, const char *name)
{
	printf("flightrec_operation_duration_seconds_%s", name);
	put_label("stream", row->stream, "{");
	put_label("op", row->op, ",");
	if (*row->call)
		put_label("call", row->call, ",");
	put_label("device", row->device, ",");
	put_label("cgroup", row->cgroup, ",");
}

static void put_row(const struct status_row *row)
{
	uint64_t below = 0;
	uint32_t b = 0;

	for (unsigned le = LE_FIRST; le <= LE_LAST; le++) {
		while (b < FR_HIST_BUCKETS && fr_hist_low(b + 1) <= 1ull << le)
			below += row->counts[b++];
		put_names(row, "bucket");
		printf(",le=\"%.12g\"} %" PRIu64 "\n",
		       (double)(1ull << le) / 1e9, below);
	}
	put_names(row, "bucket");
	printf(",le=\"+Inf\"} %" PRIu64 "\n", hist_total(row->counts));
	put_names(row, "count");
	printf("} %" PRIu64 "\n", hist_total(row->counts));
	put_names(row, "sum");
	printf("} %" PRIu64 ".%09" PRIu64 "\n", row->sum_ns / 1000000000,
	       row->sum_ns % 1000000000);
}

static int put_histograms(const struct client_reply *r)
{
	struct status_rows rows;

	if (status_rows_read(r, &rows))
		return EXIT_FAILED;
	head("operation_duration_seconds", "histogram", "seconds",
	     "durations of all operations since the recorder began, by stream, operation, system call, device (major:minor; others: what found no row of its own) and cgroup");
	for (unsigned i = 0; i < rows.nr; i++)
		put_row(&rows.rows[i]);
	status_rows_free(&rows);
	return EXIT_OK;
}

int openmetrics_print(const struct client_reply *reply)
{
	const char *version = client_value(reply, "version");
	int code;

	head("build", "info", "", "the recorder");
	put_label("version", version ? version : "", "flightrec_build_info{");
	printf("} 1\n");
	put_singles(reply);
	put_totals(reply);
	put_lanes(reply);
	put_probes(reply);
	put_triggers(reply);
	code = put_histograms(reply);
	printf("# EOF\n");
	return code;
}
