/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_list.c - texts and lists whose words are known. */
#include <ctype.h>
#include <errno.h>
#include <flightrec/bpf_cfg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/schema.h"
#include "recorder/collector_spec.h"
#include "recorder/config_internal.h"
#include "recorder/policy.h"
#include "recorder/retention.h"
#include "triggers/units.h"

/* Texts that are one of a few words, and lists of such. */
static const struct {
	const char *section, *key;
	const char *const words[8];
} choices[] = {
	{ "probes", "profile", { "minimal", "default", "deep", NULL } },
	{ "probes", "vfs", { "auto", "yes", "no", NULL } },
	{ "probes",
	  "mechanism",
	  { "auto", "tp_btf", "tracepoint", "fentry", "kprobe", "perf_event",
	    NULL } },
	{ "probes", "sockopt", { "default", "all", NULL } },
};

/* Lanes of the kernel's ring, NULL behind the last. */
static const char *const lane_names[] = {
#define FR_LANE(id, number, name, ring, weight, doc) FR_LANE_IN_##ring(name)
#define FR_LANE_IN_KERNEL(name)                      #name,
#define FR_LANE_IN_USER(name)
#include <flightrec/streams.def>
#undef FR_LANE
	NULL,
};

static const char *const *collector_names;

void config_set_collectors(const char *const *names)
{
	collector_names = names;
}

static config_collector_check_fn collector_check;

void config_set_collector_check(config_collector_check_fn fn)
{
	collector_check = fn;
}

/* ---- lists ---------------------------------------------------------------- */

bool config_next_item(const char **list, char *buf, size_t size)
{
	const char *p = *list;
	size_t len;

	p += strspn(p, ", \t\n");
	if (!*p)
		return false;
	len = strcspn(p, ",");
	*list = p + len;
	while (len && isspace((unsigned char)p[len - 1]))
		len--;
	snprintf(buf, size, "%.*s", (int)len, p);
	return true;
}

bool config_list_has(const char *list, const char *item)
{
	char word[CONFIG_TEXT_MAX];

	while (config_next_item(&list, word, sizeof(word)))
		if (!strcmp(word, item))
			return true;
	return false;
}

int config_lane_by_name(const char *name)
{
	bool known = false;

	for (int i = 0; lane_names[i]; i++)
		known |= !strcmp(lane_names[i], name);
	for (unsigned i = 0; known && i < FR_LANES_MAX; i++)
		if (fr_lane_name(i) && !strcmp(fr_lane_name(i), name))
			return (int)i;
	return -1;
}

/* "fs=50": 0 with lane and percent. */
static int parse_share(char *item, int *ret_lane, double *ret_percent,
		       struct rule_diag *diag)
{
	char *eq = strchr(item, '=');
	const char *near;

	if (!eq)
		return config_fail(diag,
				   "'%.40s' is not a share; write lane=percent",
				   item);
	*eq++ = '\0';
	*ret_lane = config_lane_by_name(item);
	if (*ret_lane < 0) {
		near = units_nearest(item, lane_names);
		return config_fail(diag, "there is no lane '%.40s'; %s%s", item,
				   near ? "did you mean " :
					  "flightrecd.conf(5) lists them",
				   near ? near : "");
	}
	if (units_parse_percent(eq, ret_percent) < 0 &&
	    units_parse_number(eq, ret_percent) < 0)
		return config_fail(diag,
				   "share of %s: '%.40s' is not a percentage",
				   item, eq);
	if (*ret_percent < 1 || *ret_percent > 100 ||
	    *ret_percent != (unsigned)*ret_percent)
		return config_fail(diag,
				   "share of %s: whole percents from 1 to 100",
				   item);
	return 0;
}

static int check_shares(const char *list, struct rule_diag *diag)
{
	bool seen[FR_LANES_MAX] = { false };
	char item[64];
	double sum = 0, percent = 0;
	int lane = 0, r;

	while (config_next_item(&list, item, sizeof(item))) {
		r = parse_share(item, &lane, &percent, diag);
		if (r < 0)
			return r;
		if (seen[lane])
			return config_fail(diag, "lane %s is named twice",
					   item);
		seen[lane] = true;
		sum += percent;
	}
	if (sum > 100)
		return config_fail(
			diag, "the shares are %g%% together; at most 100%%",
			sum);
	if (*list == '\0' && !sum)
		return 0; /* by the streams in use */
	if (!seen[FR_LANE_NAMES])
		return config_fail(diag,
				   "lane names needs a share: without it no "
				   "record has a path; names=20");
	return 0;
}

static int check_words(const char *list, const char *what,
		       const char *const *known, struct rule_diag *diag)
{
	char item[64];
	const char *near;

	while (config_next_item(&list, item, sizeof(item))) {
		unsigned i = 0;

		while (known[i] && strcmp(known[i], item))
			i++;
		if (known[i])
			continue;
		near = units_nearest(item, known);
		return config_fail(diag, "there is no %s '%.40s'; %s%s", what,
				   item,
				   near ? "did you mean " : "for example ",
				   near ? near : known[0]);
	}
	return 0;
}

static const char *const stream_names[] = {
#define FR_STREAM(id, number, name, lane, profile, doc) #name,
#include <flightrec/streams.def>
#undef FR_STREAM
	NULL,
};

int config_stream_by_name(const char *name)
{
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(all[i].name, name))
			return (int)all[i].number;
	return -1;
}

/* "fs,block" or "+cache,-net", not both ways at once. */
static int check_streams(const char *list, struct rule_diag *diag)
{
	unsigned plain = 0, changes = 0;
	char item[64];
	int r;

	while (config_next_item(&list, item, sizeof(item))) {
		bool change = item[0] == '+' || item[0] == '-';

		r = check_words(item + change, "stream", stream_names, diag);
		if (r < 0)
			return r;
		*(change ? &changes : &plain) += 1;
	}
	if (plain && changes)
		return config_fail(
			diag, "either name all streams, or change those of the "
			      "profile with + and -");
	return 0;
}

/* Streams that the profile alone would record. */
static unsigned profile_streams(const char *profile)
{
	enum fr_profile want = !strcmp(profile, "minimal") ?
				       FR_PROFILE_MINIMAL :
			       !strcmp(profile, "deep") ? FR_PROFILE_DEEP :
							  FR_PROFILE_DEFAULT;
	unsigned nr, set = 0;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned i = 0; i < nr; i++)
		if (all[i].profile <= want)
			set |= 1u << all[i].number;
	return set;
}

unsigned config_streams(const struct fr_config *c)
{
	const char *list = c->probes_streams;
	unsigned set = 0;
	char item[64];
	bool first = true;

	while (config_next_item(&list, item, sizeof(item))) {
		bool change = item[0] == '+' || item[0] == '-';
		int number = config_stream_by_name(item + change);

		if (first && change)
			set = profile_streams(c->probes_profile);
		first = false;
		if (number < 0)
			continue;
		if (item[0] == '-')
			set &= ~(1u << number);
		else
			set |= 1u << number;
	}
	return first ? profile_streams(c->probes_profile) : set;
}

/* As enum fr_kind; files and links cannot be left out. */
static const char *const kind_names[FR_KINDS] = {
	[FR_KIND_PIPE] = "pipe", [FR_KIND_FIFO] = "fifo",
	[FR_KIND_UNIX] = "unix", [FR_KIND_SOCKET] = "socket",
	[FR_KIND_TTY] = "tty",   [FR_KIND_CHR] = "chr",
	[FR_KIND_BLK] = "blk",   [FR_KIND_DIR] = "dir",
	[FR_KIND_ANON] = "anon",
};

static int check_kinds(const char *list, struct rule_diag *diag)
{
	const char *words[FR_KINDS + 1];
	unsigned nr = 0;

	for (unsigned i = 0; i < FR_KINDS; i++)
		if (kind_names[i])
			words[nr++] = kind_names[i];
	words[nr] = NULL;
	return check_words(list, "kind", words, diag);
}

unsigned config_leave_out(const struct fr_config *c)
{
	const char *list = c->probes_leave_out;
	unsigned set = 0;
	char item[64];

	while (config_next_item(&list, item, sizeof(item)))
		for (unsigned i = 0; i < FR_KINDS; i++)
			if (kind_names[i] && !strcmp(kind_names[i], item))
				set |= 1u << i;
	return set;
}

bool config_vfs(const struct fr_config *c)
{
	return !strcmp(c->probes_vfs, "yes") ||
	       (!strcmp(c->probes_vfs, "auto") &&
		!strcmp(c->probes_profile, "deep"));
}

/* Lanes that streams write to, and those that serve them all. */
static unsigned lanes_in_use(const struct fr_config *c)
{
	unsigned streams = config_streams(c), nr;
	const struct fr_stream *all = fr_streams(&nr);
	unsigned lanes =
		1u << FR_LANE_PROC | 1u << FR_LANE_NAMES | 1u << FR_LANE_SLOW;

	for (unsigned i = 0; i < nr; i++)
		if (streams >> all[i].number & 1)
			lanes |= 1u << all[i].lane;
	return lanes;
}

static void shares_by_weight(const struct fr_config *c,
			     unsigned ret_percent[16])
{
	static const unsigned weights[FR_LANES_MAX] = {
#define FR_LANE(id, number, name, ring, weight, doc) \
	[number] = FR_LANE_WEIGHT_##ring(weight),
#define FR_LANE_WEIGHT_KERNEL(w) w
#define FR_LANE_WEIGHT_USER(w)   0
#include <flightrec/streams.def>
#undef FR_LANE
	};
	unsigned in_use = lanes_in_use(c), sum = 0, used = 0, most = 0;

	for (unsigned i = 0; i < FR_LANES_MAX; i++)
		sum += in_use >> i & 1 ? weights[i] : 0;
	for (unsigned i = 0; i < FR_LANES_MAX; i++) {
		if (!(in_use >> i & 1) || !weights[i])
			continue;
		ret_percent[i] = weights[i] * 100 / sum ?: 1;
		used += ret_percent[i];
		if (ret_percent[i] > ret_percent[most])
			most = i;
	}
	ret_percent[most] += 100 - used; /* what rounding left */
}

void config_shares(const struct fr_config *c, unsigned ret_percent[16])
{
	const char *list = c->ring_shares;
	struct rule_diag diag;
	char item[64];
	double percent;
	int lane;

	memset(ret_percent, 0, 16 * sizeof(ret_percent[0]));
	if (!list[strspn(list, " ,")]) {
		shares_by_weight(c, ret_percent);
		return;
	}
	while (config_next_item(&list, item, sizeof(item)))
		if (!parse_share(item, &lane, &percent, &diag))
			ret_percent[lane] = (unsigned)percent;
}

static int check_pids(const char *list, struct rule_diag *diag)
{
	char item[32], *end;

	while (config_next_item(&list, item, sizeof(item))) {
		errno = 0;
		if (!isdigit((unsigned char)item[0]) ||
		    strtoul(item, &end, 10) == 0 || *end || errno ||
		    strtoul(item, NULL, 10) > 1UL << 22)
			return config_fail(diag, "'%s' is not a process number",
					   item);
	}
	return 0;
}

static int check_policy(const char *key, const char *list,
			struct rule_diag *diag)
{
	struct fr_policy all[FR_STREAMS_MAX] = { 0 };
	char item[CONFIG_TEXT_MAX], path[CONFIG_TEXT_MAX];
	struct fr_diag d;
	int r = 0;

	while (!r && config_next_item(&list, item, sizeof(item)))
		r = strcmp(key, "cgroups") ?
			    policy_take(all, key, item, &d) :
			    policy_take_cgroup(all, item, path, sizeof(path),
					       &d);
	return r ? config_fail(diag, "%s", d.text) : 0;
}

int config_check_collectors(const char *list, struct rule_diag *diag)
{
	char item[COLLECTOR_NAME_MAX + COLLECTOR_LIST_MAX + 32];
	struct collector_spec spec;
	char text[256];
	const char *what;
	int r = 0;

	if (!collector_names || !strcmp(list, "0"))
		return 0;
	while (!r && config_next_item(&list, item, sizeof(item))) {
		if (collector_spec_parse(item, &spec, &what))
			return config_fail(diag, "'%.40s': %s", item, what);
		r = check_words(spec.name, "collector", collector_names, diag);
		if (!r && collector_check &&
		    collector_check(spec.name, spec.list, text, sizeof(text)))
			return config_fail(diag, "%s: %s", spec.name, text);
	}
	return r;
}

static bool is(const struct config_param *p, const char *section,
	       const char *key)
{
	return !strcmp(p->section, section) && !strcmp(p->key, key);
}

static int check_keep_free(const char *value, struct rule_diag *diag)
{
	struct retention_limits l;

	if (retention_parse_keep_free(value, &l) == 0)
		return 0;
	return config_fail(
		diag,
		"keep_free = '%.40s' is no size and no percentage below 100; "
		"write 1GiB or 5%%",
		value);
}

int config_check_text(const struct config_param *p, const char *value,
		      struct rule_diag *diag)
{
	if (is(p, "ring", "shares"))
		return check_shares(value, diag);
	if (is(p, "probes", "streams"))
		return check_streams(value, diag);
	if (is(p, "probes", "sample") || is(p, "probes", "above") ||
	    is(p, "probes", "cgroups"))
		return check_policy(p->key, value, diag);
	if (is(p, "probes", "leave_out"))
		return check_kinds(value, diag);
	if (is(p, "sampler", "collectors"))
		return config_check_collectors(value, diag);
	if (is(p, "scope", "pids"))
		return check_pids(value, diag);
	if (is(p, "dump", "keep_free"))
		return check_keep_free(value, diag);
	for (unsigned i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (is(p, choices[i].section, choices[i].key)) {
			if (!*value || strchr(value, ','))
				return config_fail(
					diag,
					"one word is needed, such as "
					"%s",
					choices[i].words[0]);
			return check_words(value, p->key, choices[i].words,
					   diag);
		}
	return 0;
}
