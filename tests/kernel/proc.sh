#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# proc.sh - forks, execs and exits, with wait4(2) as the witness: every child there
# once, its parent, arguments, wait status, life time, CPU time and page faults.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch
cat >"$W/children.py" <<'PY'
import json, os, signal, subprocess, sys, threading, time

def child(args, kill=None):
    """Starts args, waits; what wait4 says of it."""
    began = time.monotonic_ns()
    pid = os.posix_spawn(args[0], args, os.environ)
    if kill:
        time.sleep(0.02)
        os.kill(pid, kill)
    _, status, usage = os.wait4(pid, 0)
    return {"pid": pid, "status": status, "args": args,
            "utime": usage.ru_utime, "stime": usage.ru_stime,
            "minflt": usage.ru_minflt, "majflt": usage.ru_majflt,
            "wall": time.monotonic_ns() - began}

said = []
for code in (0, 1, 7, 255):
    said.append(child(["/bin/sh", "-c", f"exit {code}"]))
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1):
    said.append(child(["/bin/sleep", "30"], kill=number))
said.append(child(["/bin/echo", "two words", "", "quote\"s", "new\nline", "\u00e4"]))
said.append(child([sys.executable, "-c", "x = 0\nfor i in range(3000000): x += i"]))
said.append(child([sys.executable, "-c",  # threads die together, one exits first
    "import threading, os, time\n"
    "for i in range(8): threading.Thread(target=lambda: sum(range(200000))).start()\n"
    "time.sleep(0.2); os._exit(3)"]))
json.dump({"parent": os.getpid(), "children": said}, open(sys.argv[1], "w"))
PY
"$FR" record -o "$W/p.frs" --set ring.memory=16MiB -- python3 "$W/children.py" "$W/said.json" >/dev/null 2>"$W/err"
check "the program ran" [ $? = 0 ]
"$FR" show -O jsonl --stream proc "$W/p.frs" >"$W/rows.jsonl"
python3 - "$W/said.json" "$W/rows.jsonl" <<'PY' && good=$((good + 1)) || bad=$((bad + 1))
import json, sys
said = json.load(open(sys.argv[1]))
rows = [json.loads(line) for line in open(sys.argv[2])]
wrong = []

def expect(what, child, have, want, near=0):
    ok = have is not None and abs(have - want) <= near if near else have == want
    if not ok:
        wrong.append(f"{what} of {child['args'][:3]}: recorded {have!r}, wait4 says {want!r}")

for c in said["children"]:
    mine = [r for r in rows if r["pid"] == c["pid"]]
    forks = [r for r in rows if r["op"] == "fork" and r["child_pid"] == c["pid"]
             and r["child_tid"] == c["pid"]]
    last = [r for r in mine if r["op"] == "exit" and r["last"] == 1]
    execs = [r for r in mine if r["op"] == "exec"]
    expect("forks", c, len(forks), 1)
    expect("last exits", c, len(last), 1)
    if len(forks) != 1 or len(last) != 1 or not execs:
        continue
    expect("parent", c, forks[0]["pid"], said["parent"])
    expect("wait status", c, last[0]["status"], c["status"])
    # as readers show it: a blank between arguments, \x20 for one inside
    shown = " ".join(a.replace(" ", "\\x20") for a in c["args"])
    expect("arguments", c, execs[0]["args"].rstrip(" "), shown)
    expect("user time", c, last[0]["utime"] / 1e9, c["utime"], 0.012)
    expect("system time", c, last[0]["stime"] / 1e9, c["stime"], 0.012)
    expect("minor faults", c, last[0]["minflt"], c["minflt"], 2)
    expect("major faults", c, last[0]["majflt"], c["majflt"], 2)
    if not 0 < last[0]["dur"] <= c["wall"]:
        wrong.append(f"life time of {c['args'][:3]}: {last[0]['dur']} ns of {c['wall']} ns")
print(f"  {len(said['children'])} children compared with wait4")
for w in wrong:
    print("  " + w)
print(("FAILED" if wrong else "ok") + ": forks, execs and exits as wait4 saw them")
sys.exit(bool(wrong))
PY
finish
