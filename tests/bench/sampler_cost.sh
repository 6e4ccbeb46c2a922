#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sampler_cost.sh [SECONDS] - what a sample of everything costs, side by side in one
# run with sadc -S XALL, atop -w and collectl: CPU time, values and bytes of each
# sample, one a second for SECONDS (60).  A JSON line for each.
#
# CPU time of the peers is what wait4 says of the process; ours is that of the
# sampler's thread and of its timer by the kernel (schedstat), not by ourselves.
. "$(dirname "$0")/../kernel/private_recorder.bash"
need_kernel
need python3
seconds=${1:-60}
PATH=$PATH:/usr/lib/sysstat:/usr/lib64/sa
need sadc sadf
scratch
# All that sadc could have: not processes and cgroups, which it does not read, and
# not what others must set up.
all=$(sed -n 's/^extern const struct collector_ops collector_\([a-z0-9_]*\);.*/\1/p' \
	"$O/gen/collector_list.c" |
	grep -Ev '^(processes|cgroups|ping|command|textfile|kmsg|mounts|programs)$' | paste -sd,)
recorder_start --set sampler.period=1s --set "sampler.collectors=$all" \
	--set ring.user_memory=64MiB --set probes.profile=minimal \
	--set state.processes_period=0 || exit 1
python3 - "$seconds" "$daemon" "$FR" "$RUN" "$W" <<'PY'
import json, os, shutil, subprocess, sys, time

seconds, daemon, fr, run, folder = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]


def threads(pid):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as f:
            yield tid, f.read().strip()


def cpu_ns(pid, name):
    """Run time of the thread of that name, as the scheduler has it."""
    for tid, comm in threads(pid):
        if comm == name:
            return int(open(f"/proc/{pid}/task/{tid}/schedstat").read().split()[0])
    raise SystemExit(f"{pid} has no thread {name}")


def status():
    out = subprocess.run([fr, "status", "--json", "--run-folder", run], capture_output=True)
    return json.loads(out.stdout)


def children(pid, name):
    found = subprocess.run(["pgrep", "-P", str(pid), "-x", name], capture_output=True, text=True)
    return [int(p) for p in found.stdout.split()]


peers = {"sadc": ["sadc", "-F", "-S", "XALL", "1", str(seconds), f"{folder}/sa"],
         "atop": ["atop", "-w", f"{folder}/atop", "1", str(seconds)],
         "collectl": ["collectl", "-sbcdfijmnstxCDJMNTY", "-i1:1", f"-c{seconds}", "-f", f"{folder}/collectl",
                      "--quiet"]}
running = {}
before, was = status()["sampler"], cpu_ns(daemon, "fr-sampler")
timer = children(daemon, "fr-timer")
timer_was = cpu_ns(timer[0], "fr-timer")
for name, command in peers.items():
    if shutil.which(command[0]):
        running[subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL).pid] = name
    else:
        print(f"skip: {name} is not installed", file=sys.stderr)
usage = {}
while running:
    pid, _, used = os.wait4(-1, 0)
    if pid in running:
        usage[running.pop(pid)] = used.ru_utime + used.ru_stime
after, now = status()["sampler"], cpu_ns(daemon, "fr-sampler")
timer_now = cpu_ns(timer[0], "fr-timer")


def leaves(v):
    if isinstance(v, dict):
        return sum(map(leaves, v.values()))
    if isinstance(v, list):
        return sum(map(leaves, v))
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def sadc_values():
    out = subprocess.run(["sadf", "-j", f"{folder}/sa", "--", "-A"], capture_output=True)
    try:
        samples = json.loads(out.stdout)["sysstat"]["hosts"][0]["statistics"]
    except (ValueError, KeyError, IndexError):
        return None
    return max(map(leaves, samples), default=None)


def bytes_of(name):
    if name == "collectl":
        return sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder)
                   if n.startswith("collectl"))
    path = f"{folder}/{'sa' if name == 'sadc' else name}"
    return os.path.getsize(path) if os.path.exists(path) else 0


def say(name, samples, cpu_s, values, size, where):
    print(json.dumps({"sampler": name, "samples": samples, "cpu_us_per_sample": round(1e6 * cpu_s / samples, 1),
                      "values_per_sample": values,
                      "cpu_ns_per_value": round(1e9 * cpu_s / samples / values) if values else None,
                      "bytes_per_sample": round(size / samples), "bytes": where}))


ticks = after["ticks"] - before["ticks"]
say("flightrec", ticks, (now - was + timer_now - timer_was) / 1e9, after["values"],
    after.get("bytes", 0) - before.get("bytes", 0), "in the ring, packed")
for name, cpu in usage.items():
    say(name, seconds, cpu, sadc_values() if name == "sadc" else None, bytes_of(name), "file")
PY
client dump >/dev/null && file=$(snapshots | tail -n 1) &&
	echo "snapshot of the samples: $(stat -c %s "$file") bytes, with names and the facts that each snapshot has"
recorder_stop
