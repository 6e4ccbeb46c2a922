/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe_policy.c - which records are kept: probes.sample, probes.above and
 * probes.cgroups, for bpf/policy.bpf.h.
 */
#include "recorder/probe_internal.h"

#include "dump/schema.h"
#include "recorder/config_internal.h"
#include "triggers/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* As policy_cgroup's value. */
struct cgroup_policy {
	struct fr_policy p[FR_STREAMS_MAX];
};
#define CGROUP_RULES_MAX 256

/* "cache=100" -> stream and what is behind '='; -1: not of that form. */
static int split(char *item, char **ret_value)
{
	char *eq = strrchr(item, '=');

	if (!eq)
		return -1;
	*eq = '\0';
	*ret_value = eq + 1;
	return config_stream_by_name(item);
}

static bool weight_has_four_bits(int stream)
{
	return stream == FR_STREAM_FS;
}

static int set_every(struct fr_policy *p, int stream, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n < 1 || n > 1000000)
		return -EINVAL;
	if (weight_has_four_bits(stream) && (n & (n - 1) || n > 32768))
		return -EDOM;
	p->every = (uint32_t)n;
	return 0;
}

static int set_rule(struct fr_policy *p, int stream, const char *text)
{
	uint64_t ns;

	if (!strcmp(text, "off")) {
		p->every = 0;
	} else if (!strcmp(text, "on")) {
		p->every = 1;
		p->above_ns = 0;
	} else if (text[strspn(text, "0123456789")] == '\0') {
		return set_every(p, stream, text);
	} else if (units_parse_time(text, &ns) == 0) {
		p->above_ns = ns;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int complain(struct fr_diag *diag, const char *setting, const char *item,
		    int err)
{
	snprintf(diag->text, sizeof(diag->text), "probes.%s: '%.80s': %s",
		 setting, item,
		 err == -EDOM ?
			 "for fs, one in N with N a power of 2, at most 32768" :
		 err == -ENOENT ? "there is no such cgroup below /sys/fs/cgroup" :
		 err == -E2BIG	? "too many cgroups" :
		 !strcmp(setting, "sample") ?
				  "write stream=N, for example cache=100" :
		 !strcmp(setting, "above") ?
				  "write stream=time, for example fs=1ms" :
				  "write /path:stream=off, on, N or a time");
	return -EINVAL;
}

static int set_list(struct probes *p, const char *setting, const char *list,
		    struct fr_diag *diag)
{
	char item[128], whole[128], *value;

	while (config_next_item(&list, item, sizeof(item))) {
		uint64_t above_ns = 0;
		int stream, err;

		memcpy(whole, item, sizeof(whole));
		stream = split(item, &value);
		if (stream < 0)
			return complain(diag, setting, whole, -EINVAL);
		if (!strcmp(setting, "sample"))
			err = set_every(&p->cfg.policy[stream], stream, value);
		else
			err = units_parse_time(value, &above_ns);
		if (above_ns)
			p->cfg.policy[stream].above_ns = above_ns;
		if (err)
			return complain(diag, setting, whole, err);
	}
	return 0;
}

int probe_policy_set(struct probes *p, struct fr_diag *diag)
{
	int err;

	for (unsigned i = 0; i < FR_STREAMS_MAX; i++)
		p->cfg.policy[i] = (struct fr_policy){ .every = 1 };
	err = set_list(p, "sample", p->config->probes_sample, diag);
	if (!err)
		err = set_list(p, "above", p->config->probes_above, diag);
	p->cfg.cgroup_rules = p->config->probes_cgroups[0] != '\0';
	return err;
}

/* ---- cgroups ------------------------------------------------------------------ */
/* The id of a cgroup v2 folder, 0: none. */
static uint64_t cgroup_id(const char *path)
{
	static const char *const mounts[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };
	char full[4096];
	struct stat st;

	for (unsigned i = 0; i < 2; i++) {
		snprintf(full, sizeof(full), "%s/%s", mounts[i],
			 path + strspn(path, "/"));
		if (!stat(full, &st))
			return st.st_ino;
	}
	return 0;
}

/* "/a/b:cache=off": the cgroup's other streams keep what holds for all. */
static int cgroup_rule(struct probes *p, int map, char *item)
{
	char *colon = strrchr(item, ':'), *value;
	struct cgroup_policy c;
	uint64_t id;
	int stream, err;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	stream = split(colon + 1, &value);
	if (stream < 0)
		return -EINVAL;
	id = cgroup_id(item);
	if (!id)
		return -ENOENT;
	if (bpf_map_lookup_elem(map, &id, &c))
		memcpy(c.p, p->cfg.policy, sizeof(c.p));
	err = set_rule(&c.p[stream], stream, value);
	if (err)
		return err;
	return bpf_map_update_elem(map, &id, &c, BPF_ANY) ? -E2BIG : 0;
}

int probe_policy_cgroups(struct probes *p, struct fr_diag *diag)
{
	const struct probe_map *m = probe_map(p, "policy_cgroup");
	const char *list = p->config->probes_cgroups;
	char item[CONFIG_TEXT_MAX], whole[CONFIG_TEXT_MAX];

	while (config_next_item(&list, item, sizeof(item))) {
		int err;

		memcpy(whole, item, sizeof(whole));
		err = m ? cgroup_rule(p, m->fd, item) : 0;
		if (err)
			return complain(diag, "cgroups", whole, err);
	}
	return 0;
}
