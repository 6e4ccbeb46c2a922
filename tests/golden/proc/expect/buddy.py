# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re


def expect(text, row, files):
    for line in text("proc/buddyinfo"):
        node, zone, numbers = re.fullmatch(r"Node (\d+), zone +(\w+) (.*)", line).groups()
        free = [int(x) for x in numbers.split()]
        for order, v in enumerate(free):
            row(f"buddy.{node}.{zone}.{order}", "gauge", v)
        row(f"buddy.{node}.{zone}.free_bytes", "gauge",
            sum(v << order for order, v in enumerate(free)) * os.sysconf("SC_PAGESIZE"), "bytes")
