#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record_top.sh - what `record --top` and `top --tree` say of a command and its
# descendants, against what the kernel tells its parent (wait4): CPU time, bytes
# written; one that outlives its parent counts, and nobody else's does.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
python=$(python3 -c 'import sys; print(sys.executable)') # not a shim that is a shell
cat >"$W/work.py" <<'PY'
import json, os, resource, sys, time
folder = sys.argv[1]

def busy(seconds):
    while time.process_time() < seconds:
        pass

def child(name, seconds, mib):
    pid = os.fork()
    if pid:
        return pid
    with open(f"{folder}/{name}", "wb", buffering=0) as f:
        for _ in range(mib):
            f.write(bytes(1 << 20))
    busy(seconds)
    os._exit(0)

r, w = os.pipe()
middle = os.fork()
if not middle: # ends at once: its child gets another parent
    if os.fork():
        os._exit(0)
    os.setsid()
    busy(0.4)
    t = resource.getrusage(resource.RUSAGE_SELF)
    os.write(w, json.dumps(t.ru_utime + t.ru_stime).encode())
    os._exit(0)
for p in (child("a", 0.3, 8), child("b", 0.2, 4), middle):
    os.waitpid(p, 0)
orphan = json.loads(os.read(r, 100))
used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"cpu_ns": 1e9 * (sum(u.ru_utime + u.ru_stime for u in used) + orphan)}))
PY
check "a command that forks, recorded" "$FR" record -o "$W/a.frs" --top 20ms --set ring.pin_folder= \
	--set run.folder="$W/record" -- "$python" "$W/work.py" "$W"
"$FR" record -o "$W/b.frs" --top 20ms --set ring.pin_folder= --set run.folder="$W/record" -- \
	"$python" "$W/work.py" "$W" >"$W/said" 2>"$W/told" || exit 1
pid=$("$FR" info -O json "$W/b.frs" | grep -o '"scope.pids": *"[0-9]*"' | grep -o '[0-9]*')
told() { grep -Eq '^ +all +[0-9.]+ ' "$W/told" && grep -q 'python3' "$W/told"; }
check "it says at the end what was used" told
[ -n "$pid" ] || pid=$("$FR" show -O csv --stream proc -f pid "$W/b.frs" | sed -n 2p)
"$FR" top --tree "$pid" --csv -n 100 "$W/b.frs" >"$W/tree.csv"
compare() {
	python3 - "$W/said" "$W/tree.csv" <<-'PY'
		import csv, json, sys
		said = json.loads(open(sys.argv[1]).read())
		rows = list(csv.DictReader(open(sys.argv[2])))
		cpu = sum(int(r["cpu_ns"] or 0) for r in rows)
		wrote = sum(int(r["write_bytes"] or 0) for r in rows)
		print(f"  {len(rows)} processes: CPU {cpu / 1e6:.0f} ms, by wait4 {said['cpu_ns'] / 1e6:.0f} ms; "
		      f"{wrote >> 20} MiB written, of 12")
		# what it did before its first sample and after its own rusage is all that may differ
		good = abs(cpu - said["cpu_ns"]) < 0.05 * said["cpu_ns"] + 3e7
		sys.exit(not (good and len(rows) == 5 and wrote >> 20 >= 12))
	PY
}
check "CPU time of all five processes is what wait4 says" compare
check_exit "a process that is none" 2 "$FR" top --tree x "$W/b.frs"
check_exit "nobody's tree is empty" 5 "$FR" top --tree 4194303 "$W/b.frs"
finish
