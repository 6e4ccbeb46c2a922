/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collector_spec.c - "disks@fast:vd*+nvme*". */
#include "recorder/collector_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "triggers/units.h"

/* ${len} bytes of ${text} into buf; false: too long or nothing. */
static bool copy_part(char *buf, size_t size, const char *text, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return true;
}

static bool parse_rate(const char *text, struct collector_spec *s)
{
	static const char *const words[] = {
		[RATE_FAST] = "fast",
		[RATE_BASE] = "base",
		[RATE_SLOW] = "slow",
	};

	for (unsigned i = RATE_FAST; i <= RATE_SLOW; i++)
		if (!strcmp(text, words[i])) {
			s->rate = (enum collector_rate)i;
			return true;
		}
	s->rate = RATE_TIME;
	return units_parse_time(text, &s->period_ns) == 0 &&
	       s->period_ns >= 1000000;
}

static bool parse_list(const char *text, struct collector_spec *s)
{
	if (!copy_part(s->list, sizeof(s->list), text, strlen(text)))
		return false;
	for (char *c = s->list; *c; c++)
		if (*c == '+')
			*c = ' ';
	return true;
}

int collector_spec_parse(const char *item, struct collector_spec *ret,
			 const char **ret_what)
{
	size_t name = strcspn(item, "@:"), rate = 0;
	const char *at = item + name;
	char text[32];

	*ret = (struct collector_spec){ .rate = RATE_OWN };
	*ret_what = "that is no name of a collector";
	if (!copy_part(ret->name, sizeof(ret->name), item, name))
		return -EINVAL;
	if (*at == '@') {
		rate = strcspn(at + 1, ":");
		*ret_what = "behind @ comes fast, base, slow, or a time of at "
			    "least 1ms";
		if (!copy_part(text, sizeof(text), at + 1, rate) ||
		    !parse_rate(text, ret))
			return -EINVAL;
		at += 1 + rate;
	}
	*ret_what = "behind : come names with * and ?, joined by +";
	if (*at == ':' && !parse_list(at + 1, ret))
		return -EINVAL;
	return 0;
}
