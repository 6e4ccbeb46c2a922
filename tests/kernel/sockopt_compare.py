#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sockopt_compare.py LOG ROWS default|all - socket options as strace saw them and as
recorded: descriptor, level, option, value, length, result of each call.

Values are compared byte by byte: strace's text and flightrec's are both turned back
into bytes.  LOG is strace -v -s 300 -xx, ROWS is `flightrec show -O jsonl`.
"""
import re
import struct
import sys

import flags_compare as flags

DEFAULT_LEVELS = ("SOL_SOCKET", "SOL_TCP")
SHOWN = 32


def number(text):
    return int(re.match(r"\[?(-?(?:0x[0-9a-f]+|\d+))", text)[1], 0)


def numbers_in(text):
    """Of {l_onoff=1, l_linger=7}."""
    return [int(n) for n in re.findall(r"=(-?\d+)", text)]


def their_bytes(text):
    """None: an address, strace did not read it."""
    if text.startswith('"'):
        return bytes.fromhex(re.match(r'"([^"]*)"', text)[1]
                             .replace("\\x", ""))
    if text.startswith("{"):
        return b"".join(struct.pack("<i", n) for n in numbers_in(text))
    if text.startswith("["):
        return struct.pack("<i", number(text)) if number(text) < 2 ** 31 \
            else struct.pack("<I", number(text))
    return None


def my_bytes(row):
    text, size = row["value"], row["value_len"]
    if text is None:
        return None
    if text.startswith("{"):
        found = numbers_in(text)
        form = "<q" if size == 16 else "<i"
        return b"".join(struct.pack(form, n) for n in found)
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    if re.fullmatch(r"-?\d+", text) and size in (1, 4, 8):
        return int(text).to_bytes(size, "little", signed=int(text) < 0)
    return text.encode().ljust(size, b"\0")[:size]


def same_value(name, args, row):
    theirs, mine = their_bytes(args[3]), my_bytes(row)
    if theirs is None:
        # strace shows structures that it knows and that failed as addresses
        return mine is None or name == "setsockopt" or row["ret"] == 0
    if name == "getsockopt" and row["ret"]:
        return mine is None
    length = number(args[4])
    if args[3].startswith("[") and length != 4:
        return mine is not None and mine[:4] == theirs[:len(mine)]
    return mine == theirs[:SHOWN] if length >= 0 else mine is None


def same(name, args, result, row):
    good = row["ret"] == number(result) or (
        result.startswith("-1 ") and row["errno"] == result.split()[1])
    good &= row["fd"] == number(args[0])
    good &= flags.same_option(args, row)
    if not args[4].startswith("NULL"):
        given = re.search(r"=> ?(-?\d+)|\[(-?\d+)\]|^(-?\d+)", args[4])
        length = int(next(g for g in given.groups() if g))
        mine = row["option_len"]
        good &= mine == length & 0xffffffff or (mine is None and length == -1)
    return good and same_value(name, args, row)


def main(argv):
    def wanted(name, args):
        return name in ("setsockopt", "getsockopt") and (
            argv[3] == "all" or flags.plain(args[1]) in DEFAULT_LEVELS)
    pairs, short = flags.paired(argv[1], argv[2], wanted)
    return flags.compare(pairs, {c: n for c, n in short.items()
                                 if c.endswith("sockopt")}, same,
                         ["setsockopt", "getsockopt"])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
