#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drop_traffic.py 4|6 NS_A NS_B ADDR_A ADDR_B PORT

Makes known packets get lost between two network name spaces; prints one line
"what=count ..." of what it did itself.  Of the ports from PORT on: +0 is closed,
+1 is dropped by a rule of the caller's, +2 has a receive buffer that is too small,
+3 loses every fourth packet towards B, +4 the first SYN-ACK towards A.
"""
import ctypes
import os
import socket
import sys
import time

CLONE_NEWNET = 0x40000000
CLOSED, FILTERED, FULL, AGAIN = 7, 9, 60, 24
libc = ctypes.CDLL(None, use_errno=True)
family = socket.AF_INET if sys.argv[1] == "4" else socket.AF_INET6
ns_a, ns_b, addr_a, addr_b = sys.argv[2:6]
port = int(sys.argv[6])


def enter(ns):
    fd = os.open("/run/netns/" + ns, os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def make(ns, kind):
    enter(ns)
    return socket.socket(family, kind)


def datagrams(to, count, size):
    s = make(ns_a, socket.SOCK_DGRAM)
    s.bind((addr_a, port + 100))
    for _ in range(count):
        s.sendto(b"x" * size, (addr_b, to))
    s.close()


def listener(to):
    s = make(ns_b, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr_b, to))
    s.listen(4)
    return s


def refused(count):
    for _ in range(count):
        s = make(ns_a, socket.SOCK_STREAM)
        try:
            s.connect((addr_b, port))
        except ConnectionRefusedError:
            pass
        s.close()


def full():
    """Nobody reads: what does not fit is dropped."""
    s = make(ns_b, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.bind((addr_b, port + 2))
    datagrams(port + 2, FULL, 500)
    s.setblocking(False)
    got = 0
    while True:
        try:
            s.recv(2048)
            got += 1
        except BlockingIOError:
            break
    ino = os.fstat(s.fileno()).st_ino
    s.close()
    return FULL - got, ino


def again(to, count):
    """Messages there and back, each of which may be lost on its way there."""
    server = listener(to)
    c = make(ns_a, socket.SOCK_STREAM)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    c.settimeout(60)
    c.connect((addr_b, to))
    s, _ = server.accept()
    ino = os.fstat(c.fileno()).st_ino
    for _ in range(count):
        c.sendall(b"y" * 100)
        need = 100
        while need:
            need -= len(s.recv(need))
        s.sendall(b"z")
        c.recv(1)
    s.close()
    assert c.recv(1) == b""
    c.close()
    server.close()
    return ino


datagrams(port, CLOSED, 33)
refused(CLOSED)
datagrams(port + 1, FILTERED, 44)
lost, full_ino = full()
again_ino = again(port + 3, AGAIN)
again(port + 4, 1)
deadline = time.monotonic() + 60
left = True
while left and time.monotonic() < deadline:  # until the last FIN is acknowledged
    left = False
    for ns in (ns_a, ns_b):
        enter(ns)
        with open("/proc/thread-self/net/tcp" + ("6" if family == socket.AF_INET6 else "")) as f:
            left |= any(l.split()[3] not in ("06", "0A", "07") for l in f.readlines()[1:])
    time.sleep(0.02)
print(f"closed={CLOSED} filtered={FILTERED} full={lost} full_ino={full_ino} again_ino={again_ino}")
