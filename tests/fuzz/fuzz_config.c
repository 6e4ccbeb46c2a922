/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_config.c - configuration files, --set and trigger rules.
 *
 * The first byte chooses.  What is accepted must print, and the print must read
 * back as the same; what is refused must say so in bounds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/config.h"
#include "triggers/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct fr_config *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	config_print(c, f);
	fclose(f);
	return text;
}

static void check_reads_back(const struct fr_config *c)
{
	struct fr_config *again = config_new();
	char *text = print(c), *text2;
	struct fr_diag d;

	if (config_read_text(again, "printed", text, strlen(text), &d) < 0) {
		fprintf(stderr, "%s\n%s\n", text, d.text);
		abort();
	}
	text2 = print(again);
	if (strcmp(text, text2))
		abort();
	free(text);
	free(text2);
	config_free(again);
}

static void try_file(const char *text, size_t len)
{
	struct fr_config *c = config_new();
	struct fr_diag d = { .text = "" };

	if (config_read_text(c, "f", text, len, &d) == 0)
		check_reads_back(c);
	else if (!d.text[0] ||
		 strnlen(d.text, sizeof(d.text)) == sizeof(d.text))
		abort();
	config_free(c);
}

static void try_set(const char *text)
{
	struct fr_config *c = config_new();
	struct fr_diag d = { .text = "" };

	if (config_set(c, text, &d) == 0)
		check_reads_back(c);
	else if (!d.text[0])
		abort();
	config_free(c);
}

static void try_rule(const char *text)
{
	struct rule_expr e;
	struct rule_diag d = { .text = "" };
	char caret[256];

	if (rule_parse(text, &e, &d) == 0) {
		if (!e.nr_conds || !e.nr_terms || !e.conds[0].ops)
			abort();
		return;
	}
	if (!d.text[0] || d.at > strlen(text))
		abort();
	rule_format_caret(caret, sizeof(caret), text, d.at);
	if (!strchr(caret, '^'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 4 == 1)
		try_set(text);
	else if (data[0] % 4 == 2)
		try_rule(text);
	else
		try_file(text, size - 1);
	free(text);
	return 0;
}
