# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import re


def plain(name):
    return re.sub(r"[^!-~]", "_", name)[:99]


def expect(text, row, files):
    """proc_cpuinfo(5), proc_stat(5), os-release(5)"""
    cpus = [dict(re.split(r"\s*:\s*", line, maxsplit=1) for line in block.splitlines())
            for block in "\n".join(text("proc/cpuinfo")).split("\n\n") if block.startswith("processor")]
    if cpus:
        row("machine.cpus", "gauge", len(cpus))
        cores = {(c["physical id"], c["core id"]) for c in cpus if "core id" in c}
        if cores:
            row("machine.cores", "gauge", len(cores))
            row("machine.sockets", "gauge", len({s for s, _ in cores}))
        khz = [int(c["cpu MHz"].replace(".", "")) for c in cpus if "cpu MHz" in c]
        if khz:
            row("machine.hz", "gauge", sum(khz) // len(khz) * 1000, "Hz")
        for model, n in collections.Counter(c["model name"] for c in cpus if "model name" in c).items():
            row("machine.cpu." + plain(model), "gauge", n)
    for release in text("proc/sys/kernel/osrelease"):
        row("machine.kernel." + plain(release), "gauge", 1)
    for line in text("etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            row("machine.os." + plain(line[12:].strip("\"'")), "gauge", 1)
    for line in text("proc/stat"):
        if line.startswith("btime "):
            row("machine.boot_s", "gauge", line.split()[1], "s")
