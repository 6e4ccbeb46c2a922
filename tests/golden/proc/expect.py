#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""expect.py ROOT: what the collectors should say about ROOT/proc.

Written from the kernel's documentation of these files, not from the
collectors.  One line per metric: name, kind, scale, unit, stored value.
"""
import os
import re
import sys
from decimal import Decimal

root = sys.argv[1]
rows = []


def text(path):
    try:
        with open(os.path.join(root, "proc", path)) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def row(name, kind, value, unit="-", scale=1):
    rows.append(f"{name} {kind} {scale} {unit} {int(value)}")


CPU = "user nice system idle iowait irq softirq steal guest guest_nice".split()
TOTALS = {"intr": ("interrupts", "counter"), "ctxt": ("context_switches", "counter"),
          "processes": ("forks", "counter"), "procs_running": ("procs_running", "gauge"),
          "procs_blocked": ("procs_blocked", "gauge")}
for line in text("stat"):
    key, *v = line.split()
    m = re.fullmatch(r"cpu(\d*)", key)
    if m:
        for field, x in zip(CPU, v):
            row(f"cpu.{m[1] or 'all'}.{field}", "counter", x, "s", 100)
    elif key in TOTALS:
        row("cpu." + TOTALS[key][0], TOTALS[key][1], v[0])

for line in text("meminfo"):
    m = re.fullmatch(r"(\S+):\s+(\d+)( kB)?", line)
    if m[3]:
        row("meminfo." + m[1], "gauge", int(m[2]) * 1024, "bytes")
    else:
        row("meminfo." + m[1], "gauge", m[2], "pages")

GROW = {"nr_dirtied", "nr_written", "nr_throttled_written", "nr_vmscan_write",
        "nr_vmscan_immediate_reclaim", "nr_foll_pin_acquired", "nr_foll_pin_released"}
for line in text("vmstat"):
    key, v = line.split()
    gauge = key == "workingset_nodes" or (key.startswith("nr_") and key not in GROW)
    if key in ("pgpgin", "pgpgout"): # of 1024 bytes (proc(5))
        row("vmstat." + key, "counter", int(v) * 1024, "bytes")
    else:
        row("vmstat." + key, "gauge" if gauge else "counter", v)

tcp = [line.split() for line in text("net/snmp") if line.startswith("Tcp:")]
if tcp:
    row("net.retransmit", "counter", dict(zip(*tcp))["RetransSegs"])

DISK = [("reads", 1), ("reads_merged", 1), ("read_bytes", 512), ("read_ns", 10**6),
        ("writes", 1), ("writes_merged", 1), ("write_bytes", 512), ("write_ns", 10**6),
        ("in_flight", 1), ("io_ns", 10**6), ("weighted_ns", 10**6),
        ("discards", 1), ("discards_merged", 1), ("discard_bytes", 512), ("discard_ns", 10**6),
        ("flushes", 1), ("flush_ns", 10**6)]
for line in text("diskstats"):
    _, _, dev, *v = line.split()
    if re.match("loop|ram", dev) and not any(map(int, v)):
        continue
    fields = [DISK[i] for i in (0, 2, 4, 6)] if len(v) == 4 else DISK
    for (field, times), x in zip(fields, v):
        unit = {1: "-", 512: "bytes", 10**6: "ns"}[times]
        row(f"diskstats.{dev}.{field}", "gauge" if field == "in_flight" else "counter",
            int(x) * times, unit)

NET = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast",
       "bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"]
for line in text("net/dev")[2:]:
    dev, rest = line.strip().rsplit(":", 1)
    for i, (field, x) in enumerate(zip(NET, rest.split())):
        row(f"net.{dev}.{'rx' if i < 8 else 'tx'}_{field}", "counter", x,
            "bytes" if field == "bytes" else "-")

for line in text("loadavg"):
    one, five, fifteen, threads, _ = line.split()
    for name, x in (("load1", one), ("load5", five), ("load15", fifteen)):
        row("load." + name, "gauge", Decimal(x) * 100, "-", 100)
    row("load.running", "gauge", threads.split("/")[0], "threads")
    row("load.total", "gauge", threads.split("/")[1], "threads")

for what in ("cpu", "io", "memory", "irq"):
    for line in text("pressure/" + what):
        kind, *pairs = line.split()
        for key, x in (p.split("=") for p in pairs):
            if key == "total":
                row(f"pressure.{what}.{kind}_total", "counter", int(x) * 1000, "ns")
            else:
                row(f"pressure.{what}.{kind}_{key}", "gauge", Decimal(x) * 100, "percent", 100)

print("\n".join(sorted(rows)))
