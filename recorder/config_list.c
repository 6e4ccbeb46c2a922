/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_list.c - texts and lists whose words are known. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/schema.h"
#include "recorder/config_internal.h"
#include "triggers/units.h"

/* Texts that are one of a few words, and lists of such. */
static const struct {
	const char *section, *key;
	const char *const words[8];
} choices[] = {
	{ "probes", "profile", { "minimal", "default", "deep", NULL } },
	{ "probes", "mechanism", { "auto", "tp_btf", "tracepoint", NULL } },
};

static const char *const lane_names[] = {
	[FR_LANE_FS] = "fs",
	[FR_LANE_BLOCK] = "block",
	[FR_LANE_PROC] = "proc",
	[FR_LANE_SLOW] = "slow",
	[FR_LANE_NAMES] = "names",
	[FR_LANE_CACHE] = "cache",
	[FR_LANE_NET] = "net",
	[FR_LANE_OTHER] = "other",
	NULL,
};

static const char *const *collector_names;

void config_set_collectors(const char *const *names)
{
	collector_names = names;
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

const char *config_lane_name(unsigned lane)
{
	return lane <= FR_LANE_OTHER ? lane_names[lane] : NULL;
}

int config_lane_by_name(const char *name)
{
	for (int i = 0; lane_names[i]; i++)
		if (!strcmp(lane_names[i], name))
			return i;
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
		return config_fail(
			diag, "there is no lane '%.40s'; %s%s", item,
			near ? "did you mean " :
			       "there are fs block proc slow names cache "
			       "net ",
			near ? near : "other");
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
	if (!seen[FR_LANE_NAMES])
		return config_fail(diag,
				   "lane names needs a share: without it no "
				   "record has a path; names=20");
	return 0;
}

void config_shares(const struct fr_config *c, unsigned ret_percent[16])
{
	const char *list = c->ring_shares;
	struct rule_diag diag;
	char item[64];
	double percent;
	int lane;

	memset(ret_percent, 0, 16 * sizeof(ret_percent[0]));
	while (config_next_item(&list, item, sizeof(item)))
		if (!parse_share(item, &lane, &percent, &diag))
			ret_percent[lane] = (unsigned)percent;
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

/* A stream is what events.def names, except the recorder's own. */
static int check_streams(const char *list, struct rule_diag *diag)
{
	static const char own[] = "names,slow,sample,meta,inflight";
	const char *known[65] = { NULL };
	unsigned nr, n = 0;
	const struct fr_schema *all = fr_schemas(&nr);

	for (unsigned i = 0; i < nr && n < 64; i++)
		if (!config_list_has(own, all[i].stream))
			known[n++] = all[i].stream;
	return check_words(list, "stream", known, diag);
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

int config_check_collectors(const char *list, struct rule_diag *diag)
{
	if (!collector_names || !strcmp(list, "0"))
		return 0;
	return check_words(list, "collector", collector_names, diag);
}

static bool is(const struct config_param *p, const char *section,
	       const char *key)
{
	return !strcmp(p->section, section) && !strcmp(p->key, key);
}

int config_check_text(const struct config_param *p, const char *value,
		      struct rule_diag *diag)
{
	if (is(p, "ring", "shares"))
		return check_shares(value, diag);
	if (is(p, "probes", "streams"))
		return check_streams(value, diag);
	if (is(p, "sampler", "collectors"))
		return config_check_collectors(value, diag);
	if (is(p, "scope", "pids"))
		return check_pids(value, diag);
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
