# SPDX-License-Identifier: GPL-2.0-or-later
import re

MEMORY = [("orig_data_bytes", "bytes", "gauge"), ("compr_data_bytes", "bytes", "gauge"),
          ("mem_used_bytes", "bytes", "gauge"), ("mem_limit_bytes", "bytes", "gauge"),
          ("mem_used_max_bytes", "bytes", "gauge"), ("same_pages", "pages", "gauge"),
          ("pages_compacted", "pages", "counter"), ("huge_pages", "pages", "gauge"),
          ("huge_pages_since", "pages", "counter")]
IO = ["failed_reads", "failed_writes", "invalid_io", "notify_free"]


def expect(text, row, files):
    """Documentation/admin-guide/blockdev/zram.rst"""
    for path in files("sys/block/zram*"):
        n = re.search(r"zram(\d+)", path)[1]
        for (name, unit, kind), x in zip(MEMORY, text(path + "/mm_stat")[0].split()):
            row(f"zram.{n}.{name}", kind, x, unit)
        for name, x in zip(IO, text(path + "/io_stat")[0].split()):
            row(f"zram.{n}.{name}", "counter", x)
