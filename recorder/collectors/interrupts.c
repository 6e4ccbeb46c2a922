/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interrupts.c - interrupts per line, all CPUs together. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

static const struct metric_def interrupts_line =
	SHAPE_COUNTER("interrupts.%", "", 1);

/* The header: "CPU0 CPU1 ...", one for each column. */
static int64_t interrupts_cpus(struct scan *line)
{
	struct scan word;
	int64_t n = 0;

	while (scan_word(line, 0, &word)) {
		if (!scan_starts(&word, "CPU"))
			return 0;
		n++;
	}
	return n;
}

/* What follows the last two blanks in a row is the driver's name (of a shared line:
 * the first one), if the controller and its own number come before. */
static struct scan interrupts_driver(const struct scan *rest)
{
	struct scan name = { rest->end, rest->end }, word;
	bool before = false;

	for (const char *p = rest->p; p + 1 < rest->end; p++) {
		if (p[0] != ' ')
			before = true;
		else if (p[1] == ' ' && before)
			name.p = p + 2;
	}
	if (!scan_word(&name, ',', &word))
		word = (struct scan){ rest->end, rest->end };
	return word;
}

/* "24:  1  0  IO-APIC  5-edge  ACPI:Ged"; "LOC: 5 6  Local timer interrupts";
 * "ERR: 0", which no CPU owns. */
static void interrupts_put(struct sample *s, struct scan *line, int64_t cpus)
{
	struct scan key, driver;
	int64_t v, sum = 0, n = 0, number;

	if (!scan_word(line, ':', &key) || !scan_char(line, ':')) {
		sample_error(s);
		return;
	}
	while (n < cpus && scan_number(line, &v)) {
		if (__builtin_add_overflow(sum, v, &sum))
			break;
		n++;
	}
	if (n != cpus && !(n == 1 && line->p == line->end)) {
		sample_error(s);
		return;
	}
	driver = interrupts_driver(line);
	if (driver.p < driver.end &&
	    scan_digits(&(struct scan){ key.p, key.end }, &number))
		shape_put_joined(s, &interrupts_line, &key, &driver, sum);
	else
		sample_put(s, &interrupts_line, key.p, scan_len(&key), sum);
}

static void interrupts_parse(struct sample *s, const char *inst,
			     const char *buf, size_t len)
{
	struct scan file = { buf, buf + len }, line;
	int64_t cpus;

	(void)inst;
	if (!scan_line(&file, &line))
		return;
	cpus = interrupts_cpus(&line);
	if (cpus == 0) {
		sample_error(s);
		return;
	}
	while (scan_line(&file, &line))
		interrupts_put(s, &line, cpus);
}

static const struct collector_source interrupts_sources[] = {
	{ .path = "/proc/interrupts",
	  .parse = interrupts_parse,
	  .max = 16 << 20 },
	{ 0 }
};

const struct collector_ops collector_interrupts = {
	.name = "interrupts",
	.doc = "interrupts per line, all CPUs together",
	.man = "interrupts.NUMBER.DRIVER, and by name what has no number: "
	       "interrupts.LOC, interrupts.NMI. Of drivers that share a line "
	       "the first is named.",
	.sources = interrupts_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
