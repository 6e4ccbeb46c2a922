/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu.c - CPU time in all and per CPU, and the scheduler's totals. */
#include "recorder/collector.h"
#include "recorder/scan.h"

/* The kernel counts hundredths of a second here on every machine we run on
 * (USER_HZ of x86-64 and arm64). */
#define CPU_TIME(field)                                     \
	{                                                   \
		"cpu.%." field, "s", METRIC_COUNTER, 100, 1 \
	}

/* In the order of the columns. */
static const struct metric_def cpu_times[] = {
	CPU_TIME("user"),       CPU_TIME("nice"),   CPU_TIME("system"),
	CPU_TIME("idle"),       CPU_TIME("iowait"), CPU_TIME("irq"),
	CPU_TIME("softirq"),    CPU_TIME("steal"),  CPU_TIME("guest"),
	CPU_TIME("guest_nice"),
};
#define NR_TIMES (sizeof(cpu_times) / sizeof(*cpu_times))

static const struct {
	const char *key;
	struct metric_def def;
} cpu_totals[] = {
	{ "intr", { "cpu.interrupts", "", METRIC_COUNTER, 1, 1 } },
	{ "ctxt", { "cpu.context_switches", "", METRIC_COUNTER, 1, 1 } },
	{ "processes", { "cpu.forks", "", METRIC_COUNTER, 1, 1 } },
	{ "procs_running", { "cpu.procs_running", "", METRIC_GAUGE, 1, 1 } },
	{ "procs_blocked", { "cpu.procs_blocked", "", METRIC_GAUGE, 1, 1 } },
};
#define NR_TOTALS (sizeof(cpu_totals) / sizeof(*cpu_totals))

/* "cpu", "cpu0", "cpu1": the total is called all. */
static bool cpu_instance(const struct scan *key, struct scan *ret)
{
	struct scan number = { key->p + 3, key->end };
	int64_t ignored;

	if (number.p == number.end) {
		*ret = (struct scan){ "all", NULL };
		ret->end = ret->p + 3;
		return true;
	}
	*ret = number;
	return scan_digits(&number, &ignored) && number.p == number.end;
}

static void cpu_line(struct sample *s, const struct scan *key,
		     struct scan *line)
{
	struct scan cpu;
	int64_t v;
	unsigned i;

	if (!cpu_instance(key, &cpu)) {
		sample_error(s);
		return;
	}
	for (i = 0; i < NR_TIMES && scan_number(line, &v); i++)
		sample_put(s, &cpu_times[i], cpu.p, (size_t)(cpu.end - cpu.p),
			   v);
	/* Old kernels have fewer columns, but a column is a number. */
	scan_blanks(line);
	if (i == 0 || (i < NR_TIMES && line->p != line->end))
		sample_error(s);
}

static void cpu_total(struct sample *s, const struct scan *key,
		      struct scan *line)
{
	int64_t v;

	for (unsigned i = 0; i < NR_TOTALS; i++) {
		if (!scan_is(key, cpu_totals[i].key))
			continue;
		if (scan_number(line, &v))
			sample_put(s, &cpu_totals[i].def, "", 0, v);
		else
			sample_error(s);
	}
}

static void cpu_parse(struct sample *s, const char *inst, const char *buf,
		      size_t len)
{
	struct scan file = { buf, buf + len }, line, key;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (!scan_word(&line, 0, &key))
			continue;
		if (scan_starts(&key, "cpu"))
			cpu_line(s, &key, &line);
		else
			cpu_total(s, &key, &line);
	}
}

static const struct collector_source cpu_sources[] = {
	{ .path = "/proc/stat", .parse = cpu_parse, .max = 16 << 20 }, { 0 }
};

const struct collector_ops collector_cpu = {
	.name = "cpu",
	.doc = "CPU time in all and per CPU, interrupts, context switches, forks",
	.man = "cpu.all.FIELD, cpu.N.FIELD; cpu.interrupts, cpu.forks, "
	       "cpu.context_switches, cpu.procs_running, cpu.procs_blocked. "
	       "Fields: user, nice, system, idle, iowait, irq, softirq, steal, "
	       "guest, guest_nice, in seconds, stored times 100. As in the "
	       "source, guest is part of user, and guest_nice of nice.",
	.sources = cpu_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
