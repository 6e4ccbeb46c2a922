# SPDX-License-Identifier: GPL-2.0-or-later
GAUGES = "Forwarding DefaultTTL RtoAlgorithm RtoMin RtoMax MaxConn CurrEstab MPCurrEstab".split()


def expect(text, row, files):
    """RFC 1213, 2011-2013, 4293 say which are gauges; two lines for each protocol."""
    def one(prefix, name, value):
        if name in GAUGES:
            row(f"netstat.{prefix}{name}", "gauge", value)
        else:
            row(f"netstat.{prefix}{name}", "counter", value, "bytes" if name.endswith("Octets") else "-")

    for path in ("proc/net/snmp", "proc/net/netstat"):
        lines = text(path)
        for names, values in zip(lines[::2], lines[1::2]):
            protocol, *keys = names.split()
            for key, value in zip(keys, values.split()[1:]):
                one(protocol.replace(":", "."), key, value)
    for line in text("proc/net/snmp6"):
        one("", *line.split())
