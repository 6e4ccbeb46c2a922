/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpu.c - graphics processors, through the vendor's library NVML.
 *
 * The library is loaded when the collector is opened; without it, or without a
 * device, there are no metrics and no error.  Each function that it lacks costs its
 * metric only.
 */
#include "recorder/collector.h"
#include "recorder/shapes.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define GPU_LIBRARY "libnvidia-ml.so.1"
#define GPU_MAX     64

/* The library's interface, as far as it is used; it never changes under a name. */
typedef void *gpu_device;
struct gpu_use {
	unsigned gpu_percent, memory_percent;
};
struct gpu_memory {
	unsigned long long total, free, used;
};
enum {
	GPU_SUCCESS = 0,
	GPU_TEMPERATURE = 0,
	GPU_CLOCK_SM = 1,
	GPU_CLOCK_MEM = 2
};

struct gpu {
	void *library;
	gpu_device devices[GPU_MAX];
	unsigned nr;
	int (*shutdown)(void);
	int (*use)(gpu_device, struct gpu_use *);
	int (*memory)(gpu_device, struct gpu_memory *);
	int (*temperature)(gpu_device, int, unsigned *);
	int (*power)(gpu_device, unsigned *);
	int (*energy)(gpu_device, unsigned long long *);
	int (*fan)(gpu_device, unsigned *);
	int (*clock)(gpu_device, int, unsigned *);
};

#define GPU_GAUGE(field, unit, factor) SHAPE_GAUGE("gpu.%." field, unit, factor)
static const struct metric_def gpu_busy =
	GPU_GAUGE("busy_percent", "percent", 1);
static const struct metric_def gpu_memory_busy =
	GPU_GAUGE("memory_busy_percent", "percent", 1);
static const struct metric_def gpu_memory_total =
	GPU_GAUGE("memory_bytes", "bytes", 1);
static const struct metric_def gpu_memory_free =
	GPU_GAUGE("memory_free_bytes", "bytes", 1);
static const struct metric_def gpu_memory_used =
	GPU_GAUGE("memory_used_bytes", "bytes", 1);
static const struct metric_def gpu_temperature =
	GPU_GAUGE("temperature", "celsius", 1);
static const struct metric_def gpu_power = GPU_GAUGE("power", "uW", 1000);
static const struct metric_def gpu_energy =
	SHAPE_COUNTER("gpu.%.energy", "uJ", 1000);
static const struct metric_def gpu_fan = GPU_GAUGE("fan_percent", "percent", 1);
static const struct metric_def gpu_clock = GPU_GAUGE("clock_hz", "Hz", 1000000);
static const struct metric_def gpu_memory_clock =
	GPU_GAUGE("memory_clock_hz", "Hz", 1000000);

/* A function's address is an object to dlsym(3). */
static void gpu_find(struct gpu *g, void *function, const char *name)
{
	void *address = dlsym(g->library, name);

	memcpy(function, &address, sizeof(address));
}

static void gpu_functions(struct gpu *g)
{
	gpu_find(g, &g->shutdown, "nvmlShutdown");
	gpu_find(g, &g->use, "nvmlDeviceGetUtilizationRates");
	gpu_find(g, &g->memory, "nvmlDeviceGetMemoryInfo");
	gpu_find(g, &g->temperature, "nvmlDeviceGetTemperature");
	gpu_find(g, &g->power, "nvmlDeviceGetPowerUsage");
	gpu_find(g, &g->energy, "nvmlDeviceGetTotalEnergyConsumption");
	gpu_find(g, &g->fan, "nvmlDeviceGetFanSpeed");
	gpu_find(g, &g->clock, "nvmlDeviceGetClockInfo");
}

static void gpu_devices(struct gpu *g)
{
	int (*init)(void), (*count)(unsigned *);
	int (*device)(unsigned, gpu_device *);
	unsigned nr = 0;

	gpu_find(g, &init, "nvmlInit_v2");
	gpu_find(g, &count, "nvmlDeviceGetCount_v2");
	gpu_find(g, &device, "nvmlDeviceGetHandleByIndex_v2");
	if (!init || !count || !device || init() != GPU_SUCCESS)
		return;
	gpu_functions(g);
	if (count(&nr) != GPU_SUCCESS)
		return;
	for (unsigned i = 0; i < nr && g->nr < GPU_MAX; i++, g->nr++)
		if (device(i, &g->devices[i]) != GPU_SUCCESS)
			break;
}

/* Below a root the library is a file there, and no other is looked for. */
static int gpu_open(struct collector *c, const char *root)
{
	struct gpu *g = calloc(1, sizeof(*g));
	char path[PATH_MAX];

	if (!g)
		return -ENOMEM;
	c->state = g;
	snprintf(path, sizeof(path), "%s%s" GPU_LIBRARY, root,
		 *root ? "/usr/lib/" : "");
	g->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (g->library)
		gpu_devices(g);
	return 0;
}

static void gpu_put(struct sample *s, const struct metric_def *def,
		    const char *inst, unsigned long long value)
{
	if (value <= INT64_MAX)
		sample_put(s, def, inst, strlen(inst), (int64_t)value);
	else
		sample_error(s);
}

static void gpu_memory_put(struct sample *s, const struct gpu *g, gpu_device d,
			   const char *inst)
{
	struct gpu_memory m;

	if (!g->memory || g->memory(d, &m) != GPU_SUCCESS)
		return;
	gpu_put(s, &gpu_memory_total, inst, m.total);
	gpu_put(s, &gpu_memory_free, inst, m.free);
	gpu_put(s, &gpu_memory_used, inst, m.used);
}

/* What a device cannot tell it refuses, and it is absent. */
static void gpu_device_put(struct sample *s, const struct gpu *g, gpu_device d,
			   const char *inst)
{
	unsigned long long energy;
	struct gpu_use u;
	unsigned v;

	if (g->use && g->use(d, &u) == GPU_SUCCESS) {
		gpu_put(s, &gpu_busy, inst, u.gpu_percent);
		gpu_put(s, &gpu_memory_busy, inst, u.memory_percent);
	}
	gpu_memory_put(s, g, d, inst);
	if (g->temperature &&
	    g->temperature(d, GPU_TEMPERATURE, &v) == GPU_SUCCESS)
		gpu_put(s, &gpu_temperature, inst, v);
	if (g->power && g->power(d, &v) == GPU_SUCCESS)
		gpu_put(s, &gpu_power, inst, v);
	if (g->energy && g->energy(d, &energy) == GPU_SUCCESS)
		gpu_put(s, &gpu_energy, inst, energy);
	if (g->fan && g->fan(d, &v) == GPU_SUCCESS)
		gpu_put(s, &gpu_fan, inst, v);
	if (g->clock && g->clock(d, GPU_CLOCK_SM, &v) == GPU_SUCCESS)
		gpu_put(s, &gpu_clock, inst, v);
	if (g->clock && g->clock(d, GPU_CLOCK_MEM, &v) == GPU_SUCCESS)
		gpu_put(s, &gpu_memory_clock, inst, v);
}

static void gpu_collect(struct collector *c, struct sample *s)
{
	const struct gpu *g = c->state;

	s->list = c->list;
	s->source = GPU_LIBRARY;
	for (unsigned i = 0; i < g->nr; i++) {
		char inst[16];

		snprintf(inst, sizeof(inst), "%u", i);
		gpu_device_put(s, g, g->devices[i], inst);
	}
}

static void gpu_close(struct collector *c)
{
	struct gpu *g = c->state;

	if (g && g->shutdown)
		g->shutdown();
	if (g && g->library)
		dlclose(g->library);
	free(g);
	c->state = NULL;
	collector_files_close(c);
}

const struct collector_ops collector_gpu = {
	.name = "gpu",
	.doc = "graphics processors, through the vendor's library NVML",
	.man = "gpu.N.FIELD for device N. Fields: busy_percent, "
	       "memory_busy_percent, memory_bytes, memory_free_bytes, "
	       "memory_used_bytes, temperature, power (microwatts), energy "
	       "(microjoules), fan_percent, clock_hz, memory_clock_hz. The "
	       "library is loaded when the recorder starts; where it is not "
	       "installed there are no values. What a device does not have is "
	       "absent.",
	.from = GPU_LIBRARY,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = gpu_open,
	.collect = gpu_collect,
	.close = gpu_close,
};
