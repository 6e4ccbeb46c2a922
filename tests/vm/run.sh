#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [KERNEL...] - boots Debian kernels (see vmrun) one after the other, runs
# the kernel tests inside, and prints a table kernel x test.
#
# KERNEL is VERSION[:PARAMETER][:CPUS], e.g. 6.12:preempt=full:1.  Without any:
# the matrix below.  TESTS="files balance" chooses tests.  Built on the host.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
logs=$O/test-logs
mkdir -p "$logs" || exit 1

[ $# -gt 0 ] || set -- 6.1:2 6.1:1 6.12:2 6.12:preempt=full:2 7.2:2 7.2:1
tests=(${TESTS:-files balance freeze latency kill9 throttled})

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

# options of vmrun for a KERNEL, in the array vm
options_of() {
	local version=${1%%:*} part
	vm=(--kernel "$version" --memory 2G --timeout "${VM_TIMEOUT:-2400}")
	case $version in 6.1[6-9]* | 7.*) vm+=(--suite trixie-backports) ;; esac
	local IFS=:
	# shellcheck disable=SC2086 # split at colons
	set -- $1
	shift
	for part in "$@"; do
		case $part in
		[0-9]*) vm+=(--cpus "$part") ;;
		?*) vm+=(--append "$part") ;;
		esac
	done
}

# How much of each test an emulated machine gets.
command_of() {
	case $1 in
	freeze) echo "tests/kernel/freeze.sh ${FREEZES:-10}" ;;
	kill9) echo "tests/kernel/kill9.sh 2" ;;
	throttled) echo "tests/kernel/block.sh" ;;
	files) echo "tests/kernel/files.sh ${PROGRAMS:-}" ;;
	*) echo "tests/kernel/$1.sh" ;;
	esac
}

# One boot for all tests but `throttled`, which wants a slow disk of its own.
boot() { # LOG COMMAND-FILE [VMRUN-OPTION...]
	local log=$1 script=$2
	shift 2
	bash tests/vm/vmrun "${vm[@]}" "$@" --disk 1G --env "O=$O" -- bash "$script" \
		>>"$log" 2>&1
}

declare -A result
good=0 bad=0 skipped=0
one_kernel() {
	local k=$1 log=$logs/vm-${1//[:=]/-}.log t script
	options_of "$k"
	: >"$log"
	if ! bash tests/vm/vmrun "${vm[@]}" --fetch >>"$log" 2>&1; then
		for t in "${tests[@]}"; do result[$k.$t]=skip; done
		echo "skip $k: $(tail -n 1 "$log")"
		return
	fi
	script=$(mktemp "$logs/vm-script.XXXXXX")
	for t in "${tests[@]}"; do
		[ "$t" = throttled ] ||
			echo "echo \"== $t\"; timeout 900 bash $(command_of "$t"); echo \"VMTEST $t \$?\""
	done >"$script"
	[ ! -s "$script" ] || boot "$log" "$script"
	case " ${tests[*]} " in *" throttled "*)
		echo "THROTTLED=/mnt/vmdisk timeout 900 bash tests/kernel/block.sh; echo \"VMTEST throttled \$?\"" >"$script"
		boot "$log" "$script" --disk-opt throttling.iops-total=50
		;;
	esac
	rm -f "$script"
	for t in "${tests[@]}"; do
		case $(awk -v t="$t" '$1 == "VMTEST" && $2 == t { print $3 }' "$log" | tail -n 1) in
		0) result[$k.$t]=ok ;; 77) result[$k.$t]=skip ;;
		'') result[$k.$t]=lost ;; *) result[$k.$t]=FAIL ;;
		esac
	done
}

for k in "$@"; do
	began=$SECONDS
	one_kernel "$k"
	echo "$k: $((SECONDS - began)) s, output in $logs/vm-${k//[:=]/-}.log"
done
printf '\n%-22s' kernel
printf ' %-10s' "${tests[@]}"
echo
for k in "$@"; do
	printf '%-22s' "$k"
	for t in "${tests[@]}"; do
		r=${result[$k.$t]:-lost}
		printf ' %-10s' "$r"
		case $r in ok) good=$((good + 1)) ;; skip) skipped=$((skipped + 1)) ;;
		*) bad=$((bad + 1)) ;; esac
	done
	echo
done
echo "$good passed, $bad failed, $skipped skipped"
[ $bad = 0 ] && [ $good -gt 0 ]
