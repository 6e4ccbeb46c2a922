# SPDX-License-Identifier: GPL-2.0-or-later
"""From proc(5) and Documentation/filesystems/proc.rst."""
import os
import re

HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def expect(text, row, files):
    states, threads = [], 0
    if files("proc"):
        pids = [int(f.split("/")[1]) for f in files("proc/[0-9]*/stat")]
    else:
        return
    for pid in pids:
        def put(field, value):
            row(f"processes.{pid}.{field}", "row", value)

        one = "\n".join(text(f"proc/{pid}/stat"))
        comm = one[one.index("(") + 1:one.rindex(")")]
        # proc(5) counts from 1, and the third is behind the bracket
        f = [None, None, None] + one[one.rindex(")") + 2:].split()
        status = dict(l.split(":", 1) for l in text(f"proc/{pid}/status"))
        io = dict(l.split(": ") for l in text(f"proc/{pid}/io"))
        states.append(f[3])
        threads += int(f[20])
        row(f"processes.{pid}.comm={comm[:15]}", "row", 0)
        put("state", ord(f[3]))
        put("ppid", f[4])
        put("minor_faults", f[10])
        put("major_faults", f[12])
        put("cpu_ns", (int(f[14]) + int(f[15])) * 10**9 // HZ)
        put("system_ns", int(f[15]) * 10**9 // HZ)
        put("threads", f[20])
        put("start", int(f[22]) * 10**9 // HZ)
        put("rss_bytes", int(f[24]) * PAGE)
        peak = int(re.sub(r"\D", "", status.get("VmHWM", "0"))) * 1024
        put("rss_max_bytes", max(peak, int(f[24]) * PAGE))
        put("swap_bytes", int(re.sub(r"\D", "", status.get("VmSwap", "0"))) * 1024)
        put("uid", status["Uid"].split()[0])
        put("switches", status["voluntary_ctxt_switches"])
        put("preemptions", status["nonvoluntary_ctxt_switches"])
        for ours, theirs in (("read_chars", "rchar"), ("write_chars", "wchar"),
                             ("read_bytes", "read_bytes"), ("write_bytes", "write_bytes")):
            if io:
                put(ours, io[theirs])
        if files(f"proc/{pid}/fd"):
            put("fds", len(files(f"proc/{pid}/fd/*")))
        put("ended", 0)
        for line in text(f"proc/{pid}/cgroup"):
            number, _, path = line.split(":", 2)
            inode = inode_of(files, "sys/fs/cgroup" + path) if number == "0" else None
            if inode:
                put("cgroup", inode)
    row("processes.total", "gauge", len(pids))
    row("processes.threads", "gauge", threads)
    for name, letter in (("running", "R"), ("blocked", "D"), ("zombies", "Z")):
        row(f"processes.{name}", "gauge", states.count(letter))


def inode_of(files, path):
    return files(path) and os.stat(os.path.join(ROOT, path)).st_ino


import sys  # noqa: E402

ROOT = sys.argv[1]
