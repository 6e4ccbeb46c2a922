# SPDX-License-Identifier: GPL-2.0-or-later
import re

# Documentation/hwmon/sysfs-interface.rst: unit of the file, and how we call it
UNITS = {"temp": ("celsius", 1000, "gauge"), "fan": ("rpm", 1, "gauge"), "in": ("V", 1000, "gauge"),
         "curr": ("A", 1000, "gauge"), "power": ("uW", 1, "gauge"), "energy": ("uJ", 1, "counter"),
         "humidity": ("percent", 1000, "gauge")}


def expect(text, row, files):
    for path in files("sys/class/hwmon/hwmon*/*"):
        m = re.search(r"hwmon(\d+)/([a-z]+)(\d+)_(input|average)$", path)
        if m and m[2] in UNITS:
            chip = text(f"sys/class/hwmon/hwmon{m[1]}/name")[0].replace(" ", "_")
            unit, scale, kind = UNITS[m[2]]
            row(f"hwmon.{m[1]}.{chip}.{m[2]}{m[3]}", kind, text(path)[0], unit, scale)
    for path in files("sys/class/thermal/thermal_zone*/temp"):
        n = re.search(r"thermal_zone(\d+)", path)[1]
        kind = text(path.replace("/temp", "/type"))[0]
        row(f"thermal.{kind}.{n}", "gauge", text(path)[0], "celsius", 1000)
