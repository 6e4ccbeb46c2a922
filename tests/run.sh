#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [LAYER...] - runs the tests layer by layer, one line each.
#
# Layers: unit stress model cli golden kernel fuzz-short (the default), soak.
# A test is a program or script: exit 0 passed, 77 skipped, else failed; its
# output goes to $O/test-logs/LAYER-NAME.log.  The last line is the sum.
# SLOWER=N: programs are N times as slow as usual (sanitizers).
set -u
cd "$(dirname "$0")/.." || exit 1
export O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
logs=$O/test-logs
mkdir -p "$logs" || exit 1
passed=0 failed=0 skipped=0 failures=()

# limit SECONDS: of one test in layer $1
limit_of() {
	case $1 in
	unit) echo 60 ;; cli | golden) echo 420 ;; stress) echo 120 ;;
	model) echo 420 ;; kernel) echo 300 ;; soak) echo 3600 ;; *) echo 120 ;;
	esac
}

# why LOG: the reason a skipped test gave (its last line that says skip)
why() {
	grep -i 'skip' "$1" | tail -n 1 | sed 's/^.*[Ss]kip[a-z]*:* *//' |
		cut -c 1-150
}

# run LAYER NAME COMMAND...
run() {
	local layer=$1 name=$2 log=$logs/$1-$2.log status began=$SECONDS
	shift 2
	timeout -k 10 $(($(limit_of "$layer") * ${SLOWER:-1})) "$@" >"$log" 2>&1 </dev/null
	status=$?
	case $status in
	0)
		passed=$((passed + 1))
		printf 'ok    %-9s %s (%d s)\n' "$layer" "$name" $((SECONDS - began))
		;;
	77)
		skipped=$((skipped + 1))
		printf 'skip  %-9s %s: %s\n' "$layer" "$name" "$(why "$log")"
		;;
	*)
		failed=$((failed + 1)) failures+=("$log")
		[ $status != 124 ] && [ $status != 137 ] || echo "timed out" >>"$log"
		printf 'FAIL  %-9s %s (exit %d, %d s)\n' "$layer" "$name" $status \
			$((SECONDS - began))
		;;
	esac
}

# skip LAYER NAME WHY
skip() {
	skipped=$((skipped + 1))
	printf 'skip  %-9s %s: %s\n' "$1" "$2" "$3"
}

# What a source file asks for must have been built: a missing program fails.
run_built() { # LAYER FOLDER
	local src name
	for src in "$2"/*.c; do
		[ -e "$src" ] || continue
		name=$(basename "$src" .c)
		run "$1" "$name" "$O/$2/$name"
	done
}

run_scripts() { # LAYER FOLDER
	local script
	for script in "$2"/*.sh; do
		[ -e "$script" ] || continue
		run "$1" "$(basename "$script" .sh)" bash "$script"
	done
}

run_unit() {
	local src name
	for src in tests/unit/test_*.c; do
		[ -e "$src" ] || continue
		name=$(basename "$src" .c)
		run unit "$name" "$O/tests/unit/$name"
	done
}

run_model() {
	[ -e tests/model/run.sh ] || return 0
	run model run bash tests/model/run.sh
}

run_fuzz() {
	local src name dir seconds=${FUZZ_SECS:-5}
	for src in tests/fuzz/fuzz_*.c; do
		[ -e "$src" ] || continue
		name=$(basename "$src" .c)
		if ! command -v clang >/dev/null; then
			skip fuzz "$name" "clang is missing"
			continue
		fi
		if ! make --no-print-directory -j "$(nproc)" O="$O" "$O/fuzz/$name" \
			>"$logs/fuzz-$name-build.log" 2>&1; then
			failed=$((failed + 1)) failures+=("$logs/fuzz-$name-build.log")
			printf 'FAIL  %-9s %s (does not build)\n' fuzz "$name"
			continue
		fi
		dir=$O/corpus/$name
		mkdir -p "$dir"
		set -- "$dir"
		[ ! -d "tests/fuzz/corpus/$name" ] || set -- "$dir" "tests/fuzz/corpus/$name"
		run fuzz "$name" "$O/fuzz/$name" -max_total_time="$seconds" \
			-artifact_prefix="$logs/$name-" -verbosity=0 "$@"
	done
}

run_soak() {
	run soak freeze bash tests/kernel/freeze.sh 1000
	[ ! -e tests/kernel/drift.sh ] || run soak drift bash tests/kernel/drift.sh 1000000 1
	run soak kill9 bash tests/kernel/kill9.sh 20
	run soak deep bash tests/kernel/deep.sh 600
	run soak storm env CPU_LIMIT=1 bash tests/kernel/storm.sh 60
	run soak sampler_hotplug bash tests/kernel/sampler_hotplug.sh 1000
	run soak hits bash tests/kernel/hits.sh 1000
	run soak reloads bash tests/kernel/reloads.sh 10000
	run soak stuck env LATE_MS=60 ROUNDS=20 bash tests/kernel/stuck.sh
	run soak streams env ROUNDS=300000 RATE=12000 bash tests/kernel/streams.sh
}

run_layer() {
	case $1 in
	unit) run_unit ;;
	stress) run_built stress tests/stress ;;
	model) run_model ;;
	cli) run_scripts cli tests/cli ;;
	golden) run_scripts golden tests/golden ;;
	kernel) run_scripts kernel tests/kernel ;;
	fuzz | fuzz-short) run_fuzz ;;
	soak) run_soak ;;
	*)
		echo "run.sh: no layer '$1'; there are: unit stress model cli" \
			"golden kernel fuzz-short soak" >&2
		exit 2
		;;
	esac
}

[ $# -gt 0 ] || set -- unit stress model cli golden kernel fuzz-short
for layer in "$@"; do
	run_layer "$layer"
done
for log in "${failures[@]+"${failures[@]}"}"; do
	printf '\n--- %s (last lines)\n' "$log"
	tail -n 40 "$log"
done
[ ${#failures[@]} = 0 ] || echo
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $((passed)) -gt 0 ]
