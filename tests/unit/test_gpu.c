/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_gpu.c - the gpu collector with a library made here in place of NVML. */
#include "recorder/collector.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[64];

/* Two devices; the second one has no fan and no energy counter, and no library
 * function tells of memory if FEW. */
static const char library[] =
	"static int dev[2], ready;\n"
	"int nvmlInit_v2(void) { ready = 1; return FAIL; }\n"
	"int nvmlShutdown(void) { ready = 0; return 0; }\n"
	"int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return !ready; }\n"
	"int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d)\n"
	"{ *d = &dev[i]; return i > 1; }\n"
	"int nvmlDeviceGetUtilizationRates(void *d, unsigned *u)\n"
	"{ u[0] = d == dev ? 37 : 0; u[1] = 12; return 0; }\n"
	"#ifndef FEW\n"
	"int nvmlDeviceGetMemoryInfo(void *d, unsigned long long *m)\n"
	"{ m[0] = 85899345920ULL; m[1] = 85000000000ULL; m[2] = 899345920; "
	"return 0; }\n"
	"#endif\n"
	"int nvmlDeviceGetTemperature(void *d, int what, unsigned *t)\n"
	"{ *t = 41; return what != 0; }\n"
	"int nvmlDeviceGetPowerUsage(void *d, unsigned *p)\n"
	"{ *p = 68123; return 0; }\n"
	"int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *e)\n"
	"{ *e = 123456789012ULL; return d == dev ? 0 : 3; }\n"
	"int nvmlDeviceGetFanSpeed(void *d, unsigned *p)\n"
	"{ *p = 30; return d == dev ? 0 : 3; }\n"
	"int nvmlDeviceGetClockInfo(void *d, int what, unsigned *mhz)\n"
	"{ *mhz = what == 1 ? 1410 : what == 2 ? 1593 : 1; return 0; }\n";

static void build(const char *flags)
{
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command),
		 "mkdir -p %s/usr/lib && cc -w -shared -fPIC %s -x c -o "
		 "%s/usr/lib/libnvidia-ml.so.1 -",
		 root, flags, root);
	f = popen(command, "w");
	assert_non_null(f);
	fputs(library, f);
	assert_int_equal(pclose(f), 0);
}

static int root_make(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/flightrec-gpu-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int root_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

/* One round, as "name=value unit" lines in the order they came. */
static const char *said(void)
{
	struct collector c = { .ops = collector_find("gpu") };
	struct metric_table *t = metric_table_new();
	static char text[4096];
	struct sample s;
	size_t n = 0;

	sample_init(&s, t);
	assert_int_equal(c.ops->prepare(&c, NULL), 0);
	assert_int_equal(c.ops->open(&c, root), 0);
	sample_begin(&s);
	c.ops->collect(&c, &s);
	sample_end(&s);
	text[0] = 0;
	for (unsigned i = 0; i < s.nr; i++) {
		const struct metric *m = metric_table_get(t, s.values[i].id);

		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%s=%lld %s\n", m->name,
				      (long long)s.values[i].value,
				      m->def->unit);
	}
	assert_int_equal(s.errors, 0);
	c.ops->close(&c);
	sample_free(&s);
	metric_table_free(t);
	return text;
}

static void test_absent(void **state)
{
	(void)state;
	assert_string_equal(said(), "");
}

static void test_two_devices(void **state)
{
	(void)state;
	build("-DFAIL=0");
	assert_string_equal(said(),
			    "gpu.0.busy_percent=37 percent\n"
			    "gpu.0.memory_busy_percent=12 percent\n"
			    "gpu.0.memory_bytes=85899345920 bytes\n"
			    "gpu.0.memory_free_bytes=85000000000 bytes\n"
			    "gpu.0.memory_used_bytes=899345920 bytes\n"
			    "gpu.0.temperature=41 celsius\n"
			    "gpu.0.power=68123000 uW\n"
			    "gpu.0.energy=123456789012000 uJ\n"
			    "gpu.0.fan_percent=30 percent\n"
			    "gpu.0.clock_hz=1410000000 Hz\n"
			    "gpu.0.memory_clock_hz=1593000000 Hz\n"
			    "gpu.1.busy_percent=0 percent\n"
			    "gpu.1.memory_busy_percent=12 percent\n"
			    "gpu.1.memory_bytes=85899345920 bytes\n"
			    "gpu.1.memory_free_bytes=85000000000 bytes\n"
			    "gpu.1.memory_used_bytes=899345920 bytes\n"
			    "gpu.1.temperature=41 celsius\n"
			    "gpu.1.power=68123000 uW\n"
			    "gpu.1.clock_hz=1410000000 Hz\n"
			    "gpu.1.memory_clock_hz=1593000000 Hz\n");
}

/* An old library lacks functions; its driver may not be loaded; it may be no
 * library at all. */
static void test_poor_libraries(void **state)
{
	char command[128];

	(void)state;
	build("-DFAIL=0 -DFEW");
	assert_null(strstr(said(), "memory_bytes"));
	assert_non_null(strstr(said(), "gpu.1.power=68123000"));
	build("-DFAIL=9");
	assert_string_equal(said(), "");
	snprintf(command, sizeof(command),
		 "echo x > %s/usr/lib/libnvidia-ml.so.1", root);
	assert_int_equal(system(command), 0);
	assert_string_equal(said(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_two_devices),
		cmocka_unit_test(test_poor_libraries),
	};

	return cmocka_run_group_tests(tests, root_make, root_remove);
}
