# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    """random(4)"""
    for file, name in (("entropy_avail", "available"), ("poolsize", "pool")):
        for line in text("proc/sys/kernel/random/" + file):
            row("entropy." + name, "gauge", line, "bits")
