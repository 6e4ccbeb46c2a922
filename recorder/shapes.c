/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/shapes.h"

#include <stdio.h>

bool shape_number(const char *buf, size_t len, int64_t *ret)
{
	struct scan file = { buf, buf + len }, line;
	int64_t v;

	if (!scan_line(&file, &line) || !scan_signed(&line, &v))
		return false;
	scan_blanks(&line);
	if (line.p != line.end || file.p != file.end)
		return false;
	*ret = v;
	return true;
}

void shape_put_number(struct sample *s, const struct metric_def *def,
		      const char *inst, const char *buf, size_t len)
{
	int64_t v;

	if (shape_number(buf, len, &v))
		sample_put(s, def, inst, inst ? strlen(inst) : 0, v);
	else if (len) /* that it is empty has been counted */
		sample_error(s);
}

void shape_put_joined(struct sample *s, const struct metric_def *def,
		      const struct scan *a, const struct scan *b, int64_t value)
{
	char name[METRIC_NAME_MAX];
	size_t na = scan_len(a), nb = scan_len(b);

	if (na + 1 + nb > sizeof(name)) {
		sample_error(s);
		return;
	}
	memcpy(name, a->p, na);
	name[na] = '.';
	memcpy(name + na + 1, b->p, nb);
	sample_put(s, def, name, na + 1 + nb, value);
}

void shape_put_columns(struct sample *s, const struct metric_def *defs,
		       unsigned nr, unsigned least, const struct scan *inst,
		       struct scan *line)
{
	unsigned i;
	int64_t v;

	for (i = 0; i < nr && scan_number(line, &v); i++)
		sample_put(s, &defs[i], inst ? inst->p : NULL,
			   inst ? scan_len(inst) : 0, v);
	scan_blanks(line);
	if (i < least || (i < nr && line->p != line->end))
		sample_error(s);
}
