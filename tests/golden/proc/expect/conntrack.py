# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    """nf_conntrack-sysctl.rst; the per-CPU file is hexadecimal."""
    for what in ("count", "max"):
        for line in text("proc/sys/net/netfilter/nf_conntrack_" + what):
            row("conntrack." + what, "gauge", line)
    lines = [line.split() for line in text("proc/net/stat/nf_conntrack")]
    if lines:
        for name, *values in zip(*lines):
            if name != "entries":
                row("conntrack." + name, "counter", sum(int(v, 16) for v in values))
