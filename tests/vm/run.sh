#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [KERNEL...] - boots Debian kernels (see vmrun), runs the kernel tests
# inside, and prints a table kernel x test with the seconds that each took.
#
# KERNEL is VERSION[:PARAMETER][:CPUS], e.g. 6.12:preempt=full:1.  Without any:
# the matrix below.  TESTS="files balance" chooses tests, PROGRAMS those of
# `files`, FREEZES how many; JOBS: machines at a time (an emulated one keeps one
# CPU busy, whatever it has itself).  Built on the host; nothing of it is changed.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
logs=$O/test-logs
mkdir -p "$logs" || exit 1

[ $# -gt 0 ] || set -- 7.2:2 6.18:2 6.12:preempt=full:2 6.12:2 6.1:2 6.12:1 \
	6.12:possible_cpus=64:2
tests=(${TESTS:-balance freeze files block link latency hist kill9 bad_input throttled
	operations hostile absent crowd lockdown cache fault perf_hotplug uring triggers
	backtest join paths block_churn percentile percentile_where levels stuck stuck_paths
	broken_disks storm reloads hits death selftest streams hotplug streams@tp_btf streams@tracepoint streams@fentry
	streams@kprobe})
jobs=${JOBS:-$(nproc)}
[ "$jobs" -le 2 ] || jobs=2 # memory: 2G each

nothing() {
	echo "skip: $*"
	exit 77
}
for t in qemu-system-x86_64 busybox cpio depmod; do
	PATH=$PATH:/sbin:/usr/sbin command -v $t >/dev/null ||
		nothing "$t is missing; apt-get install --no-install-recommends" \
			"qemu-system-x86 busybox-static cpio kmod e2fsprogs xz-utils zstd"
done
[ "$(uname -m)" = x86_64 ] || nothing "the kernels are for x86-64"

# options of vmrun for a KERNEL, in vm and append
options_of() {
	local version=${1%%:*} part
	append=''
	vm=(--kernel "$version" --memory 2G --timeout "${VM_TIMEOUT:-2400}")
	case $version in 6.1[6-9]* | 7.*) vm+=(--suite trixie-backports) ;; esac
	local IFS=:
	# shellcheck disable=SC2086 # split at colons
	set -- $1
	shift
	for part in "$@"; do
		case $part in
		[0-9]*) vm+=(--cpus "$part") ;;
		?*) append+=" $part" ;;
		esac
	done
	vm+=(--append "$append")
}

# How much of each test an emulated machine gets: about 50 times slower.
command_of() {
	case $1 in
	freeze) echo "bash tests/kernel/freeze.sh ${FREEZES:-4}" ;;
	kill9) echo "bash tests/kernel/kill9.sh 2" ;;
	throttled) echo "bash tests/kernel/block.sh" ;;
	files) echo "bash tests/kernel/files.sh ${PROGRAMS:-dd_direct threads}" ;;
	absent) echo "env PROFILE=default bash tests/kernel/absent.sh" ;;
	crowd) echo "env FILES=20000 PROCESSES=6000 THREADS=300 bash tests/kernel/crowd.sh" ;;
	hist) echo "env PARTS='exact status' bash tests/kernel/hist.sh" ;;
	lockdown) echo "bash tests/vm/lockdown.sh" ;;
	storm) echo "bash tests/kernel/storm.sh 4 4000" ;;
	reloads) echo "bash tests/kernel/reloads.sh 60" ;;
	hits) echo "bash tests/kernel/hits.sh 3" ;;
	streams) echo "env ROUNDS=${ROUNDS:-1500} RATE=300 bash tests/kernel/streams.sh" ;;
	hotplug) echo "env ROUNDS=${ROUNDS:-1500} RATE=300 bash tests/kernel/hotplug.sh" ;;
	streams@*) echo "env MECHANISM=${1#*@} ROUNDS=${ROUNDS:-1500} RATE=300 bash tests/kernel/streams.sh" ;;
	*) echo "bash tests/kernel/$1.sh" ;;
	esac
}

# boot TEST... - one machine, vm and opts, that runs these; a line VMTEST for each
boot() {
	local t script=''
	for t in "$@"; do
		script+="echo '== $t'; s=\$SECONDS; timeout 600 $(command_of "$t");"
		script+=" echo VMTEST $t \$? \$((SECONDS - s)); "
	done
	bash tests/vm/vmrun "${vm[@]}" --disk 1G --env "O=$O" \
		--env "DAMAGES=${DAMAGES:-6}" "${opts[@]}" -- bash -c "$script" \
		>>"$log" 2>&1
}

log_of() { echo "$logs/vm-${1//[:=]/-}.log"; }

one_kernel() {
	local log t opts vm append rest=()
	log=$(log_of "$1")
	options_of "$1"
	: >"$log"
	bash tests/vm/vmrun "${vm[@]}" --fetch >>"$log" 2>&1 || {
		for t in "${tests[@]}"; do echo "VMTEST $t 77 0" >>"$log"; done
		echo "skip $1: $(grep -m 1 '^vmrun: ' "$log")"
		return
	}
	for t in "${tests[@]}"; do # two want a machine of their own
		case $t in
		throttled) # 20 ms for each request
			opts=(--disk-opt throttling.iops-total=50 --env THROTTLED=/mnt/vmdisk)
			boot throttled
			;;
		lockdown)
			opts=(--append "$append lsm=lockdown lockdown=confidentiality")
			boot lockdown
			;;
		*) rest+=("$t") ;;
		esac
	done
	opts=()
	[ ${#rest[@]} = 0 ] || boot "${rest[@]}"
	echo "$1: $((SECONDS - began)) s after the start, output in $log"
}

# result KERNEL TEST: "ok 12" and the like
result() {
	awk -v t="$2" '$1 == "VMTEST" && $2 == t { s = $3; n = $4 }
		END { if (s == "") print "lost"; else if (s == 0) print "ok " n
		      else if (s == 77) print "skip"; else print "FAIL " n }' "$(log_of "$1")"
}

began=$SECONDS good=0 bad=0 skipped=0
for k in "$@"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	one_kernel "$k" &
done
wait
printf '\n%-20s' 'seconds'
printf ' %-19s' "$@"
echo
for t in "${tests[@]}"; do
	printf '%-20s' "$t"
	for k in "$@"; do
		r=$(result "$k" "$t")
		printf ' %-19s' "$r"
		case $r in ok*) good=$((good + 1)) ;; skip) skipped=$((skipped + 1)) ;;
		*) bad=$((bad + 1)) ;; esac
	done
	echo
done
for k in "$@"; do
	grep -H '^FAILED' "$(log_of "$k")" | sed "s|^$logs/||"
done
echo "$good passed, $bad failed, $skipped skipped, $((SECONDS - began)) s"
[ $bad = 0 ] && [ $good -gt 0 ]
