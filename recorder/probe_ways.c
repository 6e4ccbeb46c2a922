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
	const char *name = *way + strspn(*way, " ");
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

/* The first that is whole; one that probes.mechanism asks for goes before. */
static const char *best_way(struct probes *p, const char *stream,
			    const char *ways)
{
	const char *best = NULL;

	for (const char *w = ways; w; w = next_way(w)) {
		if (!is_whole(p, stream, w))
			continue;
		if (is_asked_for(p, stream, w))
			return w;
		if (!best)
			best = w;
	}
	return best;
}

/* ${best} NULL: there is no way, and why is another matter. */
static void spare(struct probe_point *pt, const char *stream, const char *best)
{
	if (pt->spared)
		pt->why[0] = 0;
	pt->spared = best != NULL;
	pt->prog = NULL;
	if (best && !pt->why[0])
		snprintf(pt->why, sizeof(pt->why),
			 "not needed: %s is recorded by %.*s", stream,
			 (int)strcspn(best, ",?"), best + strspn(best, " "));
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
	const char *best = ways ? best_way(p, stream, ways) : NULL;

	for (const char *w = ways; w; w = next_way(w)) {
		const char *at = w;
		struct probe_point *pt;
		bool optional;

		while ((pt = next_point(p, stream, &at, &optional))) {
			if (w == best)
				use(pt);
			else
				spare(pt, stream, best);
		}
	}
}
