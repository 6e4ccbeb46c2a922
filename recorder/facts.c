/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts.c - what a snapshot says of the machine and the recorder. */
#include "recorder/facts.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* ---- the list ---------------------------------------------------------------- */

static int reserve(struct facts *f, size_t more)
{
	size_t size = f->size ? f->size : 4096;
	char *buf;

	while (size < f->len + more)
		size *= 2;
	if (size == f->size)
		return 0;
	buf = realloc(f->buf, size);
	if (!buf)
		return -ENOMEM;
	f->buf = buf;
	f->size = size;
	return 0;
}

void facts_add(struct facts *f, const char *key, const char *fmt, ...)
{
	size_t klen = strlen(key) + 1;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0 || reserve(f, klen + (size_t)n + 1)) {
		f->failed = 1;
	} else {
		memcpy(f->buf + f->len, key, klen);
		vsnprintf(f->buf + f->len + klen, (size_t)n + 1, fmt, again);
		f->len += klen + (size_t)n + 1;
	}
	va_end(again);
	va_end(ap);
}

const char *facts_next(const struct facts *f, size_t *pos,
		       const char **ret_value)
{
	const char *key = f->buf + *pos;

	if (*pos >= f->len)
		return NULL;
	*ret_value = key + strlen(key) + 1;
	*pos = (size_t)(*ret_value + strlen(*ret_value) + 1 - f->buf);
	return key;
}

void facts_clear(struct facts *f)
{
	f->len = 0;
	f->failed = 0;
}

void facts_free(struct facts *f)
{
	free(f->buf);
	memset(f, 0, sizeof(*f));
}

/* ---- the machine --------------------------------------------------------------- */

/* First line of a small file, "" if it cannot be read. */
static void read_line(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* crypt(5)'s SHA-256 scheme: one-way, and slow enough that trying ids is dear.
 * Its text carries six bits per character; eleven of them are 64 bits. */
void facts_hash_machine(const char *id, char ret[17])
{
	static const char digits[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char setting[] = "$5$flightrec.host";
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *text, *dollar;
	uint64_t v = 0;

	ret[0] = '\0';
	if (!data)
		return;
	text = crypt_r(id, setting, data);
	dollar = text && text[0] == '$' ? strrchr(text, '$') : NULL;
	if (dollar && strlen(dollar) > 11) {
		for (int i = 1; i <= 11; i++) {
			const char *d = strchr(digits, dollar[i]);

			v = v << 6 | (d ? (uint64_t)(d - digits) : 0);
		}
		snprintf(ret, 17, "%016llx", (unsigned long long)v);
	}
	free(data);
}

static void add_time_zone(struct facts *f)
{
	char link[256];
	const char *tz = getenv("TZ"), *name;
	ssize_t n = readlink("/etc/localtime", link, sizeof(link) - 1);
	time_t now = time(NULL);
	struct tm tm;

	link[n > 0 ? n : 0] = '\0';
	name = strstr(link, "zoneinfo/");
	if (!tz || !*tz)
		tz = name ? name + strlen("zoneinfo/") : "UTC";
	facts_add(f, "host.tz", "%s", tz);
	localtime_r(&now, &tm);
	facts_add(f, "host.utc_offset_s", "%ld", (long)tm.tm_gmtoff);
}

void facts_add_host(struct facts *f)
{
	char id[128], hash[17] = "", boot[64];
	struct utsname u;

	read_line("/etc/machine-id", id, sizeof(id));
	read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	if (id[0])
		facts_hash_machine(id, hash);
	if (uname(&u) == 0) {
		facts_add(f, "host.name", "%s", u.nodename);
		facts_add(f, "host.kernel", "%s", u.release);
		facts_add(f, "host.kernel_version", "%s", u.version);
		facts_add(f, "host.arch", "%s", u.machine);
	}
	facts_add(f, "host.machine_id", "%s", hash);
	facts_add(f, "host.boot_id", "%s", boot);
	facts_add(f, "host.cpus", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	facts_add(f, "host.page_size", "%ld", sysconf(_SC_PAGESIZE));
	add_time_zone(f);
	facts_add(f, "recorder.version", "%s", FLIGHTREC_VERSION);
	facts_add(f, "recorder.pid", "%d", (int)getpid());
	facts_add_enums(f);
}

void facts_add_devices(struct facts *f)
{
	FILE *in = fopen("/proc/partitions", "re");
	unsigned major, minor;
	char line[256], name[64], key[48];

	while (in && fgets(line, sizeof(line), in)) {
		/* "major minor  #blocks  name": the first two lines differ */
		if (sscanf(line, "%u %u %*u %63s", &major, &minor, name) != 3)
			continue;
		snprintf(key, sizeof(key), "device.%u:%u", major, minor);
		facts_add(f, key, "%s", name);
	}
	if (in)
		fclose(in);
}

void facts_add_config(struct facts *f, const struct fr_config *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		f->failed = 1;
		return;
	}
	config_print(c, out);
	fclose(out);
	facts_add(f, "recorder.config", "%s", text ? text : "");
	free(text);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The other clock is read between two readings of CLOCK_MONOTONIC; of a few
 * tries the one counts that took least time. */
static int64_t clock_offset(clockid_t id)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < 5; i++) {
		int64_t a = clock_ns(CLOCK_MONOTONIC);
		int64_t other = clock_ns(id);
		int64_t b = clock_ns(CLOCK_MONOTONIC);

		if (b - a < best) {
			best = b - a;
			offset = other - (a + (b - a) / 2);
		}
	}
	return offset;
}

void facts_add_clocks(struct facts *f)
{
	facts_add(f, "clock.mono_to_real_ns", "%lld",
		  (long long)clock_offset(CLOCK_REALTIME));
	facts_add(f, "clock.boot_to_mono_ns", "%lld",
		  (long long)-clock_offset(CLOCK_BOOTTIME));
	facts_add(f, "clock.created_ns", "%lld",
		  (long long)clock_ns(CLOCK_MONOTONIC));
}

/* ---- probes -------------------------------------------------------------------- */

char *facts_format_probe(const struct probe_report *r, char *buf, size_t size)
{
	size_t n;

	snprintf(buf, size, "mechanism=%s attached=%s",
		 r->mechanism ? r->mechanism : "none",
		 r->attached ? "yes" : "no");
	n = strlen(buf);
	if (!r->attached)
		snprintf(buf + n, size - n, " why=%s",
			 r->why ? r->why : "unknown");
#define FR_COUNTER(name, scope, doc) FR_COUNTER_##scope(name)
#define FR_COUNTER_PROBE(name)                         \
	n = strlen(buf);                               \
	snprintf(buf + n, size - n, " " #name "=%llu", \
		 (unsigned long long)r->counts.name);
#define FR_COUNTER_SELF(name)
#include <flightrec/counters.def>
#undef FR_COUNTER
#undef FR_COUNTER_PROBE
#undef FR_COUNTER_SELF
	n = strlen(buf);
	snprintf(buf + n, size - n, " misses=%llu run_ns=%llu run_count=%llu",
		 (unsigned long long)r->misses, (unsigned long long)r->run_ns,
		 (unsigned long long)r->run_count);
	return buf;
}

static void add_probe(void *arg, const struct probe_report *r)
{
	char key[96], line[1024];

	snprintf(key, sizeof(key), "probe.%s.%s", r->stream, r->name);
	facts_add(arg, key, "%s", facts_format_probe(r, line, sizeof(line)));
}

void facts_add_probes(struct facts *f, struct probes *p)
{
	if (p)
		probes_report(p, add_probe, f);
}
