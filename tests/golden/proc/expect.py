#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""expect.py ROOT [COLLECTOR...]: what the collectors should say about ROOT.

expect/COLLECTOR.py has expect(text, row, files): text(path) the lines of a file
below ROOT (none: it is not there), row() one metric.  Written from the kernel's
documentation, not from the collectors.  One line per metric: name, kind, scale,
unit, stored value.
"""
import glob
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
root = sys.argv[1]
rows = []


def text(path):
    try:
        with open(os.path.join(root, path)) as f:
            return f.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def files(pattern):
    """Paths below ROOT that match, without ROOT."""
    return sorted(os.path.relpath(p, root) for p in glob.glob(os.path.join(root, pattern)))


def row(name, kind, value, unit="-", scale=1):
    rows.append(f"{name} {kind} {scale} {unit} {int(value)}")


def run(path):
    spec = importlib.util.spec_from_file_location("expect_one", path)
    one = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(one)
    one.expect(text, row, files)


sys.dont_write_bytecode = True
names = sys.argv[2:]
for p in sorted(glob.glob(os.path.join(HERE, "expect", "*.py"))):
    if not names or os.path.basename(p)[:-3] in names:
        run(p)
print("\n".join(sorted(rows)))
