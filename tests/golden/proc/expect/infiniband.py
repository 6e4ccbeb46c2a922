# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    """Documentation/ABI/stable/sysfs-class-infiniband: data in units of four bytes"""
    for path in files("sys/class/infiniband/*/ports/*/*counters/*"):
        device, port, name = re.search(r"infiniband/([^/]+)/ports/(\d+)/\w+/(\w+)$", path).groups()
        value = text(path)[0]
        if value.startswith("N/A") or name == "lifespan":
            continue
        data = name in ("port_xmit_data", "port_rcv_data")
        row(f"infiniband.{device}.{port}.{name}", "counter", int(value) * (4 if data else 1),
            "bytes" if data else "-")
