/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_rows.c - any bytes as what rows are made of: files of /proc/PID and of
 * cgroups, rules, packed rows that are made anonymous.
 *
 * The first byte chooses, the rest is the text.  A second reading says the same, and
 * packed rows that were made anonymous can be so again.
 */
#include "dump/anonymize.h"
#include "recorder/cgroup_parse.h"
#include "recorder/process_files.h"
#include "recorder/process_rule.h"

#include <flightrec/event.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_process(unsigned which, const char *text, size_t len)
{
	static const struct process_units u = { 10000000, 4096 };
	struct fr_processes_row row = { 0 };
	uint64_t bytes;
	bool kernel;

	switch (which) {
	case 0:
		if (!process_parse_stat(text, len, &u, &row, &kernel) &&
		    row.comm[sizeof(row.comm) - 1])
			abort();
		break;
	case 1:
		process_parse_status(text, len, &row);
		break;
	case 2:
		process_parse_io(text, len, &row);
		break;
	default:
		process_parse_pss(text, len, &bytes);
	}
}

static void fuzz_cgroup(unsigned which, const char *text, size_t len)
{
	const struct cgroup_file *f = &cgroup_files[which % cgroup_nr_files];
	struct fr_cgroups_row a = { .cgroup = 7 }, b = a;
	int err;

	cgroup_row_clear(&a);
	cgroup_row_clear(&b);
	err = f->parse(text, len, &a);
	if (err != f->parse(text, len, &b) || memcmp(&a, &b, sizeof(a)) ||
	    a.cgroup != 7)
		abort();
}

static void fuzz_rule(const char *text, size_t len)
{
	char *list = malloc(len + 1), what[256];
	struct process_rule rule;
	struct fr_processes_row row = { .comm = "sixteen bytes !!" };

	if (!list)
		abort();
	memcpy(list, text, len);
	list[len] = '\0';
	if (!process_rule_parse(list, &rule, what, sizeof(what)))
		process_rule_names(&rule, &row, "/a/b");
	free(list);
}

static void fuzz_anonymize(const char *text, size_t len)
{
	static struct anonymizer *a;
	const struct fr_schema *s = fr_schema_by_type(FR_T_rows);
	struct anonymize_row row = { 0 };
	char *once, *twice;
	size_t n, m;

	if (!a)
		a = anonymizer_with_key((const uint8_t *)"0123456789abcdef", 0);
	if (!len || len > 4600)
		return;
	row.row_type = *text & 1 ? FR_T_processes_row : FR_T_cgroups_row;
	once = malloc(ANONYMIZE_BOUND(len));
	twice = malloc(ANONYMIZE_BOUND(ANONYMIZE_BOUND(len)));
	if (!a || !once || !twice)
		abort();
	n = anonymize_tail(a, s, &row, once, text + 1, len - 1);
	if (n > ANONYMIZE_BOUND(len))
		abort();
	m = n <= 4600 ? anonymize_tail(a, s, &row, twice, once, n) : 0;
	/* names have their length by then, and paths at most 17 times theirs */
	if (n <= 4600 && row.row_type == FR_T_processes_row && m != n)
		abort();
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (!size)
		return 0;
	if (data[0] < 4)
		fuzz_process(data[0], text, size - 1);
	else if (data[0] < 4 + 32)
		fuzz_cgroup(data[0] - 4u, text, size - 1);
	else if (data[0] < 128)
		fuzz_rule(text, size - 1);
	else
		fuzz_anonymize(text, size - 1);
	return 0;
}
