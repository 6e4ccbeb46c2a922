/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.c - what the machine is: CPUs, their model and clock, kernel, distribution,
 * when it was booted.
 *
 * A text is the name of a metric that is 1 (or how many CPUs are of that model): so
 * it can be stored, plotted and compared like any other.
 */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

#include <string.h>

#define MACHINE_PERIOD_NS    60000000000ULL
#define MACHINE_CPUINFO_MAX  (64 << 20) /* 8,192 CPUs of 8 KiB */
#define MACHINE_SOCKETS      64
#define MACHINE_SOCKET_CORES 4096 /* numbers, which may have gaps */
#define MACHINE_TEXT_MAX     100
#define MACHINE_MODELS_MAX   8

static const struct metric_def machine_cpus =
	SHAPE_GAUGE("machine.cpus", "", 1);
static const struct metric_def machine_cores =
	SHAPE_GAUGE("machine.cores", "", 1);
static const struct metric_def machine_sockets =
	SHAPE_GAUGE("machine.sockets", "", 1);
static const struct metric_def machine_hz = SHAPE_GAUGE("machine.hz", "Hz", 1);
static const struct metric_def machine_model =
	SHAPE_GAUGE("machine.cpu.%", "", 1);
static const struct metric_def machine_kernel =
	SHAPE_GAUGE("machine.kernel.%", "", 1);
static const struct metric_def machine_os = SHAPE_GAUGE("machine.os.%", "", 1);
static const struct metric_def machine_boot =
	SHAPE_GAUGE("machine.boot_s", "s", 1);

/* ---- texts ------------------------------------------------------------------------- */

/* As part of a metric's name: no blanks or controls.  0: nothing is left. */
static size_t machine_text(char ret[MACHINE_TEXT_MAX], const struct scan *word)
{
	size_t n = scan_len(word);

	n = n < MACHINE_TEXT_MAX ? n : MACHINE_TEXT_MAX - 1;
	for (size_t i = 0; i < n; i++)
		ret[i] =
			word->p[i] > ' ' && word->p[i] < 127 ? word->p[i] : '_';
	return n;
}

static void machine_put_text(struct sample *s, const struct metric_def *def,
			     const struct scan *word, int64_t value)
{
	char text[MACHINE_TEXT_MAX];
	size_t n = machine_text(text, word);

	if (n)
		sample_put(s, def, text, n, value);
	else
		sample_error(s);
}

/* ---- /proc/cpuinfo ------------------------------------------------------------------ */

struct machine_cpus {
	int64_t cpus, clocks, mhz_sum; /* of thousandths of a MHz */
	int64_t socket;                /* of the CPU at hand; -1: not told */
	int64_t cores, sockets;
	struct machine_kind {
		struct scan name;
		int64_t cpus;
	} models[MACHINE_MODELS_MAX];
	unsigned nr_models;
	uint64_t seen_sockets;
	uint64_t seen_cores[MACHINE_SOCKETS][MACHINE_SOCKET_CORES / 64];
};

static void machine_take_core(struct machine_cpus *m, int64_t core)
{
	uint64_t *word, bit = 1ULL << (core & 63);

	if (m->socket < 0 || m->socket >= MACHINE_SOCKETS || core < 0 ||
	    core >= MACHINE_SOCKET_CORES)
		return;
	word = &m->seen_cores[m->socket][core / 64];
	m->cores += !(*word & bit);
	*word |= bit;
	m->sockets += !(m->seen_sockets >> m->socket & 1);
	m->seen_sockets |= 1ULL << m->socket;
}

static void machine_take_model(struct machine_cpus *m, const struct scan *name)
{
	for (unsigned i = 0; i < m->nr_models; i++) {
		struct machine_kind *k = &m->models[i];

		if (scan_len(&k->name) == scan_len(name) &&
		    !memcmp(k->name.p, name->p, scan_len(name))) {
			k->cpus++;
			return;
		}
	}
	if (m->nr_models < MACHINE_MODELS_MAX)
		m->models[m->nr_models++] = (struct machine_kind){ *name, 1 };
}

/* "2596.128": three decimals, as the kernel prints it. */
static bool machine_mhz(struct scan value, int64_t *ret)
{
	int64_t whole, part;
	const char *dot;

	if (!scan_digits(&value, &whole) || !scan_char(&value, '.'))
		return false;
	dot = value.p;
	if (!scan_digits(&value, &part) || value.p - dot != 3 ||
	    !scan_at_gap(&value) || whole > 1000000)
		return false;
	*ret = whole * 1000 + part;
	return true;
}

static void machine_cpuinfo_line(struct sample *s, struct machine_cpus *m,
				 const struct scan *key, struct scan value)
{
	int64_t v;

	if (scan_is(key, "model name")) {
		machine_take_model(m, &value);
	} else if (scan_is(key, "cpu MHz")) {
		if (machine_mhz(value, &v)) {
			m->mhz_sum += v;
			m->clocks++;
		} else {
			sample_error(s);
		}
	} else if (scan_starts(key, "processor ")) {
		m->cpus++; /* s390: "processor 0: version = ..." */
	} else if (scan_is(key, "processor") || scan_is(key, "physical id") ||
		   scan_is(key, "core id")) {
		if (!scan_digits(&value, &v) || !scan_at_gap(&value)) {
			sample_error(s);
			return;
		}
		if (*key->p == 'c')
			machine_take_core(m, v);
		else
			m->socket = key->p[1] == 'h' ? v : -1;
		m->cpus += key->p[1] == 'r';
	}
}

/* Blanks before the colon are no part of the key; one behind it none of the value. */
static bool machine_split(struct scan line, struct scan *key,
			  struct scan *value)
{
	const char *colon = memchr(line.p, ':', scan_len(&line));
	const char *end = colon;

	if (!colon)
		return false;
	while (end > line.p && (end[-1] == '\t' || end[-1] == ' '))
		end--;
	*key = (struct scan){ line.p, end };
	*value = (struct scan){ colon + 1, line.end };
	scan_blanks(value);
	return end > line.p;
}

static void machine_cpuinfo_parse(struct sample *s, const char *inst,
				  const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line, key, value;
	struct machine_cpus m = { .socket = -1 };

	(void)inst;
	while (scan_line(&file, &line))
		if (machine_split(line, &key, &value))
			machine_cpuinfo_line(s, &m, &key, value);
	/* no CPU, or cut within a line */
	if (!m.cpus || file.p != file.end) {
		sample_error(s);
		return;
	}
	sample_put(s, &machine_cpus, NULL, 0, m.cpus);
	if (m.cores) {
		sample_put(s, &machine_cores, NULL, 0, m.cores);
		sample_put(s, &machine_sockets, NULL, 0, m.sockets);
	}
	if (m.clocks)
		sample_put(s, &machine_hz, NULL, 0,
			   m.mhz_sum / m.clocks * 1000);
	for (unsigned i = 0; i < m.nr_models; i++)
		machine_put_text(s, &machine_model, &m.models[i].name,
				 m.models[i].cpus);
}

/* ---- the others ------------------------------------------------------------------------ */

static void machine_kernel_parse(struct sample *s, const char *inst,
				 const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	if (scan_line(&file, &line))
		machine_put_text(s, &machine_kernel, &line, 1);
}

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)", see os-release(5). */
static void machine_os_parse(struct sample *s, const char *inst,
			     const char *buf, size_t len)
{
	static const char key[] = "PRETTY_NAME=";
	struct scan file = { buf, buf + len }, line;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (!scan_starts(&line, key))
			continue;
		line.p += strlen(key);
		if (line.p < line.end && (*line.p == '"' || *line.p == '\'')) {
			char quote = *line.p++;

			line.end -= line.end > line.p && line.end[-1] == quote;
		}
		machine_put_text(s, &machine_os, &line, 1);
		return;
	}
}

/* "btime 1764312000" among other lines: seconds since 1970. */
static void machine_boot_parse(struct sample *s, const char *inst,
			       const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line;
	int64_t v;

	(void)inst;
	while (scan_line(&file, &line)) {
		if (!scan_starts(&line, "btime "))
			continue;
		line.p += 6;
		if (scan_number(&line, &v))
			sample_put(s, &machine_boot, NULL, 0, v);
		else
			sample_error(s);
		return;
	}
}

static const struct collector_source machine_sources[] = {
	{ .path = "/proc/cpuinfo",
	  .parse = machine_cpuinfo_parse,
	  .max = MACHINE_CPUINFO_MAX,
	  .adds_up = true,
	  .optional = true },
	{ .path = "/proc/sys/kernel/osrelease",
	  .parse = machine_kernel_parse,
	  .max = 4096,
	  .optional = true },
	{ .path = "/etc/os-release",
	  .parse = machine_os_parse,
	  .max = 65536,
	  .optional = true },
	{ .path = "/proc/stat",
	  .parse = machine_boot_parse,
	  .max = 64 << 20,
	  .optional = true },
	{ 0 }
};

const struct collector_ops collector_machine = {
	.name = "machine",
	.doc = "CPUs, kernel, distribution, time of boot",
	.man = "machine.cpus that are online, .cores and .sockets that they are of (not "
	       "told on all architectures), machine.hz, the mean of their clocks now; "
	       "machine.cpu.MODEL, how many are of that model; machine.kernel.RELEASE and "
	       "machine.os.NAME, 1 each; machine.boot_s, since 1970. Blanks in names become _. Unless "
	       "another rate is said, it looks once a minute. What else the "
	       "machine is, memory, disks, network devices, GPUs, is in the looks "
	       "at the system of each snapshot (flightrec show --stream system).",
	.sources = machine_sources,
	.period_ns = MACHINE_PERIOD_NS,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
