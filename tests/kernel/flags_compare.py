#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""flags_compare.py - the words of strace against those of flightrec.

  flags_compare.py LOG ROWS [CALL...]   each word of each call is equal; with CALLs:
                                        these must be among the calls compared

LOG is strace -f -X abbrev (its default), ROWS is `flightrec show -O jsonl` of the
same run.  A thread makes one call after the other, so the n-th call of a name in
LOG is the n-th in ROWS.  What cannot be equal is changed here, by name:

  0x800 /* O_??? */    UNKNOWN(0x800), or for an enumeration NAME(2048)
  FASYNC               O_ASYNC, as the manual pages call it
  options of SOL_UDPLITE and of levels without a table here: numbers on one side
  socket(AF_INET, SOCK_PACKET): the kernel makes one of AF_PACKET
  names newer than this strace: those of words_*.def that the strace program does
                       not have; each is printed
"""
import collections
import json
import re
import subprocess
import sys

from files_compare import split_arguments, whole_lines

# call -> {column: number of the argument}
FLAGS = {
    "open": {"flags_text": 2, "mode_text": 3},
    "openat": {"flags_text": 3, "mode_text": 4},
    "creat": {"mode_text": 2},
    "dup3": {"flags_text": 3},
    "close_range": {"flags_text": 3},
    "mremap": {"flags_text": 4},
    "msync": {"flags_text": 3},
    "fallocate": {"flags_text": 2},
    "flock": {"flags_text": 2},
    "sync_file_range": {"flags_text": 4},
    "preadv2": {"flags_text": 5},
    "pwritev2": {"flags_text": 5},
    "splice": {"flags_text": 6},
    "tee": {"flags_text": 4},
    "vmsplice": {"flags_text": 4},
    "copy_file_range": {"flags_text": 6},
    "fsetxattr": {"flags_text": 5},
    "setxattr": {"flags_text": 5},
    "lsetxattr": {"flags_text": 5},
    "newfstatat": {"flags_text": 4},
    "fstatat64": {"flags_text": 4},
    "statx": {"flags_text": 3},
    "faccessat2": {"mode_text": 3, "flags_text": 4},
    "access": {"mode_text": 2},
    "faccessat": {"mode_text": 3},
    "fchownat": {"flags_text": 5},
    "utimensat": {"flags_text": 4},
    "unlinkat": {"flags_text": 3},
    "linkat": {"flags_text": 5},
    "renameat2": {"flags_text": 5},
    "umount2": {"flags_text": 2},
    "fchmod": {"flags_text": 2},
    "chmod": {"mode_text": 2},
    "fchmodat": {"mode_text": 3},
    "mkdir": {"mode_text": 2},
    "mkdirat": {"mode_text": 3},
    "mknod": {"mode_text": 2},
    "mknodat": {"mode_text": 3},
    "epoll_create1": {"flags_text": 1},
    "accept4": {"flags_text": 4},
    "sendto": {"flags_text": 4},
    "recvfrom": {"flags_text": 4},
    "send": {"flags_text": 4},
    "recv": {"flags_text": 4},
    "sendmsg": {"flags_text": 3},
    "recvmsg": {"flags_text": 3},
    "sendmmsg": {"flags_text": 4},
    "recvmmsg": {"flags_text": 4},
}
# the same of enumerations, with the name that unknown ones get
VALUES = {
    "madvise": {"flags_text": (3, "MADV")},
    "fadvise64": {"flags_text": (4, "POSIX_FADV")},
    "epoll_ctl": {"ctl_op_text": (2, "EPOLL_CTL")},
    "shutdown": {"how_text": (2, "SHUT")},
}


def known_to_strace():
    path = subprocess.run(["sh", "-c", "command -v strace"], check=True,
                          capture_output=True, text=True).stdout.strip()
    data = open(path, "rb").read()
    return set(re.findall(rb"[A-Z_0-9]*[A-Z][A-Za-z_0-9]+", data))


def newer_names():
    """{value: names} of words_*.def that this strace does not have."""
    known, newer = known_to_strace(), collections.defaultdict(set)
    for part in ("fs", "net", "sockopt"):
        for line in open(f"dump/words_{part}.def"):
            m = re.match(r"FR_WORD\((\w+), (\w+)\)", line)
            if m and not any(m[1].encode() in k for k in known):
                value = m[2]
                octal = re.match(r"0[0-7]+$", value)
                newer[int(value, 8 if octal else 0)].add(m[1])
    return newer


NEWER, new_seen = newer_names(), collections.Counter()


def plain(text):
    text = re.sub(r" /\* .*? \*/", "", text)
    return text.replace("FASYNC", "O_ASYNC")


def is_number(text):
    return re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", text) is not None


def flags_of(text):
    """strace's flags as a set of words and the sum of what has none."""
    words, rest = [], 0
    for word in plain(text).split("|"):
        if is_number(word):
            rest |= int(word, 0)
        else:
            words.append(word)
    return words, rest


def same_flags(want, got):
    """Words in the same order, unknown bits the same."""
    if want is None or got is None:
        return want == got
    words, rest = flags_of(want)
    mine, unknown = [], 0
    for word in got.split("|"):
        m = re.fullmatch(r"UNKNOWN\((0x[0-9a-f]+)\)", word)
        if m:
            unknown |= int(m[1], 0)
        elif word != "0":
            mine.append(word)
    for value, names in NEWER.items():
        for word in [w for w in mine if w in names and w not in words]:
            if value & rest == value and value:
                mine.remove(word)
                unknown |= value
                new_seen[word] += 1
    return mine == words and unknown == rest


def same_value(want, got, name):
    want = plain(want)
    if not is_number(want):
        return want == got
    value = int(want, 0)
    if got in NEWER.get(value, ()):
        new_seen[got] += 1
        return True
    signed = value - (1 << 32) if value >> 31 & 1 else value
    return got in (f"{name}({value})", f"{name}({signed})")


def same_mode(want, got):
    return plain(want).lstrip("0") == (got or "").lstrip("0")


# ---- calls that are more than one argument -------------------------------------
def same_mmap(args, row):
    prot, flags = (row["flags_text"] or "").split(",")
    return (same_flags(args[2], "" if prot == "PROT_NONE" and
                       args[2] != prot else prot) and
            same_map(plain(args[3]), flags))


def same_map(want, flags):
    """The type is an enumeration in the lowest four bits."""
    flags = re.sub(r"MAP_TYPE\((\d+)\)\|?", lambda m: "" if m[1] == "0" else
                   f"UNKNOWN({hex(int(m[1]))})|", flags).rstrip("|")
    return same_flags(want, flags or "0")


def same_openat2(args, row):
    m = re.match(r"\{flags=([^,]+)(?:, mode=(\w+))?", args[2])
    if not m:  # not readable
        return row["flags_text"] is None
    return (same_flags(m[1], row["flags_text"]) and
            (not m[2] or same_mode(m[2], row["mode_text"])))


def same_ctl(args, row):
    m = re.match(r"\{events=([^,]+),", args[3])
    if row["ctl_op_text"] == "EPOLL_CTL_DEL":
        return row["asked_events"] is None
    return m and same_flags(m[1], row["asked_events_text"])


def joined(entries, member):
    """The words of that member of all entries, once each."""
    words = set()
    for text in re.findall(member + r"=([^,}]+)", entries):
        words |= {w for w in plain(text).split("|") if w != "0"}
    return words


def words_of(text):
    return {w for w in (text or "0").split("|") if w != "0"}


def same_poll(args, row, result):
    asked = {re.sub(r"UNKNOWN\((.*)\)", r"\1", w)
             for w in words_of(row["asked_events_text"])}
    came = re.search(r"\((\[.*\])", result)
    return (joined(args[0], "events") == asked and
            (not came or joined(came[1], "revents") ==
             words_of(row["events_text"])))


def same_socket(args, row):
    """A socket that was made has the protocol that the kernel chose; protocols of
    families other than these have words only in strace."""
    words, rest = flags_of(args[1])
    flags = [w for w in words if w in ("SOCK_CLOEXEC", "SOCK_NONBLOCK")]
    kind = [w for w in words if w not in flags] or [str(rest & 15)]
    flags.append(hex(rest & ~15))
    protocol = plain(args[2])
    decoded = args[0] in ("AF_INET", "AF_INET6", "AF_NETLINK")
    if decoded:
        good = same_value(protocol, row["protocol_text"], "IPPROTO")
    else:
        good = (not is_number(protocol) or
                row["protocol_text"] == str(int(protocol, 0)))
    old_packet = kind == ["SOCK_PACKET"] and row["family_text"] == "AF_PACKET"
    return ((same_value(args[0], row["family_text"], "AF") or old_packet) and
            same_value(kind[0], row["sock_type_text"], "SOCK") and
            same_flags("|".join(flags), row["flags_text"]) and
            (row["ret"] >= 0 or good))


# Levels of socket options that have tables on both sides.
LEVELS = {"SOL_IP": 0, "SOL_SOCKET": 1, "SOL_TCP": 6, "SOL_UDP": 17,
          "SOL_IPV6": 41, "SOL_PACKET": 263,
          "SOL_NETLINK": 270, "SOL_TLS": 282, "AF_VSOCK": 40}


def same_option(args, row):
    level, option = plain(args[1]), plain(args[2])
    if not same_value(level, row["level_text"], "SOL"):
        return False
    if level not in LEVELS:
        return True
    if not is_number(option):
        return option == row["option_text"]
    number = int(option, 0)
    if number >> 31 & 1:
        number -= 1 << 32
    if row["option_text"] in NEWER.get(number, ()):
        new_seen[row["option_text"]] += 1
        return True
    return row["option_text"] == f"OPT({row['level']},{number})"


def same(name, args, result, row):
    for column, at in FLAGS.get(name, {}).items():
        if column == "mode_text":
            good = at > len(args) or (
                same_flags(args[at - 1], row[column]) if "access" in name
                else same_mode(args[at - 1], row[column]))
        elif name == "fchmod":
            good = same_mode(args[at - 1], row[column])
        else:
            good = same_flags(args[at - 1], row[column])
        if not good:
            return False
    for column, (at, unknown) in VALUES.get(name, {}).items():
        if not same_value(args[at - 1], row[column], unknown):
            return False
    if name in ("mmap", "mmap2"):
        return same_mmap(args, row)
    if name == "openat2":
        return same_openat2(args, row)
    if name == "epoll_ctl":
        return same_ctl(args, row)
    if name in ("poll", "ppoll"):
        return same_poll(args, row, result)
    if name == "socket":
        return same_socket(args, row)
    if name in ("setsockopt", "getsockopt"):
        return same_option(args, row)
    return True


def paired(log, rows_path, recorded=lambda name, args: True):
    """(name, arguments, result, row or None) of each call of the first thread, and
    the names with more or fewer rows than calls."""
    calls = set(re.findall(r"^FR_CALL(?:32)?\(\d+, (\w+),",
                           open("include/flightrec/calls.def").read(), re.M))
    lines = list(whole_lines(log))
    loaded = [json.loads(line) for line in open(rows_path)]
    rows, first, begin = collections.defaultdict(list), lines[0][0], 0
    for row in loaded:
        if row["op"] == "exec" and row["tid"] == first:
            begin = row["ts"]
    for row in loaded:
        if row["tid"] == first and row["ts"] >= begin and row.get("call"):
            rows[row["call"]].append(row)
    pairs, at = [], collections.Counter()
    for tid, text in lines:
        m = re.match(r"(\w+)\((.*)\)\s+= (.*)$", text)
        if tid != first or not m or m[1] not in calls:
            continue
        args = split_arguments(m[2])
        if not recorded(m[1], args):
            continue
        mine, n = rows[m[1]], at[m[1]]
        pairs.append((m[1], args, m[3], mine[n] if n < len(mine) else None))
        at[m[1]] += 1
    return pairs, {c: (at[c], len(rows[c])) for c in rows
                   if len(rows[c]) != at[c]}


def compare(pairs, short, good, wanted=()):
    """Prints what differs; the exit status."""
    compared, bad = collections.Counter(p[0] for p in pairs), 0
    for name, args, result, row in pairs:
        if row is None or not good(name, args, result, row):
            bad += 1
            if bad <= 25:
                print(f"  strace: {name}({', '.join(args)[:200]}) = {result}")
                print("  flightrec:", {k: v for k, v in (row or {}).items()
                                       if v is not None})
    for call, (theirs, mine) in short.items():
        print(f"  {call}: strace {theirs}, flightrec {mine}")
    missing = [c for c in wanted if not compared[c]]
    print(f"  compared: {sum(compared.values())} calls of {len(compared)} "
          f"names; {bad} differ")
    if missing:
        print("  never seen:", " ".join(missing))
    return 1 if bad or missing or short or not compared else 0


def main(argv):
    pairs, short = paired(argv[1], argv[2])
    status = compare(pairs, short, same, argv[3:])
    print("  newer than this strace:", " ".join(sorted(new_seen)) or "none")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
