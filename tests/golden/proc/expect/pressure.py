# SPDX-License-Identifier: GPL-2.0-or-later
import re
from decimal import Decimal


def expect(text, row, files):
    for what in ("cpu", "io", "memory", "irq"):
        for line in text("proc/pressure/" + what):
            kind, *pairs = line.split()
            for key, x in (p.split("=") for p in pairs):
                if key == "total":
                    row(f"pressure.{what}.{kind}_total", "counter", int(x) * 1000, "ns")
                else:
                    row(f"pressure.{what}.{kind}_{key}", "gauge", Decimal(x) * 100, "percent", 100)
