/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plot_value.c - values of a curve as people read them, and the range of its axis. */
#include <math.h>
#include <string.h>

#include "dump/plot.h"
#include "triggers/units.h"

/* Digits enough to tell what the curve has apart. */
static int digits_of(const struct plot_series *s)
{
	double range = s->max - s->min, most = fmax(fabs(s->max), fabs(s->min));
	int n = 4;

	if (range > 0 && most > range)
		n += (int)log10(most / range);
	return n < 15 ? n : 15;
}

char *plot_value(char buf[48], const struct plot_series *s, double value,
		 size_t width)
{
	const char *per = s->is_counter ? "/s" : "";
	char text[32] = "";

	if (isnan(value)) {
		snprintf(buf, 48, "-");
		return buf;
	}
	if (!strcmp(s->unit, "bytes") && value >= 0 && value < 1e18)
		units_human_size(text, (uint64_t)value);
	else if (!strcmp(s->unit, "ns") && value >= 0 && value < 1e18)
		units_human_time(text, (uint64_t)value);
	if (*text)
		snprintf(buf, 48, "%s%s", text, per);
	else
		snprintf(buf, 48, "%.*g%s%s%s", digits_of(s), value,
			 *s->unit ? " " : "", s->unit, per);
	if (strlen(buf) > width && *text)
		snprintf(buf, 48, "%s", text);
	else if (strlen(buf) > width)
		snprintf(buf, 48, "%.*g", digits_of(s), value);
	/* 1.085432e+08 has more letters than 108543210 */
	if (strlen(buf) > width && fabs(value) >= 1000 && fabs(value) < 1e15)
		snprintf(buf, 48, "%.0f", value);
	if (strlen(buf) > width)
		snprintf(buf, 48, "%.4g", value);
	return buf;
}

void plot_range(const struct plot_series *s, double *ret_low, double *ret_high)
{
	*ret_low = isnan(s->min) ? 0 : s->min;
	*ret_high = isnan(s->max) ? 1 : s->max;
	if (*ret_low > 0 && *ret_low < *ret_high / 2)
		*ret_low = 0; /* from nothing on, unless that hides the rest */
	if (*ret_high - *ret_low <= fabs(*ret_high) * 1e-9) {
		*ret_high += *ret_high ? fabs(*ret_high) / 10 : 1;
		*ret_low -= *ret_low ? fabs(*ret_low) / 10 : 0;
	}
}
