/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_where.c - what the names in filters stood for where the snapshots come
 * from: devices, mounts, cgroups. */
#include "dump/backtest_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEV_NONE (~0u)

static bool parse_dev(const char *text, uint32_t *ret)
{
	unsigned major, minor;

	if (sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	*ret = major << 20 | minor;
	return true;
}

/* "device.254:0" = "vda" */
static uint32_t device_by_fact(const struct backtest *b, const char *name)
{
	for (unsigned f = 0; f < view_nr_files(b->v); f++) {
		const char *key, *text;
		uint32_t dev;

		for (unsigned i = 0;
		     (text = snap_fact_at(view_snap(b->v, f), i, &key)); i++)
			if (!strncmp(key, "device.", 7) &&
			    !strcmp(text, name) && parse_dev(key + 7, &dev))
				return dev;
	}
	return DEV_NONE;
}

/* "Storages/vda/dev" = "254:0", "Mounts/27" = "254:0 / /var ext4 ..." */
static bool row_names(const char *key, const char *value, const char *name,
		      bool is_mount)
{
	char text[RULE_PATH_MAX + 64];
	const char *at;

	if (!is_mount) {
		snprintf(text, sizeof(text), "Storages/%s/dev", name);
		return !strcmp(key, text);
	}
	if (strncmp(key, "Mounts/", 7) != 0)
		return false;
	at = strchr(value, ' ');
	at = at ? strchr(at + 1, ' ') : NULL;
	return at && !strncmp(at + 1, name, strlen(name)) &&
	       at[1 + strlen(name)] == ' ';
}

/* The last one that the snapshots show wins: what is mounted over it. */
static uint32_t dev_by_row(struct backtest *b, const char *name, bool is_mount)
{
	unsigned key = view_find_column(b->v, "key");
	unsigned value = view_find_column(b->v, "value");
	unsigned stream = view_find_stream(b->v, "system");
	struct view_cursor *c = view_cursor_new(b->v);
	char k[256], v[512];
	uint32_t dev = DEV_NONE;

	for (size_t i = 0; c && i < view_nr_rows(b->v); i++) {
		view_seek(c, i);
		if (view_row_stream(c) == stream &&
		    view_get_text(c, key, k, sizeof(k)) &&
		    view_get_text(c, value, v, sizeof(v)) &&
		    row_names(k, v, name, is_mount))
			parse_dev(v, &dev);
	}
	view_cursor_free(c);
	return dev;
}

static uint32_t find_dev(struct backtest *b, const struct rule_where *w)
{
	const char *slash = strrchr(w->device, '/');
	const char *name = w->is_mount || !slash ? w->device : slash + 1;
	char folder[RULE_PATH_MAX];
	size_t n = strlen(name);
	uint32_t dev;

	if (!w->is_mount && parse_dev(name, &dev))
		return dev;
	dev = w->is_mount ? DEV_NONE : device_by_fact(b, name);
	if (dev != DEV_NONE)
		return dev;
	while (n > 1 && name[n - 1] == '/')
		n--;
	snprintf(folder, sizeof(folder), "%.*s", (int)n, name);
	return dev_by_row(b, folder, w->is_mount);
}

/* The number by which slots name the group. */
static uint64_t want_group(struct backtest *b, const char *group)
{
	char *to;

	for (size_t i = 0; i < b->wanted.nr; i++)
		if (!strcmp((char *)b->wanted.data + i * RULE_PATH_MAX, group))
			return i + 1;
	to = bt_add(b, &b->wanted, RULE_PATH_MAX);
	if (to)
		snprintf(to, RULE_PATH_MAX, "%s", group);
	return b->wanted.nr;
}

void bt_where_resolve(struct backtest *b)
{
	for (unsigned i = 0; i < b->nr_conds; i++) {
		struct bt_cond *c = &b->conds[i];
		struct rule_where *w =
			&b->rules[c->rule].expr.conds[c->index].where;

		if (w->set & FR_WHERE_DEV) {
			w->dev = find_dev(b, w);
			if (w->dev == DEV_NONE)
				bt_reason(b, c->rule,
					  "the snapshot does not say what %s "
					  "%s was",
					  w->is_mount ? "folder" : "device",
					  w->device);
		}
		if (w->set & FR_WHERE_CGROUP) {
			w->cgroup = want_group(b, w->group);
			w->cgroup_level = w->group[strspn(w->group, "/")] != 0;
		}
	}
}

static int compare_groups(const void *p, const void *q)
{
	uint64_t x = *(const uint64_t *)p;
	uint64_t y = ((const struct bt_group *)q)->id;

	return x < y ? -1 : x > y;
}

const char *bt_group_path(const struct backtest *b, uint64_t id)
{
	const struct bt_group *g;

	if (!b->groups.nr)
		return NULL;
	g = bsearch(&id, b->groups.data, b->groups.nr, sizeof(*g),
		    compare_groups);
	return g ? g->path : NULL;
}

/* Requests are of one cgroup alone, not of those above it. */
bool bt_in_group(const struct slot_event *ev, uint64_t group)
{
	const struct backtest *b = ev->arg;
	const char *path = bt_group_path(b, ev->cgroup);
	const char *want = (char *)b->wanted.data + (group - 1) * RULE_PATH_MAX;
	size_t n;

	if (!path)
		return false;
	want += strspn(want, "/");
	path += strspn(path, "/");
	n = strlen(want);
	while (n && want[n - 1] == '/')
		n--;
	return !strncmp(path, want, n) &&
	       (!path[n] || (path[n] == '/' && ev->stream != FR_STREAM_BLOCK));
}
