#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks a folder of flightrec export with Python's own csv, gzip and json.

  files DIR ROWS.jsonl      every file against its manifest, and counts and sums
                            against the rows of show -O jsonl
  made DIR                  the values of tests/bench/made_streams.c
  order DIR                 rows in the order of time
  clear DIR WORD...         none of the words is in any file
"""
import collections
import csv
import glob
import gzip
import json
import os
import re
import sys

csv.field_size_limit(1 << 24)
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$")
NAMES = [b"plain", b"new\nline", b'quo"te, comma', b"\xff\xfe\x80", b"a -> b",
         b"back\\slash \xc3\xa9"]
faults = []


def want(what, got, expected):
    if got != expected:
        faults.append(f"{what}: {got!r}, not {expected!r}")


def unescape(text):
    """The bytes behind flightrec's escape."""
    out, i, data = bytearray(), 0, text.encode()
    while i < len(data):
        if data[i] != 0x5C:
            out.append(data[i])
            i += 1
        elif data[i + 1] == 0x5C:
            out.append(0x5C)
            i += 2
        else:
            assert data[i + 1] == 0x78, text
            out.append(int(data[i + 2:i + 4], 16))
            i += 4
    return bytes(out)


def read(folder, path):
    name = os.path.join(folder, path)
    opened = gzip.open if name.endswith(".gz") else open
    with opened(name, "rt", encoding="utf-8", errors="strict", newline="") as f:
        rows = list(csv.reader(f, strict=True))
    return rows[0], rows[1:]


def load(folder):
    manifest = json.load(open(os.path.join(folder, "manifest.json"), encoding="utf-8"))
    tables = {}
    for entry in manifest["files"]:
        header, rows = read(folder, entry["path"])
        tables[entry["stream"]] = (entry, header, rows)
    return manifest, tables


def check_table(entry, header, rows):
    path = entry["path"]
    want(f"{path}: header", header, [c["name"] for c in entry["columns"]])
    want(f"{path}: rows", len(rows), entry["rows"])
    want(f"{path}: first column", header[0], "timestamp")
    want(f"{path}: last column", header[-1], "mono_ns")
    want(f"{path}: names twice", len(set(header)), len(header))
    for column in entry["columns"]:
        if not column["description"] or not column["type"]:
            faults.append(f"{path}: {column['name']} is not described")
    for row in rows:
        if len(row) != len(header):
            faults.append(f"{path}: {len(row)} columns: {row}")
            return
        if not TIME.match(row[0]) or not row[-1].isdigit():
            faults.append(f"{path}: times of {row}")
            return
        for value, column in zip(row, entry["columns"]):
            kind, good = column["type"], True
            if value and kind == "integer":
                good = re.fullmatch(r"-?\d+", value)
            elif value and kind == "decimal":
                good = re.fullmatch(r"-?\d+(\.\d+)?", value)
            elif value and kind == "timestamp":
                good = TIME.match(value)
            elif value and kind == "hexadecimal":
                good = re.fullmatch(r"0x[0-9a-f]+", value)
            if not good:
                faults.append(f"{path}: {column['name']} = {value!r}")
                return


# column of a file -> column of show; numbers that must be the same, null as ""
SAME = {
    "fs": {"size": "size", "latency_ns": "dur", "offset": "offset", "fd": "fd",
           "inode": "ino", "return_value": "ret", "bytes_completed": "moved",
           "tid": "tid", "flags": "flags_text", "errno": "errno", "weight": "weight"},
    "block": {"sector": "sector", "size": "size", "bytes_completed": "moved",
              "rwbs": "rwbs", "device": "dev"},
    "net": {"saddr": "laddr", "daddr": "raddr", "sport": "lport", "dport": "rport",
            "size": "moved", "latency_ns": "dur", "msg_flags": "flags_text"},
    "conn": {"fd": "fd", "ret": "ret", "backlog": "backlog", "laddr": "laddr"},
    "epoll": {"target_fd": "fd2", "event_mask": "events_text"},
    "sockopt": {"option": "option_text", "value": "value", "fd": "fd"},
    "drop": {"drop_reason": "reason_text", "size": "size"},
    "fault": {"offset": "offset", "inode": "ino", "severity": "severity"},
    "uring": {"result": "ret", "length": "size", "offset": "offset"},
    "cache": {"page_index": "index", "count": "count"},
    "process": {"pid": "pid", "ppid": "ppid", "threads": "threads"},
    "filesystem": {"size": "size", "inode": "ino"},
}


def check_against_show(tables, jsonl):
    shown = collections.defaultdict(list)
    with open(jsonl, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            shown[row["stream"]].append(row)
    for stream, (entry, header, rows) in tables.items():
        want(f"{stream}: rows as show has", len(rows), len(shown[stream]))
        if len(rows) != len(shown[stream]):
            continue
        for name, column in SAME.get(stream, {}).items():
            at = header.index(name)
            for row, other in zip(rows, shown[stream]):
                value = other.get(column)
                value = "" if value is None else str(value)
                if row[at] != value:
                    faults.append(f"{stream}.{name}: {row[at]!r}, show has {value!r}")
                    break
    extra = set(shown) - set(tables) - {"system"}
    want("streams without a file", extra, set())


def check_order(tables):
    for stream, (entry, header, rows) in tables.items():
        times = [int(row[-1]) for row in rows]
        want(f"{stream}: in the order of time", times, sorted(times))


def column(tables, stream, name):
    _, header, rows = tables[stream]
    return [row[header.index(name)] for row in rows]


def check_made(manifest, tables):
    fs = list(zip(column(tables, "fs", "call"), column(tables, "fs", "operation"),
                  column(tables, "fs", "filename"), column(tables, "fs", "mono_ns"),
                  column(tables, "fs", "offset"), column(tables, "fs", "fd"),
                  column(tables, "fs", "return_value"), column(tables, "fs", "target")))
    seen = set()
    for call, op, name, ns, offset, fd, ret, target in fs:
        i = int(ns) // 1000000
        one = b"/srv/" + NAMES[i % 6]
        two = b"/srv/" + NAMES[(i + 1) % 6]
        seen.add(op)
        if call.startswith("p"):
            want("read or write", op, ("" if i % 7 else "DIO_") + ("READ" if i % 2 else "WRITE"))
            want("name", unescape(name), one)
            want("offset: zero is 0", offset, "4096" if i % 4 else "0")
            want("fd: zero is 0, minus one is -1", fd, "0" if i % 2 else "-1")
        elif call == "openat":
            want("open", (op, unescape(name)), ("OPEN", one))
            want("result", ret, "3" if i % 2 else "-2")
        elif call == "rename":
            parts = name.split(" -> ")
            want("two paths", len(parts), 2)
            want("old and new", [unescape(p) for p in parts], [one, two])
        elif call == "symlink":
            want("symlink", (op, unescape(name), unescape(target)), ("SYMLINK", two, one))
    want("operations", seen, {"READ", "WRITE", "DIO_READ", "DIO_WRITE", "OPEN", "RENAME",
                              "SYMLINK"} if len(fs) > 60 else seen)
    want("flags", set(column(tables, "fs", "flags")) - {""}, {"O_RDWR|O_CREAT|O_TRUNC"})
    want("comm", set(column(tables, "fs", "command")), {'wor,"ker'})
    for ns, q, d in zip(column(tables, "block", "mono_ns"),
                        column(tables, "block", "queue_latency_ms"),
                        column(tables, "block", "latency_ms")):
        i = int(ns) // 1000000
        queue = 0 if i % 2 else 250000
        total = 1000001 + i - queue
        want("queue latency", q, f"{queue // 1000000}.{queue % 1000000:06}")
        want("latency", d, f"{total // 1000000}.{total % 1000000:06}")
    want("block op", set(column(tables, "block", "operation")), {"WRITE"})
    want("rwbs", set(column(tables, "block", "rwbs")), {"WS"})
    want("sectors", set(column(tables, "block", "sector")), {"0", str(1 << 33)})
    want("cache", set(column(tables, "cache", "event_type")),
         set("HIT MISS DIRTY WRITEBACK_START WRITEBACK_END EVICT INVALIDATE DROP READAHEAD "
             "RECLAIM".split()))
    want("cache size in pages", set(column(tables, "cache", "size")), {"128"})
    want("cache names", {unescape(n) for n in column(tables, "cache", "filename")},
         {b"/srv/" + n for n in NAMES})
    want("ip", set(zip(column(tables, "net", "ipver"), column(tables, "net", "saddr"))),
         {("4", "192.0.2.7"), ("6", "2001:db8::1")})
    want("port zero", set(column(tables, "net", "sport")), {"4711", "0"})
    want("net error", set(column(tables, "net", "error")), {"0", "-32"})
    want("protocols", set(column(tables, "net", "protocol")), {"TCP", "UDP"})
    want("directions", set(column(tables, "net", "direction")), {"send", "receive"})
    want("connect", set(column(tables, "conn", "event")), {"CONNECT"})
    want("backlog", set(column(tables, "conn", "backlog")), {""})
    want("socket path", set(column(tables, "conn", "path")), {"@abstract", ""})
    want("epoll", set(zip(column(tables, "epoll", "event"),
                          column(tables, "epoll", "operation"),
                          column(tables, "epoll", "ready_count"),
                          column(tables, "epoll", "timeout_ms"))),
         {("EPOLL_CTL", "MOD", "", ""), ("EPOLL_WAIT", "", "0", "-1"),
          ("EPOLL_WAIT", "", "0", "1.500000")})
    want("mask", set(column(tables, "epoll", "event_mask")), {"EPOLLIN|EPOLLET"})
    want("options", set(zip(column(tables, "sockopt", "event"),
                            column(tables, "sockopt", "option"),
                            column(tables, "sockopt", "value"))),
         {("SET", "SO_REUSEADDR", "1"), ("GET", "TCP_NODELAY", "1")})
    want("drops", set(zip(column(tables, "drop", "event"), column(tables, "drop", "tcp_state"))),
         {("TCP_RETRANSMIT", "ESTABLISHED"), ("PACKET_DROP", "ESTABLISHED")})
    want("faults", set(zip(column(tables, "fault", "fault_type"),
                           column(tables, "fault", "severity"))),
         {(t, s) for t in ("READ", "WRITE") for s in ("MAJOR", "MINOR")})
    want("page offsets", set(column(tables, "fault", "page_offset")), {"0", "1", "2", "3"})
    want("addresses", set(column(tables, "fault", "address")), {"0x7f0000001000"})
    want("uring", set(zip(column(tables, "uring", "opcode"),
                          column(tables, "uring", "latency_ms"))),
         {("READ", "1.234567"), ("WRITE", "1.234567")})
    want("process", {k: set(column(tables, "process", k)) for k in
                     ("name", "vms_kb", "rss_kb", "cpu_5s", "cpu_2m", "cpu_1h", "status")},
         {"name": {'wor,"ker'}, "vms_kb": {"10240"}, "rss_kb": {"0"}, "cpu_5s": {"100.1"},
          "cpu_2m": {"0.0"}, "cpu_1h": {""}, "status": {"sleeping"}})
    want("files", {unescape(n) for n in column(tables, "filesystem", "path")}, set(NAMES))
    want("creation is not known", set(column(tables, "filesystem", "ctime")), {""})
    want("change", set(column(tables, "filesystem", "mtime")), {"2026-11-20 13:05:00.000000"})
    net = manifest["streams"]["net"]
    want("counts of net", (net["hits"], net["records"], net["lost"]), (9, 8, 1))
    probes = manifest["snapshots"][-1]["probes"]
    want("why", [p.get("why") for p in probes], [None, "no such symbol"])
    want("level", manifest["snapshots"][-1]["settings"]["dump.level"], "1")
    want("offset", manifest["clock"]["mono_to_real_offset_ns"], 1795179900000000000)


def check_clear(folder, words):
    for name in glob.glob(folder + "/**", recursive=True):
        if os.path.isdir(name):
            continue
        opened = gzip.open if name.endswith(".gz") else open
        data = opened(name, "rb").read()
        for word in words:
            if word.encode() in data:
                faults.append(f"{name}: {word} is in it")


def main():
    what, folder = sys.argv[1:3]
    if what == "clear":
        check_clear(folder, sys.argv[3:])
    else:
        manifest, tables = load(folder)
        for table in tables.values():
            check_table(*table)
        if what == "files":
            check_against_show(tables, sys.argv[3])
        elif what == "made":
            check_made(manifest, tables)
        else:
            check_order(tables)
    for fault in faults[:20]:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
