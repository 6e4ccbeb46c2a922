#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks for words in what a snapshot holds: SNAPSHOT has|lacks WORD...

A reader of its own: frames as flightrec-snapshot(5) says, decompressed by libzstd.
"0x..." is bytes.  Prints each word that is missing, or that should be.
"""
import ctypes
import ctypes.util
import struct
import sys

MAGIC = bytes.fromhex("1b4e465246524d0a")
zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
zstd.ZSTD_decompress.restype = ctypes.c_size_t


def payloads(data):
    at = 64
    while data[at:at + 8] == MAGIC:
        flags, stored, raw = struct.unpack_from("<III", data, at + 20)
        body = data[at + 64:at + 64 + stored]
        if flags & 1:
            out = ctypes.create_string_buffer(raw)
            n = zstd.ZSTD_decompress(out, ctypes.c_size_t(raw), body,
                                     ctypes.c_size_t(stored))
            assert n == raw, f"frame at {at}: {n} bytes, not {raw}"
            body = out.raw
        yield body
        at += 64 + stored


def main():
    path, how, *words = sys.argv[1:]
    data = open(path, "rb").read()
    parts = list(payloads(data)) + [data]
    assert len(parts) > 5, "hardly a frame was found"
    bad = 0
    for word in words:
        text = bytes.fromhex(word[2:]) if word.startswith("0x") else word.encode()
        found = any(text in part for part in parts)
        if found != (how == "has"):
            print(f"{path}: {word} is {'there' if found else 'not there'}")
            bad += 1
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
