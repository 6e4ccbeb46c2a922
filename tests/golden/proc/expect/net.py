# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    tcp = [line.split() for line in text("proc/net/snmp") if line.startswith("Tcp:")]
    if tcp:
        row("net.retransmit", "counter", dict(zip(*tcp))["RetransSegs"])

    NET = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast",
           "bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"]
    for line in text("proc/net/dev")[2:]:
        dev, rest = line.strip().rsplit(":", 1)
        for i, (field, x) in enumerate(zip(NET, rest.split())):
            row(f"net.{dev}.{'rx' if i < 8 else 'tx'}_{field}", "counter", x,
                "bytes" if field == "bytes" else "-")
