# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    """md(4), Documentation/admin-guide/md.rst"""
    for part in re.split(r"\n(?=md)", "\n".join(text("proc/mdstat")))[1:]:
        name = part.split()[0]
        row(f"md.{name}.active", "gauge", " : active " in part)
        members = part.split("\n")[0]
        row(f"md.{name}.failed", "gauge", members.count("(F)"))
        row(f"md.{name}.spares", "gauge", members.count("(S)"))
        m = re.search(r"(\d+) blocks.*", part)
        row(f"md.{name}.size_bytes", "gauge", int(m[1]) * 1024, "bytes")
        n = re.search(r"\[(\d+)/(\d+)\]", m[0])
        if n:
            row(f"md.{name}.disks", "gauge", n[1])
            row(f"md.{name}.disks_up", "gauge", n[2])
    for path in files("sys/block/*/md/*"):
        name, file = path.split("/")[2], path.split("/")[4]
        value = text(path)[0]
        if file == "degraded":
            row(f"md.{name}.degraded", "gauge", value)
        elif file == "mismatch_cnt":
            row(f"md.{name}.mismatch_bytes", "gauge", int(value) * 512, "bytes")
        elif value != "none":
            done, total = (int(x) * 512 for x in value.split(" / "))
            row(f"md.{name}.sync_done_bytes", "gauge", done, "bytes")
            row(f"md.{name}.sync_total_bytes", "gauge", total, "bytes")
