#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# accepted.sh - this kernel's verifier refuses none of the programs, whichever way the
# probes are attached, with all streams on.  (Functions that cannot be probed are another
# matter: those are refused when attached.)
. "$(dirname "$0")/private_recorder.bash"
need_kernel
scratch
ways='auto fentry kprobe tracepoint tp_btf'
[ -z "${VMRUN:-}" ] || ways='auto kprobe tracepoint' # a minute each there
for way in $ways; do
	: >"$W/log"
	recorder_start --set probes.profile=deep --set sampler.collectors= \
		--set probes.mechanism=$way --set probes.vfs=yes || exit 1
	client doctor >"$W/doctor"
	recorder_stop
	n=$(grep -cE '^[a-z]+ +[a-z]+ +(tp_btf|tracepoint|fentry|fexit|kprobe|kretprobe|perf_event) ' "$W/doctor")
	check "$way: $n probes are attached" [ "$n" -gt 20 ]
	grep -h 'failed to load' "$W/log" "$W/doctor" >"$W/refused"
	check "$way: none was refused" [ ! -s "$W/refused" ]
	head -n 5 "$W/refused"
done
finish
