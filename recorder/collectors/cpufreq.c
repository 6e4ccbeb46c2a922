/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpufreq.c - frequency of each CPU, and the time it spent in each idle state. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def cpufreq_now =
	SHAPE_GAUGE("cpufreq.%.hz", "Hz", 1000);
static const struct metric_def cpufreq_limit =
	SHAPE_GAUGE("cpufreq.%.max_hz", "Hz", 1000);
static const struct metric_def cpufreq_time =
	SHAPE_COUNTER("cpuidle.%.residency_ns", "ns", 1000);
static const struct metric_def cpufreq_entries =
	SHAPE_COUNTER("cpuidle.%.entries", "", 1);

static void cpufreq_now_parse(struct sample *s, const char *inst,
			      const char *buf, size_t len)
{
	shape_put_number(s, &cpufreq_now, inst, buf, len);
}

static void cpufreq_limit_parse(struct sample *s, const char *inst,
				const char *buf, size_t len)
{
	shape_put_number(s, &cpufreq_limit, inst, buf, len);
}

static void cpufreq_time_parse(struct sample *s, const char *inst,
			       const char *buf, size_t len)
{
	shape_put_number(s, &cpufreq_time, inst, buf, len);
}

static void cpufreq_entries_parse(struct sample *s, const char *inst,
				  const char *buf, size_t len)
{
	shape_put_number(s, &cpufreq_entries, inst, buf, len);
}

static const struct collector_source cpufreq_sources[] = {
	{ .path = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq",
	  .parse = cpufreq_now_parse,
	  .max = 64 },
	{ .path = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_max_freq",
	  .parse = cpufreq_limit_parse,
	  .max = 64 },
	{ .path = "/sys/devices/system/cpu/cpu*/cpuidle/state*/time",
	  .label = "name",
	  .parse = cpufreq_time_parse,
	  .max = 64 },
	{ .path = "/sys/devices/system/cpu/cpu*/cpuidle/state*/usage",
	  .label = "name",
	  .parse = cpufreq_entries_parse,
	  .max = 64 },
	{ 0 }
};

const struct collector_ops collector_cpufreq = {
	.name = "cpufreq",
	.doc = "frequency of each CPU, and its time in each idle state",
	.man = "cpufreq.N.hz, and max_hz as the governor has it now; "
	       "cpuidle.N.NAME.STATE.residency_ns and entries "
	       "(cpuidle.0.C1E.2.entries). What turbostat computes from "
	       "registers, as far as the kernel itself counts it. Four files "
	       "for each CPU and state: off unless asked for.",
	.sources = cpufreq_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
