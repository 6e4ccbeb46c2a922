# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    """Documentation/scheduler/sched-stats.rst: fields 7, 8 and 9 of version 15 and later."""
    lines = text("proc/schedstat")
    if not lines or int(lines[0].split()[1]) < 15:
        return
    for line in lines:
        if line.startswith("cpu"):
            cpu, *v = line.split()
            row(f"schedstat.{cpu[3:]}.run_ns", "counter", v[6], "ns")
            row(f"schedstat.{cpu[3:]}.wait_ns", "counter", v[7], "ns")
            row(f"schedstat.{cpu[3:]}.timeslices", "counter", v[8])
