# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    """proc(5), and show_interrupts() of kernel/irq/proc.c for the columns after the counts."""
    lines = text("proc/interrupts")
    cpus = len(lines[0].split()) if lines else 0
    for line in lines[1:]:
        key, rest = line.split(":", 1)
        key = key.strip()
        words = rest.split()
        counts = words[:cpus] if len(words) > 1 else words[:1]
        # controller, its number, kind; two blanks or more before the drivers
        m = re.search(r"\S {2,}([^ ,]*)[^ ]*(?: \S+)*$", rest) if len(words) > cpus + 1 else None
        driver = m[1] if m else ""
        name = f"{key}.{driver}" if key.isdigit() and driver else key
        row("interrupts." + name, "counter", sum(map(int, counts)))
