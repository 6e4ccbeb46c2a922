/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backtest_policy.c - what was never recorded: streams that were off, records that
 * were left out. */
#include <stdio.h>
#include <string.h>

#include "dump/backtest_impl.h"
#include "recorder/config.h"
#include "recorder/policy.h"

/* Does the policy keep all that the condition can be about? */
static bool keeps_all(const struct bt_cond *c, const struct fr_policy *p,
		      uint64_t slow_ns)
{
	bool latency = c->slot.what == FR_WHAT_LATENCY &&
		       (c->kind == BT_EVENT || c->kind == BT_INFLIGHT);

	/* what is over the limit of the slow lane is never left out */
	if (latency && slow_ns && c->slot.limit_ns >= slow_ns)
		return true;
	if (p->every != 1)
		return false;
	return !p->above_ns || (latency && c->slot.limit_ns >= p->above_ns);
}

static void take_items(struct fr_policy all[FR_STREAMS_MAX],
		       const char *setting, const char *list)
{
	struct fr_diag diag;
	char item[256];

	while (config_next_item(&list, item, sizeof(item)))
		policy_take(all, setting, item, &diag);
}

/* "fs=..." of a list, or any "PATH:fs=..." */
static bool names_stream(const char *list, const char *stream)
{
	char item[512], text[64];

	snprintf(text, sizeof(text), ":%s=", stream);
	while (config_next_item(&list, item, sizeof(item)))
		if (strstr(item, text))
			return true;
	return false;
}

static void policy_reasons(struct backtest *b, const struct bt_cond *c,
			   const struct fr_config *cfg,
			   const struct fr_stream *s)
{
	struct fr_policy all[FR_STREAMS_MAX];

	for (unsigned i = 0; i < FR_STREAMS_MAX; i++)
		all[i] = (struct fr_policy){ .every = 1 };
	take_items(all, "sample", cfg->probes_sample);
	take_items(all, "above", cfg->probes_above);
	if (all[s->number].every != 1 &&
	    !keeps_all(c, &all[s->number], cfg->probes_slow_limit))
		bt_reason(b, c->rule,
			  "of %s one record in %u was kept (probes.sample)",
			  s->name, all[s->number].every);
	else if (!keeps_all(c, &all[s->number], cfg->probes_slow_limit))
		bt_reason(b, c->rule,
			  "records of %s were left out by probes.above = %s",
			  s->name, cfg->probes_above);
	all[s->number].every = 0;
	if (names_stream(cfg->probes_cgroups, s->name) &&
	    !keeps_all(c, &all[s->number], cfg->probes_slow_limit))
		bt_reason(b, c->rule,
			  "records of %s were left out by probes.cgroups = %s",
			  s->name, cfg->probes_cgroups);
}

static uint32_t streams_of(const struct bt_cond *c)
{
	if (c->kind == BT_EVENT && !c->c->streams)
		return 1u << FR_STREAM_PROC;
	return c->c->streams;
}

/* Was one of the probes attached whose facts begin so, "probe.fs."? */
static bool is_attached(const struct backtest *b, unsigned file,
			const char *prefix)
{
	const char *key, *text;

	for (unsigned i = 0;
	     (text = snap_fact_at(view_snap(b->v, file), i, &key)); i++)
		if (!strncmp(key, prefix, strlen(prefix)) &&
		    strstr(text, "attached=yes"))
			return true;
	return false;
}

static void probe_reasons(struct backtest *b, const struct bt_cond *c,
			  unsigned file, const char *stream)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "probe.%s.", stream);
	if (c->slot.what == FR_WHAT_EXIT)
		snprintf(prefix, sizeof(prefix), "probe.proc.exit");
	else if (c->slot.what == FR_WHAT_OOM)
		snprintf(prefix, sizeof(prefix), "probe.proc.oom");
	if (!is_attached(b, file, prefix))
		bt_reason(b, c->rule,
			  "stream %s was not recorded: no probe of it was "
			  "attached",
			  stream);
}

void bt_policy_reasons(struct backtest *b, const struct bt_cond *c)
{
	unsigned nr;
	const struct fr_stream *all = fr_streams(&nr);

	for (unsigned f = 0; f < view_nr_files(b->v); f++) {
		const struct fr_config *cfg = b->configs[f];

		if (!cfg) {
			bt_reason(b, c->rule,
				  "%s does not say with which settings it was "
				  "recorded",
				  view_file_path(b->v, f));
			continue;
		}
		for (unsigned i = 0; i < nr; i++) {
			if (!(streams_of(c) >> all[i].number & 1))
				continue;
			if (config_streams(cfg) >> all[i].number & 1) {
				probe_reasons(b, c, f, all[i].name);
				policy_reasons(b, c, cfg, &all[i]);
				continue;
			}
			bt_reason(b, c->rule, "stream %s was not recorded",
				  all[i].name);
		}
	}
}
