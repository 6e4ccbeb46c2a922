# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    CPU = "user nice system idle iowait irq softirq steal guest guest_nice".split()
    TOTALS = {"intr": ("interrupts", "counter"), "ctxt": ("context_switches", "counter"),
              "processes": ("forks", "counter"), "procs_running": ("procs_running", "gauge"),
              "procs_blocked": ("procs_blocked", "gauge")}
    for line in text("proc/stat"):
        key, *v = line.split()
        m = re.fullmatch(r"cpu(\d*)", key)
        if m:
            for field, x in zip(CPU, v):
                row(f"cpu.{m[1] or 'all'}.{field}", "counter", x, "s", 100)
        elif key in TOTALS:
            row("cpu." + TOTALS[key][0], TOTALS[key][1], v[0])
