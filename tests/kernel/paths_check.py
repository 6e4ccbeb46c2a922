#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""paths_check.py GLOBS LIST STATUS.json TEST.jsonl - each rule counted the calls whose
path Python's fnmatch says it is about; and so does the back-test."""
import fnmatch
import json
import sys

rules = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
calls = [json.loads(line) for line in open(sys.argv[2])]
live = {name: t["hits"] for name, t in json.load(open(sys.argv[3]))["trigger"].items()}
test = {}
for line in open(sys.argv[4]):
    row = json.loads(line)
    if "hits" in row:
        test[row["rule"]] = row["hits"]
bad = some = 0
for name, negated, glob in rules:
    n = sum(any(fnmatch.fnmatchcase(p, glob) for p in paths) for paths in calls)
    want = len(calls) - n if negated else n
    some += 0 < want < len(calls)
    if live.get(name) != want or test.get(name) != want:
        bad += 1
        print(f"  {name}: path {negated}= {glob}: {want} calls, {live.get(name)} hits live, "
              f"{test.get(name)} in the back-test")
print(f"  {len(calls)} calls, {len(rules)} rules, {some} of them for some of the calls")
sys.exit(bad > 0 or some < 12)
