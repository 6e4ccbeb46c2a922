/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - reads probes.sample, probes.above and probes.cgroups. */
#include "recorder/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "triggers/units.h"

#define ITEM_BYTES 512

/* Records of system calls of the stream fs have four bits for their weight. */
#define FS_EVERY_MAX 32768

static int complain(struct fr_diag *diag, const char *item, const char *what)
{
	snprintf(diag->text, sizeof(diag->text), "'%.80s': %s", item, what);
	return -EINVAL;
}

/* "cache=100" -> stream, and what is behind '='; -1: not of that form. */
static int split(char *item, char **ret_value)
{
	char *eq = strrchr(item, '=');

	if (!eq)
		return -1;
	*eq = '\0';
	*ret_value = eq + 1;
	return config_stream_by_name(item);
}

/* NULL, or what is wrong. */
static const char *take_every(struct fr_policy *p, int stream, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > 1000000)
		return "one in how many? a number from 1 to 1000000";
	if (stream == FR_STREAM_FS && (n & (n - 1) || n > FS_EVERY_MAX))
		return "for fs a power of 2, at most 32768";
	p->every = (uint32_t)n;
	return NULL;
}

static const char *take_above(struct fr_policy *p, const char *text)
{
	uint64_t ns;

	if (units_parse_time(text, &ns))
		return "a time is needed, for example 1ms";
	p->above_ns = ns;
	return NULL;
}

static const char *take_rule(struct fr_policy *p, int stream, const char *text)
{
	if (!strcmp(text, "off")) {
		p->every = 0;
		return NULL;
	}
	if (!strcmp(text, "on")) {
		*p = (struct fr_policy){ .every = 1 };
		return NULL;
	}
	if (!p->every)
		p->every = 1;
	if (text[strspn(text, "0123456789")] == '\0')
		return take_every(p, stream, text);
	return take_above(p, text) ? "write off, on, N (one in N) or a time" :
				     NULL;
}

int policy_take(struct fr_policy all[FR_STREAMS_MAX], const char *setting,
		const char *item, struct fr_diag *diag)
{
	bool sample = !strcmp(setting, "sample");
	const char *wrong;
	char buf[ITEM_BYTES], *value;
	int stream;

	snprintf(buf, sizeof(buf), "%s", item);
	stream = split(buf, &value);
	if (stream < 0)
		return complain(
			diag, item,
			sample ? "write stream=N, for example cache=100" :
				 "write stream=time, for example fs=1ms");
	wrong = sample ? take_every(&all[stream], stream, value) :
			 take_above(&all[stream], value);
	return wrong ? complain(diag, item, wrong) : 0;
}

int policy_take_cgroup(struct fr_policy p[FR_STREAMS_MAX], const char *item,
		       char *ret_path, size_t size, struct fr_diag *diag)
{
	const char *colon = strrchr(item, ':'), *wrong;
	char buf[ITEM_BYTES], *value;
	int stream = -1;

	if (colon && (size_t)(colon - item) < size) {
		snprintf(buf, sizeof(buf), "%s", colon + 1);
		stream = split(buf, &value);
	}
	if (stream < 0)
		return complain(diag, item,
				"write /path:stream=off, =on, =N or =time");
	snprintf(ret_path, size, "%.*s", (int)(colon - item), item);
	wrong = take_rule(&p[stream], stream, value);
	return wrong ? complain(diag, item, wrong) : 0;
}
