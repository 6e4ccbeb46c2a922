#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# latency.sh - a FUSE file that delays single writes fires latency triggers: one
# snapshot with the slow write and what preceded it; and with two triggers, a
# cooldown and a reload in between, every hit is counted where it belongs.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
[ -e /dev/fuse ] || modprobe fuse 2>/dev/null
[ -e /dev/fuse ] || skip "no /dev/fuse on this kernel"
scratch
slowfs=$(helper slowfs "$(pkg-config --cflags --libs fuse3 2>/dev/null)") ||
	skip "libfuse3-dev is not installed"

# ms: writes that are slow, slower, and the limits that tell them from all else.
# On a busy or emulated machine a quick write may take 200; where nothing else
# runs, LATENCY_MS="50 150 20 100" will do as well.
read -r slow slower limit limit_more <<<"${LATENCY_MS:-500 1200 300 800}"
scope=(--set "scope.pids=$$") # others' slow writes are not our subject

# slow_mount NAME DELAY_MS: multiples of 1000 are slow
slow_mount() {
	mkdir "$W/$1"
	"$slowfs" "$W/$1" "$2" 1000 2>>"$W/slowfs.log" &
	at_end "umount -l '$W/$1'"
	for _ in $(seq 100); do
		[ -e "$W/$1/data" ] && return
		sleep 0.05
	done
	skip "a FUSE file system cannot be mounted here"
}

# write_numbers FILE OFFSET...: one byte at each, 1 ms apart; "A-B" is a range
write_numbers() {
	python3 - "$@" <<-'PY'
		import os, sys, time
		fd = os.open(sys.argv[1], os.O_WRONLY)
		for a in sys.argv[2:]:
		    first, _, last = a.partition("-")
		    for i in range(int(first), int(last or first) + 1):
		        os.pwrite(fd, b"x", i)
		        time.sleep(0.001)
	PY
}

slow_mount slow $slow
slow_mount slower $slower

# ---- one hit -----------------------------------------------------------------
recorder_start "${scope[@]}" \
	--set "trigger.slow-write.when=fs.write latency > ${limit}ms" \
	--set trigger.slow-write.cooldown=60s || exit 1
write_numbers "$W/slow/data" 1-1100
check "a slow write gives a snapshot" wait_snapshots 1
sleep 1
check "it gives only one" [ "$(snapshots | wc -l)" = 1 ]
file=$(snapshots | head -n 1)
"$FR" show -O csv --stream fs -f call,offset,dur,path "$file" >"$W/rows.csv"
holds_the_slow_one() {
	awk -F, -v ns=${slow}000000 '$1 == "pwrite64" && $2 == 1000 && $3 >= ns && $4 ~ /slow\/data"?$/ { n++ }
		END { exit n != 1 }' "$W/rows.csv"
}
holds_what_preceded() { # 1 to 999, each once, none slow
	awk -F, -v ns=${limit}000000 '$1 == "pwrite64" && $4 ~ /slow/ && $2 < 1000 && $3 < ns { n += !seen[$2]++ }
		END { exit n != 999 }' "$W/rows.csv"
}
names_the_trigger() { "$FR" info "$file" | grep -q slow-write; }
check "it holds the slow write, once, by its offset" holds_the_slow_one
check "it holds the 999 writes before" holds_what_preceded
check "it names the trigger" names_the_trigger
recorder_stop
rm -f "$SNAP"/*.frs

# ---- two triggers, a cooldown, a reload ----------------------------------------
cat >"$W/two.conf" <<CONF
[run]
folder = $RUN
[dump]
folder = $SNAP
fallback =
[ring]
pin_folder = $PIN
[trigger "twenty"]
when = fs.write latency > ${limit}ms
cooldown = 60s
[trigger "hundred"]
when = fs.write latency > ${limit_more}ms
cooldown = 1s
CONF
counts_of() { recorder_says | python3 tests/kernel/status_value.py "$@"; }
SETS=(-c "$W/two.conf")
recorder_start "${scope[@]}" || exit 1
write_numbers "$W/slow/data" 1000 2000 3000 1-50
write_numbers "$W/slower/data" 4000 1-50
echo '# reloaded' >>"$W/two.conf"
kill -HUP "$daemon"
write_numbers "$W/slow/data" 5000 6000 1-50
write_numbers "$W/slower/data" 7000 8000
wait_snapshots 1
sleep 3
# 5 writes over the first limit only, 3 over both
check "trigger twenty: fired + suppressed + merged = 8" \
	[ "$(counts_of -s twenty fired suppressed merged)" = 8 ]
check "trigger hundred: fired + suppressed + merged = 3" \
	[ "$(counts_of -s hundred fired suppressed merged)" = 3 ]
check "trigger twenty fired once (cooldown 60s, kept across the reload)" \
	[ "$(counts_of twenty fired)" = 1 ]
fired=$(($(counts_of twenty fired) + $(counts_of hundred fired)))
check "a snapshot for each that fired ($fired)" [ "$(snapshots | wc -l)" = "$fired" ]
recorder_says >"$W/status.json"
for t in twenty hundred; do
	echo "  $t: fired, suppressed, merged:" \
		"$(python3 tests/kernel/status_value.py $t fired suppressed merged <"$W/status.json")"
done
finish
