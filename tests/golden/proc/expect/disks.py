# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    DISK = [("reads", 1), ("reads_merged", 1), ("read_bytes", 512), ("read_ns", 10**6),
            ("writes", 1), ("writes_merged", 1), ("write_bytes", 512), ("write_ns", 10**6),
            ("in_flight", 1), ("io_ns", 10**6), ("weighted_ns", 10**6),
            ("discards", 1), ("discards_merged", 1), ("discard_bytes", 512), ("discard_ns", 10**6),
            ("flushes", 1), ("flush_ns", 10**6)]
    for line in text("proc/diskstats"):
        _, _, dev, *v = line.split()
        if re.match("loop|ram", dev) and not any(map(int, v)):
            continue
        fields = [DISK[i] for i in (0, 2, 4, 6)] if len(v) == 4 else DISK
        for (field, times), x in zip(fields, v):
            unit = {1: "-", 512: "bytes", 10**6: "ns"}[times]
            row(f"diskstats.{dev}.{field}", "gauge" if field == "in_flight" else "counter",
                int(x) * times, unit)
