# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    """Documentation/admin-guide/numastat.rst"""
    for path in files("sys/devices/system/node/node*/numastat"):
        node = re.search(r"node(\d+)/", path)[1]
        for line in text(path):
            key, v = line.split()
            row(f"numa.{node}.{key}", "counter", v, "pages")
    for path in files("sys/devices/system/node/node*/meminfo"):
        for line in text(path):
            node, key, v, kb = re.fullmatch(r"Node (\d+) ([^:]+): +(\d+)( kB)?", line).groups()
            row(f"numa.{node}.{key}", "gauge", int(v) * (1024 if kb else 1), "bytes" if kb else "pages")
