#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""absent_btf.py OUT [NAME...] - type information of a kernel that has no NAME.

Copies /sys/kernel/btf/vmlinux to OUT and gives each NAME (a tracepoint's
btf_trace_..., a member of a structure) another one of the same length, everywhere.
"""
import struct
import sys


def main(out, names):
    data = bytearray(open("/sys/kernel/btf/vmlinux", "rb").read())
    magic, _, _, header, _, _, at, size = struct.unpack_from("<HBBIIIII", data)
    if magic != 0xeb9f:
        sys.exit("this is no BTF")
    begin, end = header + at, header + at + size
    for name in names:
        text = b"\0" + name.encode() + b"\0"
        found = data.find(text, begin, end)
        if found < 0:
            sys.exit(f"{name} is not there anyway")
        data[found + 1:found + 1 + len(name)] = b"z" * len(name)
        if data.find(text, begin, end) >= 0:
            sys.exit(f"{name} is there twice")
    open(out, "wb").write(data)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
