#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""stuck_paths.py FOLDER OTHER DISK LIST [RULES] - calls that hang, on paths of all kinds,
and the rules that find them while they do.

FOLDER and OTHER lie on different mounts.  DISK is a file system that is frozen when
a line is read ("" for none): whatever changes it hangs.  LIST gets a line for each
call: the paths that it is about, as JSON.  With RULES only a rule for each glob is
written there, its name and the glob behind a tab in RULES.globs.  Prints "hanging"
when all calls have begun, ends with its input.
"""
import ctypes
import fcntl
import json
import os
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
folder, other, disk, out = sys.argv[1:5]
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


def globs():
    return ["*", "/*", folder + "/*", other + "/*", disk + "/*", folder, "*/fifo", "*.log", "*/f*o",
            folder + "/a/?", "*/[xyz]*", "*/[!a-z]*", "*a*b*c*", folder + "/deep/*/leaf", "/",
            "*" + "x" * 60 + "*", "*/with blank", "*/to", "*/new"]


def write_rules(path):
    with open(path, "w") as f, open(path + ".globs", "w") as g:
        for i, glob in enumerate(globs()):
            for negated in ("", "!"):
                name = f"g{i}{'not' if negated else ''}"
                if negated and i % 3:
                    continue
                f.write(f'[trigger "{name}"]\nwhen = fs.* inflight > 400ms '
                        f'where comm = hanging, path {negated}= "{glob}"\ncooldown = 1h\n')
                g.write(f"{name}\t{negated}\t{glob}\n")


class Calls:
    def __init__(self, file):
        self.file, self.pids = file, []

    def hangs(self, prepare, call, *paths):
        """A process of its own that prepares, says so, and then hangs in the call."""
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            libc.prctl(PR_SET_PDEATHSIG, 9)
            os.close(r)
            with open("/dev/null", "r+b") as null: # what the parent reads is not ours
                os.dup2(null.fileno(), 0)
            got = prepare()
            libc.prctl(PR_SET_NAME, b"hanging")
            os.write(w, b"x")
            call(got)
            os._exit(1)
        os.close(w)
        os.read(r, 1)
        os.close(r)
        self.pids.append(pid)
        print(json.dumps([p for p in paths if p]), file=self.file)


def nothing():
    return None


def lock(fd):
    fcntl.flock(fd, fcntl.LOCK_EX)


def held(path, flags=os.O_RDWR | os.O_CREAT):
    """A file that somebody has locked."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, flags, 0o644)
    lock(fd)
    return fd # left open


def by_path(c):
    """Opening a FIFO waits for its other end."""
    deep = folder + "/deep/" + "/".join("abcdefgh")
    os.makedirs(deep, exist_ok=True)
    os.makedirs(folder + "/a", exist_ok=True)
    os.symlink(folder + "/a", folder + "/link")
    for path in (folder + "/fifo", other + "/fifo", folder + "/with blank", folder + "/x.log",
                 folder + "/7", folder + "/" + "x" * 200, folder + "/a/1", deep + "/leaf"):
        os.mkfifo(path)
        c.hangs(nothing, lambda _, p=path: libc.open(p.encode(), os.O_RDONLY), path)
    c.hangs(nothing, lambda _: libc.open((folder + "//a/../fifo").encode(), os.O_RDONLY),
            folder + "//a/../fifo")
    c.hangs(nothing, lambda _: libc.open((folder + "/link/1").encode(), os.O_RDONLY),
            folder + "/link/1")
    c.hangs(lambda: os.chdir(other), lambda _: libc.open(b"fifo", os.O_RDONLY), other + "/fifo")
    c.hangs(lambda: os.open(folder + "/a", os.O_RDONLY | os.O_DIRECTORY),
            lambda d: libc.openat(d, b"1", os.O_RDONLY), folder + "/a/1")
    c.hangs(lambda: os.chdir("/"), lambda _: libc.open((folder + "/fifo")[1:].encode(), os.O_RDONLY),
            folder + "/fifo")
    part = "y" * 100
    at = folder
    for _ in range(10): # too long for any glob, but not for the kernel
        at += "/" + part
    os.makedirs(at)
    os.mkfifo(at + "/fifo")
    c.hangs(nothing, lambda _: libc.open((at + "/fifo").encode(), os.O_RDONLY))


def by_fd(c):
    for path in (folder + "/a/z", other + "/y.log", other + "/a b c"):
        held(path)
        c.hangs(lambda p=path: os.open(p, os.O_RDWR), lock, path)
    held(folder + "/a/q.log")
    os.symlink(folder + "/a/q.log", folder + "/short")
    c.hangs(lambda: os.open(folder + "/short", os.O_RDWR), lock, folder + "/a/q.log")
    root = os.open("/", os.O_RDONLY)
    lock(root)
    c.hangs(lambda: os.open("/", os.O_RDONLY), lock, "/")
    lock(os.open(folder, os.O_RDONLY))
    c.hangs(lambda: os.open(folder, os.O_RDONLY), lock, folder)
    os.mkfifo(folder + "/a/f")
    c.hangs(lambda: os.open(folder + "/a/f", os.O_RDWR), lambda fd: os.read(fd, 1), folder + "/a/f")
    c.hangs(os.pipe, lambda p: os.read(p[0], 1)) # has no path


def frozen(c):
    for name in ("from", "gone", "file", "x.log"):
        with open(f"{disk}/{name}", "w") as f:
            f.write("x")
    fd = os.open(disk + "/file", os.O_RDWR)
    print("freeze", flush=True)
    sys.stdin.readline()
    c.hangs(nothing, lambda _: libc.rename((disk + "/from").encode(), (disk + "/to").encode()),
            disk + "/from", disk + "/to")
    c.hangs(nothing, lambda _: libc.unlink((disk + "/gone").encode()), disk + "/gone")
    c.hangs(lambda: os.chdir(disk), lambda _: libc.mkdir(b"new", 0o700), disk + "/new")
    c.hangs(nothing, lambda _: libc.link((disk + "/x.log").encode(), (disk + "/new").encode()),
            disk + "/x.log", disk + "/new")
    c.hangs(nothing, lambda _: libc.symlink(b"fifo", (disk + "/symlink").encode()),
            disk + "/symlink")
    c.hangs(lambda: fd, lambda f: os.ftruncate(f, 5), disk + "/file")
    c.hangs(nothing, lambda _: libc.open((disk + "/new.log").encode(), os.O_RDWR | os.O_CREAT, 0o600),
            disk + "/new.log")


def main():
    if len(sys.argv) > 5:
        write_rules(sys.argv[5])
        return
    with open(out, "w") as f:
        c = Calls(f)
        by_path(c)
        by_fd(c)
        if disk:
            frozen(c)
    print("hanging", flush=True)
    sys.stdin.readline()
    for pid in c.pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


main()
