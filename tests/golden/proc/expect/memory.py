# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    for line in text("proc/meminfo"):
        m = re.fullmatch(r"(\S+):\s+(\d+)( kB)?", line)
        if m[3]:
            row("meminfo." + m[1], "gauge", int(m[2]) * 1024, "bytes")
        else:
            row("meminfo." + m[1], "gauge", m[2], "pages")
