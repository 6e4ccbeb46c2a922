/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_print.c - writes a configuration as the file that would produce it. */
#include <stdio.h>
#include <string.h>

#include "recorder/config.h"
#include "triggers/rule.h"

static void print_doc(const struct config_param *p, FILE *out)
{
	fprintf(out, "\n# %s\n# %s", p->doc, config_type_name(p->type));
	if (*p->min || *p->max)
		fprintf(out, ", from %s to %s", p->min, p->max);
	fprintf(out, "; default: %s\n", *p->def ? p->def : "empty");
}

static void print_params(const struct fr_config *c, const char *mark, FILE *out)
{
	const char *section = "";
	char buf[32];

	for (const struct config_param *p = config_params; p->section; p++) {
		if (strcmp(section, p->section))
			fprintf(out, "\n[%s]\n", p->section);
		section = p->section;
		print_doc(p, out);
		fprintf(out, "%s%s = %s\n", mark, p->key,
			c ? config_get(c, p, buf) : p->def);
	}
}

static void print_rule(const struct fr_trigger_rule *r, FILE *out)
{
	char buf[32];

	fprintf(out, "\n[trigger \"%s\"]\n", r->name);
	for (unsigned i = 0; rule_keys[i].name; i++) {
		const char *value = rule_get(r, rule_keys[i].name, buf);

		if (value)
			fprintf(out, "%s = %s\n", rule_keys[i].name, value);
	}
}

void config_print(const struct fr_config *c, FILE *out)
{
	fprintf(out, "# The settings in force, see flightrecd.conf(5).\n");
	print_params(c, "", out);
	for (unsigned i = 0; i < c->nr_rules; i++)
		print_rule(&c->rules[i], out);
}

static void print_rule_example(FILE *out)
{
	fprintf(out, "\n# A trigger takes a snapshot by itself, see "
		     "flightrec-triggers(7).\n"
		     "#[trigger \"slow-fsync\"]\n");
	for (unsigned i = 0; rule_keys[i].name; i++)
		fprintf(out, "# %s\n#%s = %s\n", rule_keys[i].doc,
			rule_keys[i].name,
			i ? rule_keys[i].def : "fs.fsync latency > 200ms");
}

void config_print_example(FILE *out)
{
	fprintf(out, "# flightrec.conf - see flightrecd.conf(5).  Every line "
		     "shows its default.\n");
	print_params(NULL, "#", out);
	print_rule_example(out);
}
