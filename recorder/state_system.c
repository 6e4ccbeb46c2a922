/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder/state_system.h"

#include <dirent.h>
#include <flightrec/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "recorder/scan.h"
#include "recorder/state_text.h"

#define CPUINFO_MAX  (1U << 20)
#define CPUS_MAX     8192
#define ROW_TEXT_MAX 4096

static ssize_t read_text(const char *root, const char *path, char *buf,
			 size_t size)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", root, path);
	return state_text_read(-1, name, buf, size);
}

/* ---- kernel ------------------------------------------------------------------------- */

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" */
static void add_distribution(const char *root, struct facts *f)
{
	char buf[4096];
	const char *at;

	if (read_text(root, "/etc/os-release", buf, sizeof(buf)) <= 0)
		return;
	at = strstr(buf, "PRETTY_NAME=");
	if (!at)
		return;
	at += strlen("PRETTY_NAME=");
	at += *at == '"';
	facts_add(f, "Distribution", "%.*s", (int)strcspn(at, "\"\n"), at);
}

static void add_kernel(const char *root, const char *machine, struct facts *f)
{
	struct utsname u;

	if (uname(&u) == 0) {
		facts_add(f, "System", "%s", u.sysname);
		facts_add(f, "Release", "%s", u.release);
		facts_add(f, "Version", "%s", u.version);
		facts_add(f, "Machine", "%s", u.machine);
	}
	add_distribution(root, f);
	if (machine[0])
		facts_add(f, "Machine ID (hashed)", "%s", machine);
}

/* ---- CPU ------------------------------------------------------------------------------ */

/* The value of the first line "key<tab>: value". */
static bool cpuinfo_value(const char *text, size_t len, const char *key,
			  struct scan *ret)
{
	struct scan s = { text, text + len }, line;

	while (scan_line(&s, &line)) {
		if (!scan_starts(&line, key))
			continue;
		line.p += strlen(key);
		scan_blanks(&line);
		if (!scan_char(&line, ':'))
			continue;
		scan_blanks(&line);
		*ret = line;
		return true;
	}
	return false;
}

static void add_cpu_text(const char *root, struct facts *f)
{
	static const char *const brands[] = { "model name", "Model", "cpu",
					      "CPU implementer" };
	char *buf = malloc(CPUINFO_MAX), max[32];
	ssize_t n;
	struct scan v;

	if (!buf)
		return;
	n = read_text(root, "/proc/cpuinfo", buf, CPUINFO_MAX);
	for (unsigned i = 0; n > 0 && i < 4; i++) {
		if (!cpuinfo_value(buf, (size_t)n, brands[i], &v))
			continue;
		facts_add(f, "CPU Brand", "%.*s", (int)(v.end - v.p), v.p);
		break;
	}
	if (read_text(root,
		      "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
		      max, sizeof(max)) > 0)
		facts_add(f, "CPU Frequency", "%.3f MHz",
			  strtod(max, NULL) / 1000);
	else if (n > 0 && cpuinfo_value(buf, (size_t)n, "cpu MHz", &v))
		facts_add(f, "CPU Frequency", "%.*s MHz", (int)(v.end - v.p),
			  v.p);
	free(buf);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t topology(const char *root, unsigned cpu, const char *what)
{
	char path[128], buf[32];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%u/topology/%s", cpu, what);
	return read_text(root, path, buf, sizeof(buf)) > 0 ?
		       strtoull(buf, NULL, 10) :
		       UINT64_MAX;
}

/* CPUs that are online have a topology; a core is one (package, die, core). */
static void add_cores(const char *root, struct facts *f)
{
	uint64_t *cores = calloc(CPUS_MAX, sizeof(*cores));
	unsigned logical = 0, physical = 0;

	for (unsigned i = 0; cores && i < CPUS_MAX; i++) {
		uint64_t core = topology(root, i, "core_id"), die, package;
		char path[64], buf[8];

		if (core == UINT64_MAX) { /* offline, or not there */
			snprintf(path, sizeof(path),
				 "/sys/devices/system/cpu/cpu%u/online", i);
			if (read_text(root, path, buf, sizeof(buf)) < 0)
				break;
			continue;
		}
		die = topology(root, i, "die_id");
		package = topology(root, i, "physical_package_id");
		cores[logical++] = (package & 0xffff) << 48 |
				   (die & 0xffff) << 32 | (core & 0xffffffff);
	}
	if (cores)
		qsort(cores, logical, sizeof(*cores), by_value);
	for (unsigned i = 0; i < logical; i++)
		physical += !i || cores[i] != cores[i - 1];
	free(cores);
	if (!logical)
		return;
	facts_add(f, "CPU Cores (logical)", "%u", logical);
	facts_add(f, "CPU Cores (physical)", "%u", physical);
}

/* ---- memory ---------------------------------------------------------------------------- */

/* "MemTotal:  16384 kB" as bytes. */
static void add_memory(const char *root, struct facts *f)
{
	static const char *const keys[][2] = {
		{ "MemTotal", "Total Memory" },
		{ "MemAvailable", "Available Memory" },
		{ "SwapTotal", "Total Swap" },
	};
	char buf[8192];
	ssize_t n = read_text(root, "/proc/meminfo", buf, sizeof(buf));
	struct scan v;
	int64_t kib;

	for (unsigned i = 0; n > 0 && i < 3; i++)
		if (cpuinfo_value(buf, (size_t)n, keys[i][0], &v) &&
		    scan_number(&v, &kib))
			facts_add(f, keys[i][1], "%lld", (long long)kib * 1024);
}

void system_collect(const char *root, const char *machine, struct facts *ret)
{
	facts_clear(ret);
	add_kernel(root, machine, ret);
	add_cpu_text(root, ret);
	add_cores(root, ret);
	add_memory(root, ret);
	system_collect_devices(root, ret);
}

/* ---- rows ------------------------------------------------------------------------------- */

static bool is_volatile(const char *key)
{
	return !strcmp(key, "CPU Frequency") ||
	       !strcmp(key, "Available Memory");
}

static uint64_t hash_text(uint64_t h, const char *text)
{
	/* FNV-1a, the NUL included */
	do
		h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
	while (*text++);
	return h;
}

uint64_t system_hash(const struct facts *f)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	const char *key, *value;
	size_t pos = 0;

	while ((key = facts_next(f, &pos, &value)))
		if (!is_volatile(key))
			h = hash_text(hash_text(h, key), value);
	return h;
}

void system_put(const struct facts *f, struct state_out *out, uint64_t round)
{
	struct fr_state_system rec = { .ts = state_now_ns(), .round = round };
	char text[ROW_TEXT_MAX];
	const char *key, *value;
	size_t pos = 0;

	while ((key = facts_next(f, &pos, &value))) {
		int n = snprintf(text, sizeof(text), "%s=%s", key, value);

		if (n >= (int)sizeof(text))
			n = (int)sizeof(text) - 1;
		for (char *c = text; c < text + strlen(key); c++)
			*c = *c == '=' ? '_' : *c;
		state_put(out, FR_T_state_system, &rec, sizeof(rec), text,
			  (size_t)n);
	}
}
