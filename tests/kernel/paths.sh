#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# paths.sh - rules with `path = GLOB`: each counts the failing calls whose path
# matches, by Python's fnmatch, whether the program gave a path, a part of one, or
# a descriptor; and the back-test of the snapshot says the same.  Then a slow one.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
mkdir -p "$W/one/a" "$W/two" && mount -t tmpfs -o size=20m tmpfs "$W/two" || skip "cannot mount tmpfs"
at_end "umount -l '$W/two'"

python3 tests/kernel/paths.py "$W/one" "$W/two" - "$W/rules.conf" || exit 1
cat >>"$W/rules.conf" <<CONF
[trigger "waits"]
when = fs.flock latency > 30ms where path = "*/locked"
[trigger "mapped"]
when = fault latency > 1ns where path = "*/mapped"
[trigger "waits-not"]
when = fs.flock latency > 30ms where path = "*/other"
CONF
recorder_start -c "$W/rules.conf" --set sampler.collectors= --set "scope.pids=$$" \
	--set ring.memory=32MiB --set probes.streams=fs,fault || exit 1
check "the calls fail as they should" python3 tests/kernel/paths.py "$W/one" "$W/two" "$W/list"

cat >"$W/lock.py" <<'PY'
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
r, w = os.pipe()
if os.fork() == 0:
    other = os.open(sys.argv[1], os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    os.write(w, b"x")
    time.sleep(0.06)
    os._exit(0)
os.read(r, 1)
fcntl.flock(fd, fcntl.LOCK_EX)
PY
python3 "$W/lock.py" "$W/two/locked"

cat >"$W/map.py" <<'PY'
import mmap, os, sys
for name in ("mapped", "unmapped"):
    with open(f"{sys.argv[1]}/{name}", "w+b") as f:
        f.write(bytes(64 * 4096))
        f.flush()
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(f.fileno(), 0) as m:
            m.madvise(mmap.MADV_RANDOM)
            for i in range(64):
                m[i * 4096]
PY
python3 "$W/map.py" "$W/one"
client dump >/dev/null || exit 1
recorder_says >"$W/status.json"
file=$(snapshots | tail -n 1)
check "a slow one on that path counts" [ "$(python3 tests/kernel/status_value.py waits hits <"$W/status.json")" = 1 ]
check "and on no other" [ "$(python3 tests/kernel/status_value.py waits-not hits <"$W/status.json")" = 0 ]
"$FR" show -O csv --stream fault -f path,dur "$file" >"$W/faults.csv"
faults() { # whose duration is known: some kernels tell of faults without
	want=$(grep -c '/mapped"*,[1-9]' "$W/faults.csv")
	hits=$(python3 tests/kernel/status_value.py mapped hits <"$W/status.json")
	echo "  $want page faults on the file, $hits hits; $(grep -c '/unmapped' "$W/faults.csv") on another"
	[ "$want" = "$hits" ]
}
check "page faults, by the file that is mapped" faults
"$FR" trigger test --all -O jsonl "$W/rules.conf" "$file" >"$W/test.jsonl"
status=$?
check "all is decided (exit $status)" [ $status = 0 ]
[ $status = 0 ] || grep -m 3 reason "$W/test.jsonl"
check "hits as fnmatch has them, live and in the back-test" python3 tests/kernel/paths_check.py \
	"$W/rules.conf.globs" "$W/list" "$W/status.json" "$W/test.jsonl"
finish
