#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""files_compare.py - what strace or perf saw against what flightrec recorded.

  files_compare.py calls DEF                   names of the calls, for strace -e
  files_compare.py events DEF                  the same as perf's event names
  files_compare.py strace DEF LOG ROWS [WIDTH] multiset of operations is equal
  files_compare.py counts DEF PERF ROWS        counts per call are equal

Calls of other streams (class NET, CONN ...) are not looked at, nor are read,
write and close of sockets, which streams net and conn record.
DEF is calls.def; ROWS is `flightrec show -O jsonl -f COLUMNS` with COLUMNS as
below; LOG is strace -f -qqq -s 8192 -xx -X raw -y; PERF is perf stat -x,.
"""
import collections
import json
import re
import sys

COLUMNS = ("stream,ts,op,call,pid,tid,ppid,ret,errno,size,moved,offset,path,"
           "asked,asked2,ino,file_size")
PERF_NAMES = {"stat": "newstat", "lstat": "newlstat", "fstat": "newfstat",
              "sendfile": "sendfile64", "umount2": "umount"}
RESTART = {512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND",
           516: "ERESTART_RESTARTBLOCK"}
ALL_ONES = (1 << 64) - 1
CLASSES = ("IO", "WIDE", "PATH", "PATH2")
OF_SOCKETS = ("read", "write", "readv", "writev", "preadv2", "pwritev2", "close")
FIELDS = ("tid", "call", "result", "asked bytes", "moved", "offset", "path",
          "asked", "asked2")


def read_calls(path):
    """calls.def as {name: {fd: 1, ..., cls: "IO", props: set}}"""
    calls = {}
    for line in open(path):
        m = re.match(r"FR_CALL(32)?\((\d+), (\w+), (\w+),(.*)\)$", line.strip())
        if not m:
            continue
        info = {k: int(v) for k, v in re.findall(r"\.(\w+) = (\d+)", m[5])}
        info["cls"] = re.search(r"FR_CLS_(\w+)", m[5])[1]
        # functions of the kernel (bpf/vfs.bpf.c) are no calls
        if info["cls"] not in CLASSES or 217 <= int(m[2]) < 240:
            continue
        info["props"] = set(re.findall(r"FR_CP_(\w+)", m[5]))
        info["only32"] = bool(m[1])
        calls[m[3]] = info
    return calls


# ---- strace ----------------------------------------------------------------
def text_of(hexed):
    raw = bytes.fromhex(hexed.replace("\\x", "")) if hexed else b""
    return raw.decode("utf-8", "backslashreplace")


def split_arguments(text):
    parts, depth, start, quoted = [], 0, 0, False
    for i, c in enumerate(text):
        if c == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    return parts


def path_of(token):
    """The <...> that strace -y puts behind a descriptor."""
    m = re.match(r"-?\w+<([^>]*)>", token)
    return normal_path(text_of(m[1])) if m else None


def is_socket(token):
    m = re.match(r"-?\w+<([^>]*)>", token)
    return bool(m) and text_of(m[1]).startswith("socket:[")


def normal_path(path):
    if path is None:
        return None
    if path.endswith(" (deleted)"):
        path = path[:-len(" (deleted)")]
    if path.startswith("anon_inode:"):
        return "anon_inode"
    m = re.match(r"(pipe|socket):\[(\d+)\]$", path)
    return f"inode {m[2]} without a path" if m else path


def recorded_path(row):
    """Pipes and sockets have no path: strace prints their inode, flightrec has
    it in a column of its own."""
    path = normal_path(row["path"])
    if path and path.startswith(("/", "anon_inode", "inode ")):
        return path
    if row["ino"] is None:
        return path
    return f"inode {row['ino']} without a path"


def has_offset(info):
    """preadv2 at -1 is at the file's position, which strace does not know."""
    return "offset" in info and not info["props"] & {"LLSEEK", "FPOS_M1"}


def has_size(name, info):
    """lseek's third argument is no number of bytes."""
    return ("size" in info and name != "lseek" and
            not info["props"] & {"LLSEEK", "IOVEC"})


def string_of(token):
    """(text, readable) of a string argument."""
    m = re.match(r'"([^"]*)"', token)
    if m:
        return text_of(m[1]), True
    return None, token in ("NULL", "0")


def whole_lines(log):
    """(tid, text), calls that were interrupted joined again."""
    begun = {}
    for line in open(log, errors="surrogateescape"):
        m = re.match(r"(\d+) +(.*)$", line.rstrip("\n"))
        if not m or m[2].startswith(("+++", "---", "[", "strace:")):
            continue
        tid, text = int(m[1]), m[2]
        m = re.match(r"<\.\.\. (\w+) resumed>(.*)$", text)
        if m:
            text = begun.pop(tid, m[1] + "(") + m[2]
        if text.endswith("<unfinished ...>"):
            begun[tid] = text[:-len("<unfinished ...>")]
            continue
        yield tid, text
    for tid, text in begun.items():
        yield tid, text + ") = ?"


def number_of(token):
    m = re.match(r"-?(0x[0-9a-f]+|\d+)", token)
    return int(m[0], 0) & ALL_ONES if m else None


def result_of(text):
    """None: the call did not return."""
    m = re.match(r"-1 (E\w+)", text)
    if m:
        return m[1]
    m = re.match(r"\? (ERESTART\w*)", text)
    if m:
        return m[1]
    return None if text.startswith("?") else number_of(text)


def argument(args, number):
    return args[number - 1] if 0 < number <= len(args) else ""


def operation(tid, name, args, result_text, info, exceptions):
    """One call of the log as the tuple FIELDS, or None if it is excepted."""
    result = result_of(result_text)
    if result is None:
        exceptions[f"killed in {name} by thread {tid}"] += 1
        return None
    done = not isinstance(result, str)
    props, io = info["props"], info["cls"] in ("IO", "WIDE")
    size = offset = path = asked = asked2 = None
    if has_size(name, info):
        size = number_of(argument(args, info["size"]))
    if has_offset(info):
        offset = number_of(argument(args, info["offset"]))
    if io and "fd" in info:
        path = path_of(argument(args, info["fd"]))
        if name in OF_SOCKETS and is_socket(argument(args, info["fd"])):
            return None
    if not io:
        asked, ok = string_of(argument(args, info["path"]))
        ok2 = True
        if "path2" in info:
            asked2, ok2 = string_of(argument(args, info["path2"]))
        if not (ok and ok2):
            exceptions["string unreadable at entry and at exit"] += 1
            asked = asked2 = "unreadable"
        if "NEWFD" in props and done:
            path = path_of(result_text)
    moved = result if done and "MOVES" in props else None
    return (tid, name, result, size, moved, offset, path, asked, asked2)


def read_strace(log, calls, exceptions):
    ops, tids, first = collections.Counter(), set(), None
    for tid, text in whole_lines(log):
        m = re.match(r"(\w+)\((.*)\)\s+= (.*)$", text)
        if not m:
            sys.exit(f"cannot read this line of strace: {text}")
        tids.add(tid)
        first = tid if first is None else first
        if m[1] in calls:
            op = operation(tid, m[1], split_arguments(m[2]), m[3],
                           calls[m[1]], exceptions)
            if op:
                ops[op] += 1
        elif m[1].startswith("exec") and m[3].startswith("?"):
            exceptions["a thread's exec"] += 1
        elif m[1] == "vfork":
            exceptions["a vfork child's return"] += 1
    return ops, tids, first


# ---- flightrec -------------------------------------------------------------
def recorded_result(row):
    error = row.get("errno")
    if error not in (None, "", 0):
        number = str(error).lstrip("E")  # codes without a name in libc
        return RESTART.get(int(number), error) if number.isdigit() else error
    ret = row["ret"]
    if ret is not None and -4096 < ret < 0:
        return RESTART.get(-ret, f"errno {-ret}")
    return None if ret is None else ret & ALL_ONES


def recorded_operation(row, info):
    props, io = info["props"], info["cls"] in ("IO", "WIDE")
    result = recorded_result(row)
    done = not isinstance(result, str)
    size = offset = path = asked = asked2 = None

    def value(column):
        v = row[column]
        return ALL_ONES if v is None else v & ALL_ONES
    if has_size(row["call"], info):
        size = value("size")
    if has_offset(info):
        offset = value("offset" if io else "file_size")
    if (io and "fd" in info) or ("NEWFD" in props and done):
        path = recorded_path(row)
    if not io:
        asked = row["asked"]
        asked2 = row["asked2"] if "path2" in info else None
    moved = row["moved"] if "MOVES" in props else None
    return (row["tid"], row["call"], result, size, moved, offset, path, asked,
            asked2)


def read_rows(path, streams=("fs",)):
    rows = [json.loads(line) for line in open(path)]
    files = [r for r in rows if r["stream"] in streams]
    execs = sorted((r for r in rows if r["op"] == "exec"),
                   key=lambda r: r["ts"])
    return files, execs


def match_unreadable(seen, recorded):
    """strace could not read a string: whatever flightrec has will do."""
    for op in [o for o in seen if "unreadable" in o[7:]]:
        for other in recorded:
            if other[:7] == op[:7] and other not in seen:
                n = seen.pop(op)
                seen[other] = n
                break


def match_killed(exceptions, recorded):
    """The kernel leaves a call that a signal kills with a restart code, which
    the program never sees."""
    for name in [n for n in exceptions if n.startswith("killed in ")]:
        call, tid = name.split()[2], int(name.split()[-1])
        for op in recorded:
            if op[:2] == (tid, call) and op[2] in RESTART.values():
                recorded[op] -= 1
                break


def compare_strace(definition, log, rows_path):
    calls, exceptions = read_calls(definition), collections.Counter()
    seen, tids, first = read_strace(log, calls, exceptions)
    files, execs = read_rows(rows_path)
    begin = next((e["ts"] for e in execs if e["tid"] == first), 0)
    recorded = collections.Counter()
    for row in files:
        if row["tid"] not in tids or row["call"] not in calls:
            continue
        if row["tid"] == first and row["ts"] < begin:
            continue  # strace's child before it became the program
        recorded[recorded_operation(row, calls[row["call"]])] += 1
    match_unreadable(seen, recorded)
    match_killed(exceptions, recorded)
    missing, extra = seen - recorded, recorded - seen
    print(f"  operations: strace {sum(seen.values())}, flightrec "
          f"{sum(recorded.values())}; only strace {sum(missing.values())}, "
          f"only flightrec {sum(extra.values())}; threads {len(tids)}")
    for name, n in sorted(exceptions.items()):
        print(f"  exception: {name}: {n}")
    show_difference(missing, extra)
    return bool(seen) and not missing and not extra


def show_difference(missing, extra):
    def key(item):
        return (item[0][0], item[0][1], str(item[0][2:]))
    both = [("only strace", o, n) for o, n in missing.items()]
    both += [("only flightrec", o, n) for o, n in extra.items()]
    for who, op, n in sorted(both, key=lambda b: (key(b[1:]), b[0]))[:20]:
        what = ", ".join(f"{f} {v!r}" for f, v in zip(FIELDS, op)
                         if v is not None)
        print(f"  {who}: {n} x {what}")


# ---- perf ------------------------------------------------------------------
def compare_counts(definition, perf, rows_path):
    names = {PERF_NAMES.get(n, n): n
             for n, info in read_calls(definition).items()
             if not info["only32"]}
    files, execs = read_rows(rows_path, ("fs", "net", "conn"))
    root = execs[0]["pid"]  # perf itself
    begin = {}
    for e in execs:
        if e["ppid"] == root and e["pid"] != root:
            begin.setdefault(e["pid"], e["ts"])
    recorded = collections.Counter(
        r["call"] for r in files
        if r["call"] in names.values()
        if r["pid"] != root and r["ts"] >= begin.get(r["pid"], 0))
    wrong = total = 0
    for line in open(perf):
        part = line.split(",")
        if len(part) < 3 or ":sys_exit_" not in part[2]:
            continue
        call = names[part[2].split(":sys_exit_")[1]]
        want = int(part[0]) if part[0].isdigit() else 0
        total += want
        if want != recorded[call]:
            wrong += 1
            print(f"  {call}: perf stat {want}, flightrec {recorded[call]}")
    print(f"  calls: perf stat {total}, flightrec {sum(recorded.values())}")
    return total > 0 and not wrong


def main(argv):
    if argv[1] == "columns":
        print(COLUMNS)
    elif argv[1] == "calls":
        print(",".join("?" + n for n in read_calls(argv[2])))
    elif argv[1] == "events":
        for n, info in read_calls(argv[2]).items():
            if not info["only32"]:
                print(PERF_NAMES.get(n, n))
    elif argv[1] == "strace":
        return 0 if compare_strace(*argv[2:5]) else 1
    elif argv[1] == "counts":
        return 0 if compare_counts(*argv[2:5]) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
