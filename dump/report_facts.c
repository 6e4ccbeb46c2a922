/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_facts.c - what a snapshot says of itself. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/report.h"
#include "dump/row_write.h"
#include "dump/terminal.h"
#include "dump/view_time.h"
#include "triggers/units.h"

#define GAPS_SHOWN 5

void report_title(const char *title)
{
	printf("\n%s%s%s\n", terminal_bold(), title, terminal_off());
}

static const char *fact(const struct view *v, unsigned file, const char *key)
{
	static char buf[8][512];
	static unsigned turn;
	const char *text = snap_fact(view_snap(v, file), key);
	char *to = buf[turn++ % 8];

	row_print_bytes(to, sizeof(buf[0]), text ? text : "",
			text ? strlen(text) : 0);
	return to;
}

char *report_wall(char buf[48], const struct view *v, unsigned file,
		  uint64_t mono_ns)
{
	struct wall_cache cache = { 0 };
	char text[48];

	wall_format(&cache,
		    (int64_t)(mono_ns + (uint64_t)view_clock_offset(v, file)),
		    text);
	snprintf(buf, 48, "%.10s %.12s", text, text + 11);
	return buf;
}

/* Triggers whose hits belong to the same incident. */
static void print_joined(const struct view *v, unsigned file)
{
	char key[32];
	const char *text;

	for (unsigned i = 1;; i++) {
		snprintf(key, sizeof(key), "trigger.joined.%u", i);
		text = fact(v, file, key);
		if (!*text)
			return;
		printf("%s%s\n", i == 1 ? "joined    " : "          ", text);
	}
}

void report_trigger(const struct view *v, unsigned file)
{
	const char *reason = fact(v, file, "trigger.reason");
	const char *name = fact(v, file, "trigger.name");
	const char *kind = fact(v, file, "trigger.kind");
	const char *merged = fact(v, file, "trigger.merged");
	char wall[48];
	uint64_t ts;

	printf("snapshot  %s\n", view_file_path(v, file));
	printf("host      %s, kernel %s\n", fact(v, file, "host.name"),
	       fact(v, file, "host.kernel"));
	if (view_trigger_ns(v, file, &ts))
		printf("when      %s\n", report_wall(wall, v, file, ts));
	printf("trigger   %s%s%s%s%s%s\n", terminal_bold(),
	       *name ? name : "none named", terminal_off(), *kind ? " (" : "",
	       kind, *kind ? ")" : "");
	if (*reason)
		printf("why       %s\n", reason);
	if (*merged && strcmp(merged, "0"))
		printf("          %s more hits of it were merged so far\n",
		       merged);
	print_joined(v, file);
}

const char *report_lane_name(unsigned lane, char buf[16])
{
	if (fr_lane_name(lane))
		return fr_lane_name(lane);
	snprintf(buf, 16, "%u", lane);
	return buf;
}

struct lane_sum {
	uint64_t from, to, records, overwritten, lost, torn, stolen;
	unsigned cpus;
};

/* A lane is complete from the latest of its CPUs on. */
static bool sum_lane(const struct view *v, unsigned file, unsigned lane,
		     struct lane_sum *ret)
{
	unsigned nr;
	const struct snap_coverage *c = snap_coverages(view_snap(v, file), &nr);

	*ret = (struct lane_sum){ .from = 0 };
	for (unsigned i = 0; c && i < nr; i++) {
		if (c[i].lane != lane)
			continue;
		ret->records += c[i].records;
		ret->overwritten += c[i].overwritten;
		ret->lost += c[i].lost;
		ret->torn += c[i].torn;
		ret->stolen += c[i].stolen_chunks;
		if (!c[i].records)
			continue;
		if (c[i].overwritten && c[i].from_ns > ret->from)
			ret->from = c[i].from_ns;
		if (c[i].to_ns > ret->to)
			ret->to = c[i].to_ns;
		ret->cpus++;
	}
	if (!ret->from) /* nothing aged out: from its first record on */
		for (unsigned i = 0; c && i < nr; i++)
			if (c[i].lane == lane && c[i].records &&
			    (!ret->from || c[i].from_ns < ret->from))
				ret->from = c[i].from_ns;
	return ret->records || ret->lost || ret->torn;
}

static unsigned warn(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
static unsigned warn(const char *fmt, ...)
{
	va_list ap;

	printf("%s!%s ", terminal_warn(), terminal_off());
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return 1;
}

static unsigned warn_lanes(const struct view *v, unsigned file)
{
	unsigned nr = 0;

	for (unsigned lane = 0; lane < FR_LANES_MAX; lane++) {
		char buf[16];
		const char *name = report_lane_name(lane, buf);
		struct lane_sum s;

		if (!sum_lane(v, file, lane, &s))
			continue;
		if (s.lost)
			nr += warn("lane %s: %" PRIu64
				   " records were lost: counts of it are too "
				   "low",
				   name, s.lost);
		if (s.torn)
			nr += warn("lane %s: %" PRIu64
				   " slots were torn and are left out",
				   name, s.torn);
		if (s.stolen)
			nr += warn("lane %s: %" PRIu64
				   " chunks were taken back before they were "
				   "written",
				   name, s.stolen);
	}
	return nr;
}

/* "... attached=no why=WORDS hits=0 ...": what was switched off is no news. */
static unsigned warn_probe(const char *key, const char *text)
{
	const char *why = strstr(text, " why=");
	char name[64], words[512];
	size_t len;

	if (!strstr(text, " attached=no"))
		return 0;
	why = why ? why + strlen(" why=") : "";
	if (!strncmp(why, "switched off", 12))
		return 0;
	len = strstr(why, " hits=") ? (size_t)(strstr(why, " hits=") - why) :
				      strlen(why);
	row_print_bytes(name, sizeof(name), key, strlen(key));
	row_print_bytes(words, sizeof(words), why, len);
	return warn("probe %s was not attached: %s", name, words);
}

static unsigned warn_probes(const struct view *v, unsigned file)
{
	const char *key, *text;
	unsigned nr = 0;

	for (unsigned i = 0; (text = snap_fact_at(view_snap(v, file), i, &key));
	     i++)
		if (!strncmp(key, "probe.", 6))
			nr += warn_probe(key + 6, text);
	return nr;
}

unsigned report_warnings(const struct view *v, unsigned file)
{
	const char *left_out = fact(v, file, "inflight.left_out");
	struct snap *s = view_snap(v, file);
	unsigned nr = 0, gaps;
	const struct snap_gap *g = snap_gaps(s, &gaps);

	if (snap_damage(s))
		nr += warn("the file is damaged: what follows is what is "
			   "intact");
	nr += warn_lanes(v, file);
	for (unsigned i = 0; g && i < gaps && i < GAPS_SHOWN; i++) {
		char buf[16], from[48], span[32];

		nr += warn("lane %s, CPU %u: a gap of %s from %s on, %" PRIu64
			   " records lost",
			   report_lane_name(g[i].lane, buf), g[i].cpu,
			   units_human_time(span, g[i].to_ns - g[i].from_ns),
			   report_wall(from, v, file, g[i].from_ns), g[i].lost);
	}
	if (gaps > GAPS_SHOWN)
		nr += warn("%u more gaps; flightrec info lists them",
			   gaps - GAPS_SHOWN);
	nr += warn_probes(v, file);
	if (*left_out && strcmp(left_out, "0"))
		nr += warn("%s operations in flight found no room", left_out);
	return nr;
}

void report_coverage(const struct view *v, unsigned file)
{
	report_title("COVERAGE");
	printf("%-8s %-23s  %-23s %10s %11s %11s %8s %6s\n", "lane",
	       "complete from", "to", "span", "records", "overwritten", "lost",
	       "torn");
	for (unsigned lane = 0; lane < FR_LANES_MAX; lane++) {
		char buf[16], from[48] = "-", to[48] = "-", span[32] = "-";
		struct lane_sum s;

		if (!sum_lane(v, file, lane, &s))
			continue;
		if (s.records) {
			report_wall(from, v, file, s.from);
			report_wall(to, v, file, s.to);
			units_human_time(span,
					 s.to > s.from ? s.to - s.from : 0);
		}
		printf("%-8s %-23s  %-23s %10s %11" PRIu64 " %11" PRIu64
		       " %8" PRIu64 " %6" PRIu64 "\n",
		       report_lane_name(lane, buf), from, to, span, s.records,
		       s.overwritten, s.lost, s.torn);
	}
}

/* hold_ns is a duration, ts_ns a time, as the key says.  false: left as it is. */
static bool humanise(const struct view *v, unsigned file, const char *key,
		     char *line, size_t size)
{
	char *end, human[48];
	uint64_t ns = strtoull(line, &end, 10);
	size_t len = strlen(key);

	if (!*line || *end || *line == '-' || len < 4 ||
	    strcmp(key + len - 3, "_ns") || strstr(key, "mono"))
		return false;
	if (!strcmp(key, "ts_ns") || !strcmp(key, "end_ns") ||
	    !strcmp(key, "hit_ns") || !strcmp(key, "created_ns"))
		snprintf(line, size, "%s",
			 ns ? report_wall(human, v, file, ns) : "-");
	else
		snprintf(line, size, "%s", units_human_time(human, ns));
	return true;
}

static void print_fact(const struct view *v, unsigned file, const char *key,
		       const char *text)
{
	char line[1024];
	size_t len = strcspn(text, "\n");
	int key_len = (int)strlen(key);

	row_print_bytes(line, sizeof(line), text, len);
	if (humanise(v, file, key, line, sizeof(line)))
		key_len -= 3; /* _ns */
	printf("%-26.*s %s\n", key_len, key, line);
	while (text[len]) {
		text += len + 1;
		len = strcspn(text, "\n");
		row_print_bytes(line, sizeof(line), text, len);
		printf("%-26s %s\n", "", line);
	}
}

/* What has no value has no line; the configuration has a part of its own. */
void report_facts(const struct view *v, unsigned file, const char *prefix)
{
	size_t len = strlen(prefix);
	const char *key, *text;

	for (unsigned i = 0; (text = snap_fact_at(view_snap(v, file), i, &key));
	     i++)
		if (*text && !strncmp(key, prefix, len) &&
		    strcmp(key, "recorder.config"))
			print_fact(v, file, key + len, text);
}

/* The value of "NAME=" in a line of such pairs; "-": there is none. */
static const char *pair_value(const char *text, const char *name, char buf[24])
{
	size_t len = strlen(name);

	for (const char *p = text; p && *p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (!strncmp(p, name, len) && p[len] == '=') {
			snprintf(buf, 24, "%.*s",
				 (int)strcspn(p + len + 1, " "), p + len + 1);
			return buf;
		}
	}
	return "-";
}

static const char *ns_each(const char *text, char buf[24])
{
	char run[24], count[24];
	uint64_t ns = strtoull(pair_value(text, "run_ns", run), NULL, 10);
	uint64_t nr = strtoull(pair_value(text, "run_count", count), NULL, 10);

	if (!nr)
		return "-";
	snprintf(buf, 24, "%" PRIu64, ns / nr);
	return buf;
}

void report_probes(const struct view *v, unsigned file)
{
	static const char *const columns[] = { "hits",       "records",
					       "pending",    "filtered",
					       "unmatched",  "lost",
					       "unfinished", "misses" };
	const char *key, *text;
	char buf[24];

	report_title(
		"PROBES (hits = records + pending + filtered + unmatched "
		"+ lost; unfinished: the kernel did not show the end; misses never came)");
	printf("%-15s %-11s", "probe", "mechanism");
	for (unsigned i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		printf(" %10s", columns[i]);
	printf(" %8s\n", "ns each");
	for (unsigned n = 0; (text = snap_fact_at(view_snap(v, file), n, &key));
	     n++) {
		if (strncmp(key, "probe.", 6))
			continue;
		if (strstr(text, "attached=no")) {
			printf("%-15s off: %s\n", key + 6, fact(v, file, key));
			continue;
		}
		printf("%-15s %-11s", key + 6,
		       pair_value(text, "mechanism", buf));
		for (unsigned i = 0; i < sizeof(columns) / sizeof(columns[0]);
		     i++)
			printf(" %10s", pair_value(text, columns[i], buf));
		printf(" %8s\n", ns_each(text, buf));
	}
}

void report_config(const struct view *v, unsigned file)
{
	const char *text = snap_fact(view_snap(v, file), "recorder.config");
	char line[1024];

	report_title("CONFIGURATION");
	if (!text)
		printf("not recorded\n");
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		row_print_bytes(line, sizeof(line), text, len);
		if (*line && *line != '#')
			puts(line);
		text += len + (text[len] == '\n');
	}
}

int report_row_list(struct view *v, const char *columns, const size_t *rows,
		    size_t nr)
{
	struct view_cursor *c = view_cursor_new(v);
	char *copy = strdup(columns), *next = copy, *name;
	struct row_writer *w = NULL;
	unsigned chosen[32], nr_chosen = 0;
	int r = -1;

	while (copy && nr_chosen < 32 && (name = strsep(&next, ","))) {
		chosen[nr_chosen] = view_find_column(v, name);
		nr_chosen += chosen[nr_chosen] != VIEW_NO_COLUMN;
	}
	if (c && copy)
		w = row_writer_new(v, stdout, ROW_TEXT, chosen, nr_chosen,
				   true);
	for (size_t i = 0; w && i < nr; i++) {
		view_seek(c, rows ? rows[i] : i);
		row_write(w, c);
	}
	if (w)
		r = row_writer_finish(w);
	free(copy);
	view_cursor_free(c);
	return r;
}

int report_rows(struct view *v, const char *columns, size_t limit)
{
	size_t nr = view_nr_rows(v);

	return report_row_list(v, columns, NULL, nr < limit ? nr : limit);
}
