/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_ways.c - a stream that can be fed in several ways uses one of them.
 *
 * The BPF object declares them (fr_ways, see bpf_cfg.h).  They are points of
 * different names, since one way may take more of them than another.
 */
#include "recorder/probe_internal.h"

#include <string.h>

static struct probe_point *point_named(struct probes *p, const char *stream,
				       const char *name, size_t len)
{
	for (unsigned i = 0; i < FR_PROBE_MAX; i++) {
		struct probe_point *pt = &p->points[i];

		if (pt->stream && !strcmp(pt->stream, stream) &&
		    strlen(pt->name) == len && !strncmp(pt->name, name, len))
			return pt;
	}
	return NULL;
}

/* The next point of the way at *way, NULL at its end. */
static struct probe_point *next_point(struct probes *p, const char *stream,
				      const char **way, bool *ret_optional)
{
	const char *name = *way + strspn(*way, " !");
	size_t len = strcspn(name, " ,?");

	if (!len)
		return NULL;
	*ret_optional = name[len] == '?';
	*way = name + len + *ret_optional;
	return point_named(p, stream, name, len);
}

/* Has each point of the way a program? */
static bool is_whole(struct probes *p, const char *stream, const char *way)
{
	struct probe_point *pt;
	bool optional;

	while ((pt = next_point(p, stream, &way, &optional)))
		if (!pt->prog && !optional)
			return false;
	return true;
}

static bool is_asked_for(struct probes *p, const char *stream, const char *way)
{
	struct probe_point *pt;
	bool optional;

	while ((pt = next_point(p, stream, &way, &optional)))
		if (pt->prog && probe_is_asked_for(p->config->probes_mechanism,
						   pt->mechanism))
			return true;
	return false;
}

static const char *next_way(const char *way)
{
	way += strcspn(way, ",");
	return *way ? way + 1 : NULL;
}

static bool is_costly(const char *way)
{
	return way[strspn(way, " ")] == '!';
}

/* Does somebody want the stream so much that it may cost? */
static bool is_wanted(const struct probes *p, const char *stream)
{
	const char *list = p->config->probes_streams;
	char item[64];

	while (config_next_item(&list, item, sizeof(item)))
		if (!strcmp(item + (item[0] == '+'), stream))
			return true;
	return !strcmp(p->config->probes_profile, "deep");
}

/* The first that is whole; one that probes.mechanism asks for goes before. */
static const char *best_way(struct probes *p, const char *stream,
			    const char *ways, const char **ret_costly)
{
	const char *best = NULL;

	*ret_costly = NULL;

	for (const char *w = ways; w; w = next_way(w)) {
		if (!is_whole(p, stream, w))
			continue;
		if (is_asked_for(p, stream, w))
			return w;
		if (is_costly(w) && !is_wanted(p, stream)) {
			*ret_costly = w;
			continue;
		}
		if (!best)
			best = w;
	}
	return best;
}

/* ${best} NULL: there is no way, and why is another matter, unless one was too dear. */
static void spare(struct probe_point *pt, const char *stream, const char *best,
		  const char *costly)
{
	if (pt->spared)
		pt->why[0] = 0;
	pt->spared = best || costly;
	pt->prog = NULL;
	if (!best && costly && !pt->why[0])
		snprintf(
			pt->why, sizeof(pt->why),
			"this way costs much: only with probes.streams = +%s, or in the profile deep",
			stream);
	if (best && !pt->why[0])
		snprintf(pt->why, sizeof(pt->why),
			 "not needed: %s is recorded by %.*s", stream,
			 (int)strcspn(best, ",?"), best + strspn(best, " !"));
}

static void use(struct probe_point *pt)
{
	if (pt->spared)
		pt->why[0] = 0;
	pt->spared = false;
}

void probe_ways_settle(struct probes *p, struct bpf_object *o,
		       const char *stream)
{
	const char *ways = probe_rodata_var(o, "fr_ways", FR_WAYS_BYTES);
	const char *costly = NULL;
	const char *best = ways ? best_way(p, stream, ways, &costly) : NULL;

	for (const char *w = ways; w; w = next_way(w)) {
		const char *at = w;
		struct probe_point *pt;
		bool optional;

		while ((pt = next_point(p, stream, &at, &optional))) {
			if (w == best)
				use(pt);
			else
				spare(pt, stream, best, costly);
		}
	}
}
