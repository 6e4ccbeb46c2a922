/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwmon.c - temperatures, fans, voltages, currents, power. */
#include "recorder/collector.h"
#include "recorder/scan.h"
#include "recorder/shapes.h"

/* Documentation/hwmon/sysfs-interface.rst has units and names. */
static const struct {
	const char *kind;
	struct metric_def def;
} hwmon_kinds[] = {
	{ "temp", { "hwmon.%", "celsius", METRIC_GAUGE, 1000, 1 } },
	{ "fan", { "hwmon.%", "rpm", METRIC_GAUGE, 1, 1 } },
	{ "in", { "hwmon.%", "V", METRIC_GAUGE, 1000, 1 } },
	{ "curr", { "hwmon.%", "A", METRIC_GAUGE, 1000, 1 } },
	{ "power", { "hwmon.%", "uW", METRIC_GAUGE, 1, 1 } },
	{ "energy", { "hwmon.%", "uJ", METRIC_COUNTER, 1, 1 } },
	{ "humidity", { "hwmon.%", "percent", METRIC_GAUGE, 1000, 1 } },
	{ "freq", { "hwmon.%", "Hz", METRIC_GAUGE, 1, 1 } },
};
static const struct metric_def hwmon_zone = { "thermal.%", "celsius",
					      METRIC_GAUGE, 1000, 1 };

/* "0.coretemp.temp1": the kind, then digits, at the end. */
static bool hwmon_is(const char *inst, const char *kind)
{
	const char *dot = strrchr(inst, '.');
	const char *last = dot ? dot + 1 : inst;
	size_t n = strlen(kind);

	return strncmp(last, kind, n) == 0 && last[n] &&
	       last[n + strspn(last + n, "0123456789")] == 0;
}

/* What is not in the table is passed over: intrusion, say. */
static void hwmon_parse(struct sample *s, const char *inst, const char *buf,
			size_t len)
{
	unsigned nr = sizeof(hwmon_kinds) / sizeof(*hwmon_kinds);

	for (unsigned i = 0; i < nr; i++)
		if (hwmon_is(inst, hwmon_kinds[i].kind))
			shape_put_number(s, &hwmon_kinds[i].def, inst, buf,
					 len);
}

static void hwmon_zone_parse(struct sample *s, const char *inst,
			     const char *buf, size_t len)
{
	shape_put_number(s, &hwmon_zone, inst, buf, len);
}

static const struct collector_source hwmon_sources[] = {
	{ .path = "/sys/class/hwmon/hwmon*/*_input",
	  .label = "name",
	  .parse = hwmon_parse,
	  .max = 64 },
	{ .path = "/sys/class/hwmon/hwmon*/*_average",
	  .label = "name",
	  .parse = hwmon_parse,
	  .max = 64 },
	{ .path = "/sys/class/thermal/thermal_zone*/temp",
	  .label = "type",
	  .parse = hwmon_zone_parse,
	  .max = 64 },
	{ 0 }
};

const struct collector_ops collector_hwmon = {
	.name = "hwmon",
	.doc = "temperatures, fans, voltages, currents, power",
	.man = "hwmon.N.CHIP.SENSOR: hwmon.0.coretemp.temp1 and "
	       "thermal.TYPE.N. temp in degrees Celsius, in (volts), curr "
	       "(amperes) and humidity (percent) are stored times 1000; fan "
	       "turns a minute; power is in microwatts, energy in microjoules. "
	       "A sensor that cannot be read now (asleep, not wired) has no "
	       "value and is no error. Some sensors are slow to read: off "
	       "unless asked for.",
	.sources = hwmon_sources,
	.changes_only = true,
	.prepare = collector_files_prepare,
	.open = collector_files_open,
	.collect = collector_files_collect,
	.close = collector_files_close,
};
