#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# reloads.sh [TIMES] - the settings are read again, so many times over (300), each time
# with other rules, while a program makes hits: a rule that stays counts every one of
# them, and so does one whose text changes but not its meaning for the program; nothing
# is lost, and the recorder grows no larger.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
times=${1:-300}
storm=$(helper storm) || exit 1
put_rules() {
	cat >"$W/rules.conf" <<-E
		[trigger "always"]
		when = fs.pwrite64 error EBADF where comm = storm
		cooldown = 1h
	E
}
put_rules
# with that sanitizer: what was freed is kept for a while, of this size
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=16
recorder_start -c "$W/rules.conf" --set sampler.collectors= || exit 1
# as long as the reloads take: the rate is what matters
cat >"$W/drive.py" <<'PY'
# drive.py SOCKET RULES TIMES PID: other rules, then reload; prints the memory
import os, socket, sys, time
sock, path, times, pid = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
fixed = open(path).read()


def resident_kb():
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


def open_files():
    return len(os.listdir(f"/proc/{pid}/fd"))


def reload(i):
    rules = fixed if i % 2 else ""
    for n in range(i % 7):
        rules += (f'[trigger "rule{n}"]\nwhen = fs.fsync latency > {1 + i % 50}s '
                  f'or fs.openat error EIO or load.load1 > {1000 + i}\n')
    if i % 3: # what a slot counts, and what is looked at
        rules += (f'[trigger "looked"]\nwhen = fs.pwrite64 p99 latency > {1 + i % 5}s over 1s '
                  f'where comm = storm or fs.* inflight > {10 + i % 3}ms where path = "/none/*"\n')
    if not i % 2:
        rules += fixed
    with open(path + ".new", "w") as f:
        f.write(rules)
    os.rename(path + ".new", path)
    s = socket.socket(socket.AF_UNIX)
    s.connect(sock)
    s.sendall(b"reload\n")
    answer = b""
    while chunk := s.recv(4096):
        answer += chunk
    if not answer.startswith(b"ok"):
        sys.exit(f"reload {i}: {answer.decode()}")


begin = time.monotonic()
for i in range(times):
    reload(i)
    if i == times // 4: # everything was in use once
        before, files = resident_kb(), open_files()
took = time.monotonic() - begin
print(f"  {times} reloads in {took:.1f} s, {took * 1e3 / times:.2f} ms each; "
      f"{before} KiB resident after a quarter of them, {resident_kb()} at the end; "
      f"{files} and {open_files()} descriptors")
sys.exit(resident_kb() > before + 1024 + before // 50 or open_files() > files + 2)
PY
"$storm" 3600 20000 >"$W/calls" &
hits_by=$!
at_end "kill $hits_by 2>/dev/null"
check "$times reloads; the recorder grows no larger" \
	python3 "$W/drive.py" "$RUN/control.sock" "$W/rules.conf" "$times" "$daemon"
kill -TERM $hits_by
wait $hits_by 2>/dev/null
recorder_says >"$W/status"
counted() {
	python3 - "$W/status" "$(cat "$W/calls")" <<-'PY'
		import json, sys
		s, calls = json.load(open(sys.argv[1])), int(sys.argv[2].split()[0])
		t = s["trigger"]["always"]
		lost = sum(int(p.get("lost", 0)) + int(p.get("misses", 0)) for probes in s["probe"].values()
		           for p in probes.values() if isinstance(p, dict))
		print(f"  {calls} calls, {t['hits']} hits: {t['fired']} fired, {t['merged']} merged, "
		      f"{t['suppressed']} suppressed; {lost} events lost")
		sys.exit(int(t["hits"]) != calls or int(t["fired"]) != 1 or lost != 0)
	PY
}
check "the rule that was always there counted every hit" counted
ends_well() { # built with a sanitizer: and with nothing left in memory
	kill -TERM "$daemon"
	wait "$daemon" && daemon='' && return
	daemon=''
	grep -a -A 12 'ERROR' "$W/log"
	return 1
}
check "it ends well" ends_well
finish
