/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_csv_manifest.c - manifest.json: what the files hold, and how complete. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dump/anonymize.h"
#include "dump/export_csv.h"
#include "dump/nested_json.h"
#include "dump/view_time.h"

#define SCHEMA_VERSION "flightrec-csv-1"

struct manifest {
	struct export_job *job;
	FILE *out;
	char *buf; /* ANONYMIZE_FACT_MAX */
};

static void string(struct manifest *m, const char *text)
{
	nested_json_string(m->out, text, strlen(text));
}

static void member(struct manifest *m, const char *before, const char *name,
		   const char *text)
{
	fputs(before, m->out);
	string(m, name);
	fputs(": ", m->out);
	if (text)
		string(m, text);
	else
		fputs("null", m->out);
}

/* A fact as it may be shown; NULL: there is none. */
static const char *fact(struct manifest *m, unsigned file, const char *key)
{
	const char *value = snap_fact(view_snap(m->job->v, file), key);

	if (value && m->job->anon)
		value = anonymize_fact(m->job->anon, key, value, m->buf);
	return value;
}

static void wall(struct manifest *m, const char *before, const char *name,
		 uint64_t ns)
{
	struct wall_cache cache = { 0 };
	char buf[48];

	wall_format(&cache, (int64_t)ns, buf);
	member(m, before, name, buf);
}

/* ---- files and columns --------------------------------------------------------- */

static void put_columns(struct manifest *m, const struct csv_layout *l)
{
	fputs(",\n      \"columns\": [", m->out);
	for (unsigned i = 0; i < l->nr; i++) {
		const struct csv_column *c = &l->columns[i];

		member(m, i ? ",\n        {" : "\n        {", "name", c->name);
		member(m, ", ", "type", *c->type ? c->type : "any");
		member(m, ", ", "unit", *c->unit ? c->unit : NULL);
		member(m, ", ", "description", c->doc);
		fputs("}", m->out);
	}
	fputs("]", m->out);
}

static void put_file(struct manifest *m, const struct csv_file *f, bool first)
{
	member(m, first ? "\n    {" : ",\n    {", "path", f->path);
	member(m, ", ", "stream", f->layout->stream);
	member(m, ", ", "description", f->layout->doc);
	fprintf(m->out, ", \"rows\": %llu", (unsigned long long)f->rows);
	if (f->rows) {
		wall(m, ",\n      ", "first", f->first_ns);
		wall(m, ", ", "last", f->last_ns);
	}
	put_columns(m, f->layout);
	fputs("}", m->out);
}

/* ---- how complete each stream is -------------------------------------------------- */

static const char *const counts[] = { "hits",      "records", "filtered",
				      "unmatched", "lost",    "misses" };
#define NR_COUNTS (sizeof(counts) / sizeof(counts[0]))

/* The number behind " name=" in the line of a probe. */
static uint64_t count_of(const char *line, const char *name)
{
	char word[32];
	const char *at;

	snprintf(word, sizeof(word), " %s=", name);
	at = strstr(line, word);
	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static uint64_t freeze_ns(const struct view *v, unsigned file)
{
	const char *text = snap_fact(view_snap(v, file), "freeze.ts_ns");

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Counts go on from snapshot to snapshot of one recorder: the last one counts. */
static bool is_last(const struct view *v, unsigned file)
{
	const char *instance = snap_fact(view_snap(v, file), "instance");

	for (unsigned i = 0; i < view_nr_files(v); i++)
		if (i != file &&
		    same(snap_fact(view_snap(v, i), "instance"), instance) &&
		    (freeze_ns(v, i) > freeze_ns(v, file) ||
		     (freeze_ns(v, i) == freeze_ns(v, file) && i > file)))
			return false;
	return true;
}

static void add_counts(const struct snap *s, const char *stream,
		       uint64_t sum[NR_COUNTS])
{
	size_t len = strlen(stream);
	const char *key, *line;

	for (unsigned i = 0; (line = snap_fact_at(s, i, &key)); i++) {
		if (strncmp(key, "probe.", 6) ||
		    strncmp(key + 6, stream, len) || key[6 + len] != '.')
			continue;
		for (unsigned j = 0; j < NR_COUNTS; j++)
			sum[j] += count_of(line, counts[j]);
	}
}

static unsigned lane_of(const char *stream)
{
	unsigned nr;
	const struct fr_stream *s = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(s[i].name, stream))
			return s[i].lane;
	return UINT32_MAX;
}

/* Sums over the files that count. */
static void add_lane(const struct view *v, unsigned lane,
		     struct snap_coverage *ret)
{
	*ret = (struct snap_coverage){ 0 };
	for (unsigned i = 0; i < view_nr_files(v); i++) {
		unsigned nr;
		const struct snap_coverage *c =
			snap_coverages(view_snap(v, i), &nr);

		for (unsigned j = 0; c && is_last(v, i) && j < nr; j++) {
			if (c[j].lane != lane)
				continue;
			ret->overwritten += c[j].overwritten;
			ret->torn += c[j].torn;
			ret->lost += c[j].lost;
		}
	}
}

static void put_stream(struct manifest *m, const struct csv_file *f, bool first)
{
	const struct view *v = m->job->v;
	uint64_t sum[NR_COUNTS] = { 0 };
	struct snap_coverage c;
	unsigned lane = lane_of(f->layout->stream);

	for (unsigned i = 0; i < view_nr_files(v); i++)
		if (is_last(v, i))
			add_counts(view_snap(v, i), f->layout->stream, sum);
	fputs(first ? "\n    " : ",\n    ", m->out);
	string(m, f->layout->stream);
	fprintf(m->out, ": {\"rows\": %llu", (unsigned long long)f->rows);
	for (unsigned j = 0; j < NR_COUNTS; j++)
		fprintf(m->out, ", \"%s\": %llu", counts[j],
			(unsigned long long)sum[j]);
	if (lane != UINT32_MAX) {
		add_lane(v, lane, &c);
		member(m, ", ", "lane", fr_lane_name(lane));
		fprintf(m->out,
			", \"overwritten\": %llu, \"lost_in_lane\": %llu"
			", \"torn\": %llu",
			(unsigned long long)c.overwritten,
			(unsigned long long)c.lost, (unsigned long long)c.torn);
	}
	if (f->rows) {
		wall(m, ", ", "first", f->first_ns);
		wall(m, ", ", "last", f->last_ns);
	}
	fputs("}", m->out);
}

/* ---- snapshots -------------------------------------------------------------------- */

/* Facts under one word: "clock.created_ns" of "clock.". */
static void put_group(struct manifest *m, unsigned file, const char *name,
		      const char *prefix, const char *const *only)
{
	const struct snap *s = view_snap(m->job->v, file);
	struct nested_pair *pairs;
	const char *key;
	unsigned nr = 0, all = 0;

	while (snap_fact_at(s, all, &key))
		all++;
	pairs = calloc(all + 1, sizeof(*pairs));
	for (unsigned i = 0; pairs && i < all; i++) {
		const char *value = snap_fact_at(s, i, &key);
		bool wanted = !strncmp(key, prefix, strlen(prefix));

		for (unsigned j = 0; wanted && only; j++) {
			if (!only[j])
				wanted = false;
			else if (!strcmp(key, only[j]))
				break;
		}
		if (wanted && m->job->anon)
			value = anonymize_fact(m->job->anon, key, value,
					       m->buf);
		if (!wanted || !value)
			continue;
		value = strdup(value);
		pairs[nr++] = (struct nested_pair){ key + strlen(prefix),
						    value ? value : "",
						    !strcmp(prefix, "host.") };
	}
	fprintf(m->out, ",\n      \"%s\": ", name);
	nested_json_print(m->out, pairs, pairs ? nr : 0);
	for (unsigned i = 0; i < nr; i++)
		free((void *)(uintptr_t)pairs[i].value);
	free(pairs);
}

/* "mechanism=tp_btf attached=yes hits=10": words up to the next blank, but why=,
 * which is a sentence up to the first count. */
static void put_probe(struct manifest *m, const char *key, const char *line,
		      bool first)
{
	fputs(first ? "\n        {" : ",\n        {", m->out);
	member(m, "", "probe", key + strlen("probe."));
	while (*line) {
		size_t name = strcspn(line, "="), len;
		const char *value = line + name + !!line[name];
		const char *end = strchr(value, ' ');

		if (name == 3 && !strncmp(line, "why", 3))
			end = strstr(value, " hits=");
		len = end ? (size_t)(end - value) : strlen(value);
		fputs(", ", m->out);
		nested_json_string(m->out, line, name);
		fputs(": ", m->out);
		if (len && strspn(value, "0123456789") >= len)
			fprintf(m->out, "%.*s", (int)len, value);
		else
			nested_json_string(m->out, value, len);
		line = end ? end + 1 : value + len;
	}
	fputs("}", m->out);
}

static void put_probes(struct manifest *m, unsigned file)
{
	const struct snap *s = view_snap(m->job->v, file);
	const char *key, *line;
	bool first = true;

	fputs(",\n      \"probes\": [", m->out);
	for (unsigned i = 0; (line = snap_fact_at(s, i, &key)); i++) {
		if (strncmp(key, "probe.", 6))
			continue;
		put_probe(m, key, line, first);
		first = false;
	}
	fputs("]", m->out);
}

/* "[section]" and "key = value" as "section.key": "value". */
static void put_settings(struct manifest *m, unsigned file)
{
	const char *text = fact(m, file, "recorder.config");
	const char *comma = "";
	char section[128] = "";

	fputs(",\n      \"settings\": {", m->out);
	while (text && *text) {
		size_t len = strcspn(text, "\n");
		const char *equals = memmem(text, len, " = ", 3);

		if (*text == '[' && len > 2) {
			snprintf(section, sizeof(section), "%.*s",
				 (int)(len - 2), text + 1);
		} else if (*text != '#' && equals) {
			char name[256];

			snprintf(name, sizeof(name), "%s.%.*s", section,
				 (int)(equals - text), text);
			fprintf(m->out, "%s\n        ", comma);
			comma = ",";
			string(m, name);
			fputs(": ", m->out);
			nested_json_string(m->out, equals + 3,
					   (size_t)(text + len - equals) - 3);
		}
		text += len + !!text[len];
	}
	fputs("}", m->out);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_snapshot(struct manifest *m, unsigned file)
{
	static const char *const host[] = {
		"host.machine_id", "host.boot_id",
		"host.kernel",     "host.kernel_version",
		"host.arch",       "host.cpus",
		"host.tz",         "host.utc_offset_s",
		"host.page_size",  NULL
	};
	const char *path = base_name(view_file_path(m->job->v, file));

	member(m, file ? ",\n    {" : "\n    {", "file",
	       m->job->anon ? NULL : path);
	member(m, ", ", "instance", fact(m, file, "instance"));
	member(m, ", ", "recorder_version", fact(m, file, "recorder.version"));
	fprintf(m->out, ", \"complete\": %s, \"damaged\": %s",
		snap_complete(view_snap(m->job->v, file)) ? "true" : "false",
		snap_damage(view_snap(m->job->v, file)) ? "true" : "false");
	member(m, ", ", "anonymous",
	       snap_fact(view_snap(m->job->v, file), "anonymous") ? "yes" :
								    "no");
	put_group(m, file, "host", "host.", host);
	put_group(m, file, "clock", "clock.", NULL);
	put_group(m, file, "trigger", "trigger.", NULL);
	put_group(m, file, "freeze", "freeze.", NULL);
	put_group(m, file, "lanes", "lane.", NULL);
	put_probes(m, file);
	put_settings(m, file);
	fputs("}", m->out);
}

static void put_head(struct manifest *m)
{
	time_t now = time(NULL);
	struct tm tm;
	char zone[16] = "";

	localtime_r(&now, &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	member(m, "{\n  ", "schema_version", SCHEMA_VERSION);
	member(m, ",\n  ", "exporter_version", FLIGHTREC_VERSION);
	member(m, ",\n  ", "anonymous", m->job->anon ? "yes" : "no");
	fputs(",\n  \"clock\": {", m->out);
	member(m, "", "timestamp", "local wall clock of the exporting machine");
	member(m, ", ", "time_zone", tm.tm_zone);
	member(m, ", ", "utc_offset_now", zone);
	member(m, ", ", "mono_ns", "CLOCK_MONOTONIC of the recorded machine");
	fprintf(m->out, ", \"mono_to_real_offset_ns\": %lld}",
		(long long)view_clock_offset(m->job->v, 0));
}

static void put_all(struct manifest *m, const struct csv_file *files,
		    unsigned nr)
{
	put_head(m);
	fputs(",\n  \"files\": [", m->out);
	for (unsigned i = 0; i < nr; i++)
		put_file(m, &files[i], !i);
	fputs("],\n  \"streams\": {", m->out);
	for (unsigned i = 0; i < nr; i++)
		put_stream(m, &files[i], !i);
	fputs("},\n  \"snapshots\": [", m->out);
	for (unsigned i = 0; i < view_nr_files(m->job->v); i++)
		put_snapshot(m, i);
	fprintf(m->out, "],\n  \"duplicates_dropped\": %zu\n}\n",
		view_nr_duplicates(m->job->v));
}

int csv_manifest(struct export_job *job, const struct csv_file *files,
		 unsigned nr)
{
	struct manifest m = { .job = job, .buf = malloc(ANONYMIZE_FACT_MAX) };
	int err = 0;

	snprintf(job->where, PATH_MAX, "%.4000s/manifest.json", job->folder);
	errno = ENOMEM;
	m.out = m.buf ? fopen(job->where, "wxe") : NULL;
	if (!m.out) {
		err = -errno;
		free(m.buf);
		return err;
	}
	put_all(&m, files, nr);
	if (ferror(m.out))
		err = -EIO;
	if (fclose(m.out))
		err = -errno;
	free(m.buf);
	return err;
}
