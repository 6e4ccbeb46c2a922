# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    for line in text("proc/swaps")[1:]:
        name, _, size, used, priority = line.split()
        row(f"swap.{name}.size_bytes", "gauge", int(size) * 1024, "bytes")
        row(f"swap.{name}.used_bytes", "gauge", int(used) * 1024, "bytes")
        row(f"swap.{name}.priority", "gauge", priority)
