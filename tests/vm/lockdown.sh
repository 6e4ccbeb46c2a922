#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lockdown.sh - a kernel that lets no BPF program read its memory (booted with
# lockdown=confidentiality): the recorder says so in one line and goes on with
# what needs no probe.
. tests/kernel/private_recorder.bash
need_kernel
mountpoint -q /sys/kernel/security ||
	mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
grep -q '\[confidentiality\]' /sys/kernel/security/lockdown 2>/dev/null ||
	skip "this kernel is not locked down"
scratch

recorder_start --set sampler.period=200ms || exit 1
cat "$W/log"
check "it says why there are no probes, in one line" \
	[ "$(grep -c 'no kernel probes: .*lockdown' "$W/log")" = 1 ]
sleep 1
client dump >"$W/out" 2>&1
check "it writes a snapshot when asked" wait_snapshots 1
samples() {
	local n
	n=$("$FR" show -O csv --stream sample "$(snapshots | head -n 1)" | wc -l)
	echo "  $n values sampled"
	[ "$n" -gt 100 ]
}
check "with what was sampled" samples
check "and goes on" recorder_says >/dev/null
recorder_stop
check_exit "doctor says so" 4 "$FRD" "${SETS[@]}" --doctor
check "and why" grep -q lockdown "$W/out" "$W/err"
check_exit "record passes on a status" 3 "$FR" record -o "$W/a.frs" \
	--set ring.pin_folder= --set "run.folder=$W/record" -- sh -c 'exit 3'
finish
