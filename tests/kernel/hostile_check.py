#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile_check.py - what tests/kernel/hostile.c did against what was recorded.

  hostile_check.py rows DID JSONL       each call is there, whole or marked
  hostile_check.py csv JSONL CSV        show -O csv has the same texts
  hostile_check.py export JSONL FOLDER  so have the files of flightrec export
  hostile_check.py starts JSONL         environment and name of the programs it starts
  hostile_check.py terminal TEXT        nothing in it moves a terminal's cursor

JSONL: flightrec show -O jsonl; CSV: the same with -O csv.  Texts are compared as
bytes, after undoing the escapes of flightrec-csv(5).
"""
import csv
import json
import re
import sys

STRING_MAX = 4095  # bytes of a path that are recorded
ARGS_MAX = 2048
ENV_MAX = 255


def unescape(text):
    """Bytes of an escaped text."""
    if text is None:
        return None
    parts = re.split(r"(\\\\|\\x[0-9a-f]{2})", text)
    if any("\\" in p for p in parts[::2]):
        sys.exit(f"not escaped: {text!r}")
    return b"".join(
        p.encode() if i % 2 == 0 else
        b"\\" if p == "\\\\" else bytes([int(p[2:], 16)])
        for i, p in enumerate(parts))


def unescape_args(text):
    return b"\0".join(unescape(a) for a in text.split(" "))


def load(path):
    """Rows in the order in which they ended; the file is UTF-8."""
    with open(path, encoding="utf-8", errors="strict") as f:
        rows = [json.loads(line) for line in f]
    return rows


# ---- each call ------------------------------------------------------------------
def good_asked(want, row, mark):
    have = unescape(row["asked"])
    if want == "?":
        return True
    if want == "-":
        return have is None and "asked_unreadable" in mark
    want = bytes.fromhex(want)
    if len(want) <= STRING_MAX:
        return have == want and "asked_cut" not in mark
    return have == want[:STRING_MAX] and "asked_cut" in mark


def good_path(want, row, mark):
    have = unescape(row["path"])
    if want == "?":
        return True
    if want == "-":
        return have is None
    if not want.startswith("~"):
        return have == bytes.fromhex(want) and "path_cut" not in mark
    rest = have[3:] if have and have.startswith(b".../") else b"?"
    return "path_cut" in mark and bytes.fromhex(want[1:]).endswith(rest)


def good_args(want, row, mark):
    want = bytes.fromhex(want)
    kept = want[:ARGS_MAX]
    if kept.endswith(b"\0"):
        kept = kept[:-1]
    return (unescape_args(row["args"]) == kept and
            row["args_total"] == len(want) and
            ("args_cut" in mark) == (len(want) > ARGS_MAX))


def good_number(want, have):
    return want == "-" or (have is None if want == "" else have == int(want))


def is_it(did, row):
    asked, path, call, size, offset, ret = did
    mark = (row.get("mark") or "").split("|")
    if call == "exec":
        return row["op"] == "exec" and good_args(asked, row, mark)
    return (row["call"] == call and row["ret"] == int(ret) and
            good_asked(asked, row, mark) and good_path(path, row, mark) and
            good_number(size, row["size"]) and
            good_number(offset, row["offset"]))


def shown(did):
    return [v[:60] + ("..." if len(v) > 60 else "") for v in did]


def compare_rows(did_path, rows_path):
    """Each line of the program is a row, in that order."""
    did = [line.rstrip("\n").split("\t") for line in open(did_path)]
    rows, at, bad = load(rows_path), 0, 0
    rows.sort(key=lambda r: r["ts"] + ((r["dur"] or 0)
                                       if r["op"] != "exit" else 0))
    for line in did:
        found = next((i for i in range(at, len(rows))
                      if is_it(line, rows[i])), None)
        if found is not None:
            at = found + 1
            continue
        bad += 1
        if bad <= 10:
            near = next((r for r in rows[at:] if r["call"] == line[2] or
                         (line[2] == r["op"] == "exec")), {})
            print(f"  not recorded: {shown(line)}\n  next of these:",
                  {k: str(v)[:100] for k, v in near.items()
                   if v is not None})
    print(f"  {len(did)} calls, {bad} not recorded as they were")
    return 1 if bad or len(did) < 600 else 0


# ---- the same in other formats ------------------------------------------------------
def read_csv(path):
    """Rows as dictionaries; all have as many cells as the header."""
    with open(path, encoding="utf-8", errors="strict", newline="") as f:
        rows = list(csv.reader(f, strict=True))
    if any(len(r) != len(rows[0]) for r in rows):
        sys.exit(f"{path}: rows of different length")
    return [dict(zip(rows[0], r)) for r in rows[1:]]


def text(value):
    return "" if value is None else str(value)


def compare_csv(rows_path, csv_path):
    rows, other, bad = load(rows_path), read_csv(csv_path), 0
    for row, cells in zip(rows, other):
        for column in ("asked", "path", "path2", "args", "mark", "comm", "ret"):
            if text(row.get(column)) != cells[column]:
                bad += 1
                print(f"  {column}: {row.get(column)!r} {cells[column]!r}"[:300])
    print(f"  {len(rows)} rows, {len(other)} in CSV, {bad} cells differ")
    return 1 if bad or len(rows) != len(other) or len(rows) < 600 else 0


def paths_of(cell, row):
    """One cell holds both paths."""
    if row["path2"] is None or row["op"] == "symlink":
        return [unescape(cell)]
    return [unescape(p) for p in cell.split(" -> ")]


def compare_export(rows_path, folder):
    rows = load(rows_path)
    files = {"fs": "fs_events.csv", "proc": "proc/proc_events.csv"}
    bad = seen = 0
    for stream, name in files.items():
        mine = [r for r in rows if r["stream"] == stream]
        other = read_csv(f"{folder}/{name}")
        if len(mine) != len(other):
            print(f"  {name}: {len(other)} rows, not {len(mine)}")
            bad += 1
        for row, cells in zip(mine, other):
            seen += 1
            if stream == "proc":
                good = text(row.get("args")) == cells["args"]
            elif row["op"] == "symlink":
                good = (unescape(cells["filename"]) == unescape(row["path2"])
                        and unescape(cells["target"]) == unescape(row["path"]))
            else:
                want = [unescape(p) for p in (row["path"], row["path2"])
                        if p is not None] or [b""]
                good = paths_of(cells["filename"], row) == want
            if not good:
                bad += 1
                print(f"  {row['path']!r} {row['path2']!r} {cells}"[:400])
    json.load(open(f"{folder}/manifest.json", encoding="utf-8"))
    print(f"  {seen} rows, {bad} differ")
    return 1 if bad or seen < 600 else 0


def check_starts(rows_path):
    rows = load(rows_path)
    env = [r for r in rows if r["op"] == "env"]
    kept = (b"HOSTILE=" + b"v" * 100000)[:ENV_MAX]
    good = (len(env) == 1 and
            unescape_args(env[0]["env"]) ==
            kept + b"\0HOSTILE_TOO=\xff\n\"\\x41," and
            env[0]["cut"] & 2 and env[0]["mark"] == "env_cut")
    if not good:
        print(f"  environment: {env}"[:600])
    names = [r for r in rows if r["call"] == "access" and
             unescape(r["comm"]) == b"od\xff\n\","]
    print(f"  calls under an odd name: {len(names)}")
    return 0 if good and len(names) == 4 else 1


def check_terminal(path):
    shown_text = open(path, encoding="utf-8", errors="strict",
                      newline="").read()
    moving = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown_text)
    print(f"  {len(shown_text)} letters, {len(moving)} that move the cursor")
    return 1 if moving or len(shown_text) < 10000 else 0


def main(argv):
    checks = {"rows": compare_rows, "csv": compare_csv,
              "export": compare_export, "starts": check_starts,
              "terminal": check_terminal}
    return checks[argv[1]](*argv[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
