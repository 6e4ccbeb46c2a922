#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""processes_witness.py PID - what /proc and ps say of an idle process, as JSON."""
import json
import os
import shutil
import subprocess
import sys

pid = int(sys.argv[1])
base = f"/proc/{pid}/"
stat = open(base + "stat").read()
f = [None, None, None] + stat[stat.rindex(")") + 2:].split()
status = dict(line.split(":\t", 1) for line in open(base + "status").read().splitlines())
tasks = [dict(line.split(":\t", 1) for line in open(f"{base}task/{t}/status").read().splitlines())
         for t in os.listdir(base + "task")]
ps = subprocess.check_output(["ps", "-o", "rss=,nlwp=,uid=", "-p", str(pid)], text=True).split()
print(json.dumps({
    "hz": os.sysconf("SC_CLK_TCK"), "cpus": os.cpu_count(),
    "comm": stat[stat.index("(") + 1:stat.rindex(")")], "state": f[3],
    "ppid": int(f[4]), "minflt": int(f[10]), "majflt": int(f[12]),
    "cpu_ticks": int(f[14]) + int(f[15]), "system_ticks": int(f[15]),
    "threads": int(f[20]), "start_ticks": int(f[22]),
    "uid": int(status["Uid"].split()[0]),
    "rss": int(status["VmRSS"].split()[0]) * 1024, "hwm": int(status["VmHWM"].split()[0]) * 1024,
    "fds": len(os.listdir(base + "fd")),
    "io": {k: int(v) for k, v in (line.split(": ") for line in open(base + "io").read().splitlines())},
    # of the threads there are: those of one that ended are with the process only
    "switches": sum(int(t["voluntary_ctxt_switches"]) for t in tasks),
    "preemptions": sum(int(t["nonvoluntary_ctxt_switches"]) for t in tasks),
    "ps": dict(zip(("rss", "nlwp", "uid"), map(int, ps))),
}))
