# SPDX-License-Identifier: GPL-2.0-or-later
import os


def expect(text, row, files):
    """slabinfo(5)"""
    lines = [line.split() for line in text("proc/slabinfo")[2:]]
    if not lines:
        return
    page = os.sysconf("SC_PAGESIZE")
    row("slab.bytes", "gauge", sum(int(w[w.index("slabdata") + 2]) * int(w[5]) * page for w in lines), "bytes")
    row("slab.objects", "gauge", sum(int(w[2]) for w in lines))
    row("slab.objects_used", "gauge", sum(int(w[1]) for w in lines))
