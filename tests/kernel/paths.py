#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""paths.py FOLDER OTHER LIST RULES - calls that fail, on paths of all kinds, and the
rules that count them.

FOLDER and OTHER lie on different mounts.  LIST gets a line for each call: the paths
that it is about, as JSON.  RULES gets a rule for each glob, its name and the glob
behind a tab in RULES.globs.  Called without RULES it makes the calls.
"""
import ctypes
import errno
import json
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
AT_EMPTY_PATH = 0x1000


def globs(folder, other):
    return ["*", "/*", folder + "/*", other + "/*", folder, "*/gone", "*.log", "*/gone*",
            folder + "/a/?", "*/[xyz]*", "*/[!a-z]*", "*a*b*c*", folder + "/deep/*/leaf",
            "*" + "x" * 60 + "*", "/", "*/with blank", "*/new name", "*/to"]


class Calls:
    def __init__(self, out):
        self.out = out

    def fails(self, result, *paths):
        if result != -1:
            raise SystemExit(f"a call on {paths} did not fail")
        print(json.dumps([p for p in paths if p]), file=self.out)


def deep_of(folder):
    return folder + "/deep/" + "/".join("abcdefgh") + "/leaf"


def by_path(c, folder, other):
    name = [folder + "/gone", other + "/gone", folder + "/x.log", folder + "/a/b/c", "/gone",
            folder + "/with blank", folder + "/7", folder + "//double/../gone",
            folder + "/" + "x" * 200, folder + "/a/1"]
    for path in name:
        c.fails(libc.open(path.encode(), os.O_RDONLY), path)
        c.fails(libc.unlink(path.encode()), path)
        c.fails(libc.truncate(path.encode(), 0), path)
    long = folder + "/y" * ((1500 - len(folder)) // 2)
    c.fails(libc.open(long.encode(), os.O_RDONLY)) # too long for any glob
    fits = folder + "/y" * ((1000 - len(folder)) // 2)
    c.fails(libc.open(fits.encode(), os.O_RDONLY), fits)


def relative(c, folder, other):
    os.chdir(folder)
    c.fails(libc.open(b"gone", os.O_RDONLY), folder + "/gone")
    c.fails(libc.open(b"./gone", os.O_RDONLY), folder + "/./gone")
    os.chdir(other)
    c.fails(libc.unlink(b"a/b/c"), other + "/a/b/c")
    d = os.open(folder + "/a", os.O_RDONLY | os.O_DIRECTORY)
    c.fails(libc.openat(d, b"x", os.O_RDONLY), folder + "/a/x")
    c.fails(libc.renameat(d, b"from", -100, b"to"), folder + "/a/from", other + "/to")
    os.close(d)
    os.chdir("/")
    c.fails(libc.open(b"gone", os.O_RDONLY), "/gone")
    c.fails(libc.rename((folder + "/no").encode(), (other + "/new name").encode()),
            folder + "/no", other + "/new name")
    c.fails(libc.symlink(b"gone", b"/no/such"), None, "/no/such")


def by_fd(c, folder, other):
    deep = deep_of(folder)
    for path in (folder + "/a/z", other + "/y.log", deep, other + "/a b c"):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        fd = os.open(path, os.O_RDONLY)
        c.fails(libc.write(fd, b"x", 1), path)
        c.fails(libc.ftruncate(fd, 0), path)
        os.close(fd)
    fd = os.open(folder + "/a/z", os.O_RDONLY)
    os.rename(folder + "/a/z", folder + "/a/q.log")
    c.fails(libc.write(fd, b"x", 1), folder + "/a/q.log")
    os.close(fd)
    r, w = os.pipe()
    c.fails(libc.write(r, b"x", 1)) # has no path
    c.fails(libc.read(999, b"x", 1)) # has no file
    os.close(r)
    os.close(w)
    d = os.open("/", os.O_RDONLY)
    c.fails(libc.write(d, b"x", 1), "/")
    os.close(d)


def main():
    folder, other, out = sys.argv[1:4]
    if len(sys.argv) > 4:
        with open(sys.argv[4], "w") as f, open(sys.argv[4] + ".globs", "w") as g:
            for i, glob in enumerate(globs(folder, other)):
                for negated in ("", "!"):
                    name = f"g{i}{'not' if negated else ''}"
                    if negated and i % 3:
                        continue
                    f.write(f'[trigger "{name}"]\nwhen = fs.* error EBADF, ENOENT, EINVAL, '
                            f'EXDEV, EISDIR, ENOTDIR, ENAMETOOLONG where comm = failing, path {negated}= "{glob}"\n'
                            f"cooldown = 1h\n")
                    g.write(f"{name}\t{negated}\t{glob}\n")
        return
    os.makedirs(os.path.dirname(deep_of(folder))) # whose own calls fail, too
    libc.prctl(15, b"failing") # PR_SET_NAME
    with open(out, "w") as f:
        c = Calls(f)
        by_path(c, folder, other)
        relative(c, folder, other)
        by_fd(c, folder, other)
        libc.prctl(15, b"done")


main()
