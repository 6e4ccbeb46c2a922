#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""operations_table.py - what was recorded of tests/kernel/operations.c as a table
that is the same everywhere, and what strace says of it.

  operations_table.py rows DID ROWS FOLDER      ROWS: flightrec show -O jsonl
  operations_table.py csv DID FILE FOLDER       FILE: fs_events.csv of an export
  operations_table.py compare EXPECTED MADE     byte for byte, the lines of EXPECTED
                                                that are for the running kernel
  operations_table.py strace EXPECTED LOG DID FOLDER
                                                LOG: strace -f -qqq -s 200 -xx -X raw -y
  operations_table.py complete EXPECTED DEF     each call of calls.def succeeds and fails
  operations_table.py exported EXPECTED         each operation of the I/O tracer does

DID is what the program printed.  Numbers of the machine become placeholders, by
first sight: i1 an inode, d1 a device, p1 a process; F is the folder.  A line of
EXPECTED begins with the kernels that it is for: "", ">=6.6", "<6.6".  Left out: the
inode that link and its kin make a name for, which not all machines let us see
(link.sh looks at it), and that of the program, which lies anywhere.
"""
import csv
import json
import os
import re
import sys

from files_compare import (number_of, operation, read_calls, split_arguments,
                           whole_lines)

ROW_COLUMNS = ("op", "call", "path", "path2", "asked", "asked2", "fd", "fd2",
               "dev", "ino", "size", "moved", "offset", "flags_text",
               "mode_text", "address", "file_size", "direct", "kind", "ret",
               "errno", "mark", "comm", "status", "args", "args_total")
CSV_COLUMNS = ("operation", "call", "filename", "size", "bytes_completed",
               "offset", "flags", "mode", "fd", "fd2", "inode", "device",
               "direct", "kind", "return_value", "errno", "address",
               "file_size", "target", "mark", "command")
# what an older strace calls calls that it does not know
UNKNOWN_TO_STRACE = {"syscall_0x1c4": "fchmodat2"}
# calls that cannot fail
NEVER_FAIL = {"sync"}
# operations of the I/O tracer
TRACER = """READ WRITE OPEN CLOSE FSYNC MMAP MUNMAP GETATTR SETATTR CHDIR READDIR
            UNLINK TRUNCATE SYNC RENAME MKDIR RMDIR LINK SYMLINK FALLOCATE SENDFILE
            SPLICE VMSPLICE MSYNC MADVISE DIO_READ DIO_WRITE MREMAP
            FDATASYNC""".split()


class Names:
    """Placeholders: the n-th different value of a kind is n."""

    def __init__(self, folder):
        self.folder, self.seen = folder, {}

    def of(self, kind, value):
        if value in (None, ""):
            return None
        known = self.seen.setdefault(kind, {})
        return f"{kind}{known.setdefault(str(value), len(known) + 1)}"

    def inode(self, device, number):
        return self.of("i", f"{device} {number}") if number else None

    def text(self, value, device, inode):
        """Of a path: the folder, and inodes that are part of a name."""
        if not isinstance(value, str):
            return value
        value = value.replace(self.folder, "F")
        if inode:
            name = self.inode(device, inode)
            value = value.replace(f"[{inode}]", f"[{name}]")
            value = value.replace(f"#{inode}", f"#{name}")
        return value


def cell(value):
    if value is None:
        return ""
    if value == "":
        return '""'
    text = str(value)
    if re.search('[,"\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text


def line_of(values):
    return ",".join(cell(v) for v in values)


def read_did(path):
    for line in open(path):
        process, call, args, ret = line.rstrip("\n").split("\t")
        yield int(process), call, args, int(ret)


def between(rows, is_marker, pid_of, child_of):
    """Rows of that program behind the access to BEGIN and before that to END, with
    the number of their process."""
    pids = {}
    for row in rows:
        if is_marker(row, "BEGIN"):
            pids[pid_of(row)] = 0
        elif is_marker(row, "END"):
            return
        elif pid_of(row) in pids:
            yield pids[pid_of(row)], row
            if child_of(row):
                pids[child_of(row)] = len(pids)


class Steps:
    """The program's own list, beside the rows."""

    def __init__(self, path):
        self.all = list(read_did(path))
        self.processes = {s[0] for s in self.all}
        self.at = 0

    def next(self, process, call, ret):
        if self.at == len(self.all):
            sys.exit(f"more rows than calls: {call} = {ret}")
        step = self.all[self.at]
        if (step[0], step[1], step[3]) != (process, call, ret):
            sys.exit(f"call {self.at + 1} was {step}; recorded: process "
                     f"{process}, {call} = {ret}")
        self.at += 1
        return f"{step[1]}({step[2]})"

    def done(self):
        if self.at != len(self.all):
            sys.exit(f"{self.all[self.at]} was not recorded, nor "
                     f"{len(self.all) - self.at - 1} calls behind it")


# ---- from show ---------------------------------------------------------------
def table_of_rows(did, rows_path, folder):
    rows = [json.loads(line) for line in open(rows_path)]
    rows = [r for r in rows if r["stream"] in ("fs", "proc")]
    rows.sort(key=lambda r: r["ts"] + (r["dur"] or 0))
    steps, names = Steps(did), Names(folder)

    def is_marker(row, name):
        return row["call"] == "access" and row["path"] == f"{folder}/{name}"
    print(line_of(("kernel", "process", "program") + ROW_COLUMNS))
    for process, row in between(rows, is_marker, lambda r: r["pid"],
                                lambda r: r.get("child_pid")):
        program = None
        if row["stream"] == "fs":
            if process not in steps.processes:
                continue  # the start of the program that was executed
            program = steps.next(process, row["call"], row["ret"])
        if row["op"] in ("link", "exec"):
            row["dev"] = row["ino"] = None
        values = [names.text(row.get(c), row.get("dev"), row.get("ino"))
                  for c in ROW_COLUMNS]
        shown = dict(zip(ROW_COLUMNS, values))
        shown["dev"] = names.of("d", row.get("dev"))
        shown["ino"] = names.inode(row.get("dev"), row.get("ino"))
        if row["op"] == "exec":
            shown["path"] = os.path.basename(row["path"])
        print(line_of([None, f"p{process}", program] +
                      [shown[c] for c in ROW_COLUMNS]))
    steps.done()


# ---- from an export --------------------------------------------------------------
def table_of_csv(did, path, folder):
    rows = list(csv.DictReader(open(path, newline="")))
    proc = os.path.join(os.path.dirname(path), "proc/proc_events.csv")
    rows += [dict(r, call=None, latency_ns="0")
             for r in csv.DictReader(open(proc, newline=""))
             if r["op"] == "fork"]
    rows.sort(key=lambda r: int(r["mono_ns"]) + int(r["latency_ns"]))
    steps, names = Steps(did), Names(folder)

    def is_marker(row, name):
        return row["call"] == "access" and row["filename"] == f"{folder}/{name}"
    print(line_of(("kernel", "process", "program") + CSV_COLUMNS))
    for process, row in between(rows, is_marker, lambda r: r["pid"],
                                lambda r: r.get("child_pid")):
        if process not in steps.processes or not row["call"]:
            continue
        program = steps.next(process, row["call"], int(row["return_value"]))
        if row["operation"] == "LINK":
            row["device"] = row["inode"] = None
        shown = {c: names.text(row[c], row["device"], row["inode"]) or None
                 for c in CSV_COLUMNS}
        shown["device"] = names.of("d", row["device"])
        shown["inode"] = names.inode(row["device"], row["inode"])
        print(line_of([None, f"p{process}", program] +
                      [shown[c] for c in CSV_COLUMNS]))
    steps.done()


# ---- the committed table ---------------------------------------------------------
def version(text):
    return tuple(int(n) for n in re.findall(r"\d+", text)[:2])


def is_for(condition, kernel):
    if not condition:
        return True
    m = re.fullmatch(r"(>=|<)(\d+\.\d+)", condition)
    if not m:
        sys.exit(f"not a kernel: {condition}")
    return (kernel >= version(m[2])) == (m[1] == ">=")


def read_expected(path):
    """The lines for this kernel, without the condition."""
    kernel, lines = version(os.uname().release), open(path).read().split("\n")
    yield lines[0]
    for line in lines[1:]:
        condition, _, rest = line.partition(",")
        if line and is_for(condition, kernel):
            yield "," + rest


def compare(expected, made):
    want, got = list(read_expected(expected)), open(made).read().split("\n")
    got.pop()
    wrong = [(w, g) for w, g in zip(want, got) if w != g]
    for w, g in wrong[:12]:
        print(f"  expected {w}\n  recorded {g}")
    print(f"  {len(want)} lines expected, {len(got)} recorded, "
          f"{len(wrong)} differ")
    return 1 if wrong or len(want) != len(got) or len(want) < 100 else 0


def expected_rows(path):
    return list(csv.DictReader(read_expected(path)))


# ---- strace -----------------------------------------------------------------------
def strace_calls(log, folder, processes):
    """(process, call, arguments, result) between the markers."""
    lines = [(tid, re.match(r"(\w+)\((.*)\)\s+= (.*)$", text))
             for tid, text in whole_lines(log)]

    def is_marker(line, name):
        return line[1] and line[1][1] == "access" and name.encode().hex() in \
            line[1][2].replace("\\x", "")
    def child_of(line):
        return int(line[1][3]) if line[1] and line[1][1] == "clone" else None
    for process, (_, m) in between(lines, is_marker, lambda r: r[0], child_of):
        if m and process in processes:
            yield (process, UNKNOWN_TO_STRACE.get(m[1], m[1]),
                   split_arguments(m[2]), m[3])


def same_text(want, got, folder):
    """A path of the table and one of strace."""
    if want is None or got is None:
        return True
    got = got.replace(folder, "F")
    got = re.sub(r"^inode \d+ without a path$", "pipe", got)
    got = re.sub(r"#\d+$", "#", got)
    want = re.sub(r"^pipe:\[i\d+\]$", "pipe", re.sub(r"#i\d+$", "#", want))
    return want == got


def differences(row, seen, args, info, folder):
    """Names of the columns of the table in which strace differs."""
    _, _, result, size, moved, offset, path, asked, asked2 = seen
    done = not isinstance(result, str)

    def number(column):
        text = row[column]
        return int(text) & (1 << 64) - 1 if text else None
    want = {"ret": result if done else number("ret"),
            "errno": "" if done else result}
    if size is not None:
        want["size"] = size
    if moved is not None:
        want["moved"] = moved
    if offset is not None and "APPENDS" not in info["props"]:
        want["offset" if info["cls"] in ("IO", "WIDE") else "file_size"] = offset
    for column in ("fd", "fd2"):
        if column in info:
            want[column] = number_of(args[info[column] - 1])
            want[column] = (want[column] + (1 << 31)) % (1 << 32) - (1 << 31)
    if "addr" in info:
        want["address"] = number_of(args[info["addr"] - 1]) or 0
    wrong = [c for c, v in want.items()
             if (row[c] != v if isinstance(v, str) else
                 (int(row[c]) if c[:2] == "fd" and row[c] else number(c)) != v)]
    if "NEWFD" in info["props"] or info["cls"] in ("IO", "WIDE"):
        if path and not same_text(row["path"], path, folder):
            wrong.append("path")
    for column, text in (("asked", asked), ("asked2", asked2)):
        if (text not in (None, "unreadable") and row[column] != text and
                row["call"] not in UNKNOWN_TO_STRACE.values()):
            wrong.append(column)
    return wrong


def compare_strace(expected, log, did, folder):
    calls = read_calls("include/flightrec/calls.def")
    rows = [r for r in expected_rows(expected) if r["call"]]
    seen = [s for s in strace_calls(log, folder, Steps(did).processes)
            if s[1] in calls]
    bad = 0
    for row, (process, name, args, result) in zip(rows, seen):
        info = calls[name]
        wrong = ["call"]
        if (row["process"], row["call"]) == (f"p{process}", name):
            wrong = differences(row, operation(0, name, args, result, info,
                                               {"string unreadable at entry "
                                                "and at exit": 0}),
                                args, info, folder)
        if wrong:
            bad += 1
            if bad <= 12:
                print(f"  {', '.join(wrong)}: strace {name}({', '.join(args)})"
                      f" = {result}\n  table {row}")
    print(f"  calls: strace {len(seen)}, the table {len(rows)}; {bad} differ")
    return 1 if bad or len(rows) != len(seen) or not rows else 0


# ---- is it complete? ----------------------------------------------------------------
def all_rows(path):
    """Of all kernels."""
    return list(csv.DictReader(open(path, newline="")))


def complete(expected, definition):
    ends = {}
    for row in all_rows(expected):
        if row["call"]:
            ends.setdefault(row["call"], set()).add(bool(row["errno"]))
    missing = []
    for name, info in read_calls(definition).items():
        if info["only32"]:
            continue
        want = {False} if name in NEVER_FAIL else {False, True}
        if want - ends.get(name, set()):
            missing.append(name)
    print("  missing, or never " +
          f"succeeding and failing: {' '.join(missing) or 'none'}")
    return 1 if missing else 0


def exported(expected):
    ends = {}
    for row in all_rows(expected):
        ends.setdefault(row["operation"], set()).add(bool(row["errno"]))
    missing = [o for o in TRACER if (ends.get(o, set()) |
                                     ({True} if o == "SYNC" else set())) !=
               {False, True}]
    print(f"  operations: {len(ends)}; missing: {' '.join(missing) or 'none'}")
    return 1 if missing else 0


def main(argv):
    if argv[1] == "rows":
        return table_of_rows(*argv[2:5])
    if argv[1] == "csv":
        return table_of_csv(*argv[2:5])
    if argv[1] == "compare":
        return compare(argv[2], argv[3])
    if argv[1] == "strace":
        return compare_strace(*argv[2:6])
    if argv[1] == "complete":
        return complete(argv[2], argv[3])
    if argv[1] == "exported":
        return exported(argv[2])
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
