# SPDX-License-Identifier: GPL-2.0-or-later
from decimal import Decimal


def expect(text, row, files):
    for line in text("proc/loadavg"):
        one, five, fifteen, threads, _ = line.split()
        for name, x in (("load1", one), ("load5", five), ("load15", fifteen)):
            row("load." + name, "gauge", Decimal(x) * 100, "-", 100)
        row("load.running", "gauge", threads.split("/")[0], "threads")
        row("load.total", "gauge", threads.split("/")[1], "threads")
