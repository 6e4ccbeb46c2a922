# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    for line in text("proc/softirqs")[1:]:
        kind, counts = line.split(":")
        row("softirqs." + kind.strip(), "counter", sum(map(int, counts.split())))
