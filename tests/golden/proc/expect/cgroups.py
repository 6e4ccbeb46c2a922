# SPDX-License-Identifier: GPL-2.0-or-later
"""From Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/."""
import os
import sys

ROOT = sys.argv[1]
HZ = os.sysconf("SC_CLK_TCK")
V2 = {
    "cpu.stat": {"usage_usec": ("cpu_ns", 1000), "user_usec": ("user_ns", 1000),
                 "system_usec": ("system_ns", 1000), "nr_throttled": ("throttles", 1),
                 "throttled_usec": ("throttled_ns", 1000)},
    "memory.stat": {"anon": ("anon_bytes", 1), "file": ("file_bytes", 1), "shmem": ("shmem_bytes", 1),
                    "kernel": ("kernel_bytes", 1), "file_dirty": ("dirty_bytes", 1),
                    "pgfault": ("minor_faults", 1), "pgmajfault": ("major_faults", 1)},
    "memory.events": {"high": ("high_events", 1), "max": ("limit_events", 1), "oom_kill": ("oom_kills", 1)},
}
V1 = {
    "cpuacct.stat": {"user": ("user_ns", 10**9 // HZ), "system": ("system_ns", 10**9 // HZ)},
    "cpu.stat": {"nr_throttled": ("throttles", 1), "throttled_time": ("throttled_ns", 1)},
    "memory.stat": {"total_rss": ("anon_bytes", 1), "total_cache": ("file_bytes", 1),
                    "total_shmem": ("shmem_bytes", 1), "total_dirty": ("dirty_bytes", 1),
                    "total_swap": ("swap_bytes", 1), "total_pgfault": ("minor_faults", 1),
                    "total_pgmajfault": ("major_faults", 1)},
    "memory.oom_control": {"oom_kill": ("oom_kills", 1)},
}
ONE_V2 = {"memory.current": "memory_bytes", "memory.peak": "memory_max_bytes",
          "memory.swap.current": "swap_bytes", "pids.current": "pids"}
ONE_V1 = {"cpuacct.usage": "cpu_ns", "memory.usage_in_bytes": "memory_bytes",
          "memory.max_usage_in_bytes": "memory_max_bytes", "memory.failcnt": "limit_events",
          "memory.kmem.usage_in_bytes": "kernel_bytes", "pids.current": "pids"}


def expect(text, row, files):
    groups = {}  # path -> {"id", "version", fields}
    mounts = [line.split() for line in text("proc/self/mounts")]
    order = [m[1] for m in mounts if m[2] == "cgroup2"]
    for controller in "cpuacct", "cpu", "memory", "blkio", "pids":
        order += [m[1] for m in mounts if m[2] == "cgroup" and controller in m[3].split(",")
                  and m[1] not in order]
    for at in order:
        version = 2 if [m for m in mounts if m[1] == at][0][2] == "cgroup2" else 1
        for folder, _, names in os.walk(ROOT + at):
            path = folder[len(ROOT + at):] or "/"
            g = groups.setdefault(path, {"id": os.stat(folder).st_ino, "version": version})
            for name in names:
                take(g, name, text(os.path.relpath(os.path.join(folder, name), ROOT)), version)
    for path, g in groups.items():
        key = g.pop("id")
        # a folder with none of the files: not one of the kernel's
        if set(g) == {"version"}:
            continue
        row(f"cgroups.{key}.cgroup_path={path}", "row", 0)
        row(f"cgroups.{key}.ended", "row", 0)
        for field, value in g.items():
            row(f"cgroups.{key}.{field}", "row", value)
    if mounts:
        row("cgroups.total", "gauge", len(groups))
        row("cgroups.left_out", "gauge", 0)


def take(g, name, lines, version):
    keys = (V2 if version == 2 else V1).get(name)
    one = (ONE_V2 if version == 2 else ONE_V1).get(name)
    if keys:
        for line in lines:
            key, value = line.split()
            if key in keys:
                field, times = keys[key]
                g[field] = int(value) * times
    elif one:
        g[one] = int(lines[0])
    elif version == 2 and name == "io.stat":
        pairs = [w.split("=") for line in lines for w in line.split()[1:]]
        for field, key in (("read_bytes", "rbytes"), ("write_bytes", "wbytes"),
                           ("reads", "rios"), ("writes", "wios")):
            g[field] = sum(int(v) for k, v in pairs if k == key)
    elif version == 2 and name.endswith(".pressure"):
        for line in lines:
            what = name.split(".")[0] + "_" + line.split()[0] + "_ns"
            if what != "cpu_full_ns":
                g[what] = int(line.rsplit("=", 1)[1]) * 1000
    elif version == 1 and name.startswith("blkio.throttle.io_service"):
        rows = [line.split() for line in lines if line.count(" ") == 2]
        for field, word in (("read", "Read"), ("write", "Write")):
            field += "_bytes" if "bytes" in name else "s"
            g[field] = sum(int(r[2]) for r in rows if r[1] == word)
