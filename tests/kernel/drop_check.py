#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drop_check.py FOLDER WHAT NS_A NS_B PORT [...] - rows of the stream drop against
the counters of the name spaces; for drop.sh."""
import bisect
import json
import os
import re
import sys

folder, what, ns_a, ns_b, port = sys.argv[1:6]
port = int(port)
A = {"4": "10.213.7.1", "6": "fd00:213::1"}
B = {"4": "10.213.7.2", "6": "fd00:213::2"}
facts = json.load(open(folder + "/info"))["facts"]
table = dict(w.split("=", 1) for w in facts.get("enum", {}).get("drop_reason", "").split())
rows = [json.loads(line) for line in open(folder + "/rows")]
drops = [r for r in rows if r["op"] == "packet_drop"]
wrong = 0


def snmp(ns, moment):
    out, names = {}, None
    for line in open(f"{folder}/{ns}.snmp.{moment}"):
        key, *words = line.split()
        if names and names[0] == key:
            out.update({key[:-1] + n: int(v) for n, v in zip(names[1], words)})
            names = None
        else:
            names = (key, words)
    for line in open(f"{folder}/{ns}.snmp6.{moment}"):
        key, value = line.split()
        out[key] = int(value)
    return out


def grown(ns, name):
    return snmp(ns, 2)[name] - snmp(ns, 1)[name]


def is_shielded(tid):
    """May not even root look at it?  Then no BPF program runs in its time."""
    try:
        os.readlink(f"/proc/{tid}/ns/mnt")
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def find_unseen():
    """Events that ftrace saw while a process was on the CPU that is shielded."""
    tids, seen = {}, {}
    for line in open(folder + "/ftrace"):
        m = re.match(r"\s*.*-(\d+)\s+(?:\([^)]*\)\s+)?\[\d+\].*?\d+\.\d+: (\w+): ", line)
        if not m:
            continue
        tid, event = int(m[1]), m[2]
        if tid and tids.setdefault(tid, is_shielded(tid)):
            seen[event] = seen.get(event, 0) + 1
    if seen:
        print(f"  in the time of processes that are not to be traced: {seen}")
    return seen


unseen = find_unseen()
may_miss = {"packet_drop": unseen.get("kfree_skb", 0),
            "tcp_retransmit": unseen.get("tcp_retransmit_skb", 0) + unseen.get("tcp_retransmit_synack", 0)}


def say(text, good, got, want):
    global wrong
    wrong += not good
    print(f"  {text}: recorded {got}, elsewhere {', '.join(map(str, want))}"
          + ("" if good else "  WRONG"))


def same(text, got, *want):
    say(text, all(got == w for w in want), got, want)


def counted(text, event, got, *want):
    """Numbers of such events, of which no more may be missing than were not to be seen."""
    missing = want[0] - got
    good = 0 <= missing <= may_miss[event] and all(w == want[0] for w in want)
    may_miss[event] -= missing if good else 0
    say(text, good, got, want)


def of(version, reason, protocol, to, size=None):
    return [r for r in drops if r["laddr"] == A[version] and r["raddr"] == B[version]
            and r["rport"] == to and r["protocol"] == protocol
            and (reason is None or not table or table[str(r["reason"])] == reason)
            and (size is None or r["size"] == size)]


def did(version):
    return {k: int(v) for k, v in (w.split("=") for w in open(f"{folder}/did.{version}").read().split())}


def check_drops(version):
    d, udp = did(version), "Udp" if version == "4" else "Udp6"
    ip = 20 if version == "4" else 40
    counted("UDP to a closed port", "packet_drop", len(of(version, "NO_SOCKET", 17, port, ip + 8 + 33)),
         d["closed"], grown(ns_b, udp + "NoPorts"))
    counted("TCP to a closed port", "packet_drop", len(of(version, "NO_SOCKET", 6, port)), d["closed"])
    full = of(version, "SOCKET_RCVBUFF", 17, port + 2, ip + 8 + 500)
    counted("receive buffer full", "packet_drop", len(full), d["full"], grown(ns_b, udp + "RcvbufErrors"))
    inodes = {r["ino"] for r in full}
    same("its socket's inode", sorted(inodes - {None}), [d["full_ino"]] if inodes - {None} else [])
    same("source ports", {r["lport"] for r in full}, {port + 100})
    same("family", {r["family"] for r in full}, {2 if version == "4" else 10})


def check_nft(count):
    got = [r for v in "46" for r in of(v, "NETFILTER_DROP", 17, port + 1)]
    counted("nftables", "packet_drop", len(got), int(count), did("4")["filtered"] + did("6")["filtered"])


def check_again():
    again = [r for r in rows if r["op"] == "tcp_retransmit"]
    for ns, side in ((ns_a, A), (ns_b, B)):
        mine = [r for r in again if r["laddr"] in side.values()]
        counted("segments sent again by " + ns, "tcp_retransmit", sum(r["segments"] for r in mine),
             grown(ns, "TcpRetransSegs"))
    for v in "46":
        data = [r for r in again if r["laddr"] == A[v] and r["raddr"] == B[v]
                and r["rport"] == port + 3 and r["size"] == 100]
        lost = of(v, "NETFILTER_DROP", 6, port + 3)
        print(f"  IPv{v}: {len(data)} retransmissions of data, {len(lost)} segments dropped")
        same("socket of data sent again", {r["ino"] for r in data}, {did(v)["again_ino"]})
        same("its state", {r["tcp_state"] for r in data}, {1})
        syn_acks = [r for r in again if r["laddr"] == B[v] and r["lport"] == port + 4]
        same("a SYN-ACK was sent again", len(syn_acks) > 0, True)


def check_names():
    text = open("/sys/kernel/tracing/events/skb/kfree_skb/format").read()
    pairs = dict(re.findall(r"\{ (\d+), \"(\w+)\" \}", text))
    ours = {k: v for k, v in table.items() if k in pairs}
    pairs = {k: v for k, v in pairs.items() if v != "MAX"}
    apart = {k: (ours.get(k), v) for k, v in pairs.items() if ours.get(k) != v}
    print(f"  {len(pairs)} reasons")
    same("those that differ", apart, {})
    words = {r["reason"]: r.get("reason_text") for r in drops}
    same("words of the rows", words, {n: table.get(str(n)) for n in words})


def check_perf():
    global wrong
    counts = []
    for name in ("inner", "outer"):
        lines = [l.split(",") for l in open(f"{folder}/{name}")]
        counts.append({l[2]: int(l[0]) for l in lines if len(l) > 2 and l[0].isdigit()})
    probes = [find_drop(json.load(open(f"{folder}/status.{i}"))) for i in (1, 2)]
    for probe, event in (("packet", "skb:kfree_skb"), ("retransmit", "tcp:tcp_retransmit_skb"),
                         ("synack", "tcp:tcp_retransmit_synack")):
        d = {k: probes[1][probe][k] - probes[0][probe][k]
             for k in ("hits", "misses", "records", "filtered", "lost")}
        got, low, high = d["hits"] + d["misses"], counts[0][event], counts[1][event]
        shielded = unseen.get(event.split(":")[1], 0)
        good = 0 < low - shielded <= got <= high and d["hits"] == d["records"] + d["filtered"]
        wrong += not good
        print(f"  {probe}: {d}, perf {low} to {high}" + ("" if good else "  WRONG"))


def find_drop(value):
    """The probes of the stream in a status, wherever it keeps them."""
    if isinstance(value, dict):
        if isinstance(value.get("drop"), dict) and "packet" in value["drop"]:
            return value["drop"]
        for v in value.values():
            found = find_drop(v)
            if found:
                return found
    return None


def check_places():
    symbols = []
    for line in open("/proc/kallsyms"):
        at, kind, name = line.split()[:3]
        if "[" in line:
            break
        symbols.append((int(at, 16), name))
    symbols.sort()
    start = {n: at for at, n in symbols}.get("_stext", 0)
    if not start:
        print("  addresses are hidden here")
        same("places", {r["location"] for r in drops}, {None})
        return
    found = set()
    for r in of("4", "NO_SOCKET", 17, port) + of("6", "NO_SOCKET", 17, port):
        i = bisect.bisect(symbols, (start + r["location"], "\xff")) - 1
        found.add(symbols[i][1])
    same("UDP to a closed port is dropped in", all("udp" in f for f in found) and found, found)


{"drops": check_drops, "nft": check_nft, "again": check_again, "names": check_names,
 "perf": check_perf,
 "places": check_places}[what](*sys.argv[6:])
sys.exit(wrong > 0)
