# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
from collections import defaultdict


def expect(text, row, files):
    """proc(5): pid_stat; kernel threads are kthreadd (2) and its children."""
    found = defaultdict(lambda: [0, 0, 0])
    for path in files("proc/[0-9]*/stat"):
        one = "\n".join(text(path))
        pid, comm, rest = re.match(r"(?s)(\d+) \((.*)\) (.*)$", one).groups()
        rest = rest.split()
        if pid == "2" or rest[1] == "2":
            continue
        name = re.sub(r"[^!-~]", "_", comm[:15])
        found[name][0] += 1
        found[name][1] += (int(rest[11]) + int(rest[12])) * 10**9 // os.sysconf("SC_CLK_TCK")
        found[name][2] += int(rest[21]) * os.sysconf("SC_PAGE_SIZE")
    for name, (processes, cpu_ns, rss) in found.items():
        row(f"programs.{name}.processes", "gauge", processes)
        row(f"programs.{name}.cpu_ns", "counter", cpu_ns, "ns")
        row(f"programs.{name}.rss_bytes", "gauge", rss, "bytes")
