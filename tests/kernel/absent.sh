#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# absent.sh - kernels that lack something: a tracepoint, a member of a structure,
# tracefs, a mechanism, all type information.  Only the probes that need it are off;
# doctor, info and the manifest of an export name them with the reason; the rest
# records on.  PROFILE (deep): what is on.  What lacks is hidden in a mount name space of the recorder's own.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 unshare setpriv
scratch "${VMRUN_DISK:-/var/tmp}"
unshare -m true 2>/dev/null || skip "no mount name spaces here"
BTF=/sys/kernel/btf/vmlinux
look() { python3 tests/kernel/absent_check.py "$@"; }

# What the recorder is to record: 50 numbered writes.
cat >"$W/work" <<'IN'
exec 3>"$W/written"
for i in $(seq 50); do printf %02d $i >&3; done
IN
# without HIDE NAME OPTION...: doctor, a recording and its export, where HIDE was run
without() {
	local hide=$1 name=$2
	shift 2
	mkdir "$W/$name"
	unshare -m bash -c "$hide"' || exit 99
		"$FRD" --doctor "${@:2}" >"$1/doctor" 2>"$1/doctor.err"
		"$FR" record -q -o "$1/a.frs" "${@:2}" -- bash "$W/work" 2>"$1/record.err"' \
		- "$W/$name" --set ring.memory=8MiB --set ring.pin_folder= \
		--set run.folder="$W/record" --set dump.folder="$SNAP" \
		--set dump.fallback= --set sampler.collectors= \
		--set "probes.profile=${PROFILE:-deep}" || {
		head -n 3 "$W/$name/record.err"
		return 1
	}
	"$FR" info -O json "$W/$name/a.frs" >"$W/$name/info" &&
		"$FR" export -q --to csv -o "$W/$name/csv" "$W/$name/a.frs"
}
only_off() { # NAME PROBE...
	local name=$1
	shift
	look off "$W/$name" "$W/all" "$@"
}
written() { # NAME: rows of the writes
	[ "$("$FR" show -O csv --stream fs --call write -f path,moved "$W/$1/a.frs" |
		grep -c "$W/written,2\$")" = 50 ]
}
export FR FRD W

check "a recording of this kernel as it is" without true all
check "has the writes" written all
check "no probe is off but those that always are" only_off all

# absent WHAT "PROBE..." NAME...: type information without NAMEs
absent() {
	local what=$1 n=${1##* } probes
	read -ra probes <<<"$2"
	shift 2
	python3 tests/kernel/absent_btf.py "$W/btf" "$@" >"$W/why" 2>&1 || {
		echo "skip: $what: $(cat "$W/why")"
		return
	}
	check "$what: it records" without "mount --bind '$W/btf' $BTF" "$n"
	check "$what: the writes are there" written "$n"
	check "$what: only ${probes[*]} off, with a reason" only_off "$n" "${probes[@]}"
}
dirty=btf_trace_writeback_dirty_folio # before 5.18 _page
grep -qa $dirty $BTF || dirty=btf_trace_writeback_dirty_page
gone="block.merge proc.rename chain.dirty cache.dirty"
[ "${PROFILE:-deep}" = deep ] || gone+="?" # recorded or not: doctor tells of it
absent "no such tracepoints" "$gone" \
	btf_trace_block_rq_merge btf_trace_task_rename $dirty
absent "a structure without a member" 'drop.*' network_header
check "doctor names the member" grep -q 'no struct sk_buff.*\.network_header' "$W/member/doctor"

# ---- no tracefs, and no right to mount it: classic tracepoints cannot be found --------
hide='umount -l /sys/kernel/tracing; umount -l /sys/kernel/debug/tracing 2>/dev/null;
	mount -t tmpfs none /sys/kernel/tracing && mount -o remount,ro /sys/kernel/tracing'
no_tracefs() {
	unshare -m bash -c "$hide"' || exit 99
		exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$0" --doctor "$@"' \
		"$FRD" "${SETS[@]}" --set probes.mechanism=tracepoint >"$W/doctor" 2>&1
}
check "no tracefs: doctor says what is left" no_tracefs
if grep -q '^typed loads *yes' "$W/doctor"; then
	check "no tracefs: files are still seen, another way" look mechanism "$W/doctor" fs.enter tp_btf
else # there libbpf asks for all BTF objects, which takes CAP_SYS_ADMIN
	check "no tracefs, no right: doctor has a reason" grep -Eq '^fs +enter +off +.{10}' "$W/doctor"
fi

# ---- no type information at all ----------------------------------------------------------
cp "$FRD" "$W/frd" # a recorder behind a wall: its own view of /sys
cat >"$W/walled" <<'IN'
#!/bin/sh
mount -t tmpfs none /sys/kernel/btf && exec unshare -m "$W/frd" "$@"
IN
chmod +x "$W/walled"
FRD_SAVED=$FRD
walled() { unshare -m "$W/walled" "$@"; }
walled --doctor "${SETS[@]}" >"$W/doctor" 2>&1
check "no BTF: doctor says so" grep -q '^BTF  *no: ' "$W/doctor"
check "no BTF: nothing is attached" eval '! grep -q " attached " "$W/doctor"'
printf '#!/bin/sh\nexec unshare -m "%s" "$@"\n' "$W/walled" >"$W/start"
chmod +x "$W/start"
FRD=$W/start
check "no BTF: the recorder starts nevertheless" recorder_start --set sampler.period=20ms
FRD=$FRD_SAVED
check "no BTF: it says so" grep -q 'no BTF' "$W/log"
sampled() {
	client dump >"$W/out" 2>&1 && wait_snapshots 1 &&
		"$FR" show -O csv --stream sample -f metric "$(snapshots | tail -n 1)" 2>/dev/null |
		grep -q cpu
}
for _ in $(seq 50); do
	sampled && break
	sleep 0.1
done
check "no BTF: samples are taken and dumped" sampled
finish
