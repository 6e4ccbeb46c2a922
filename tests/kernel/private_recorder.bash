# SPDX-License-Identifier: GPL-2.0-or-later
# private_recorder.bash - sourced by the kernel tests: checks that say what they
# check, and a flightrecd of the test's own (folders under $W, pins under a
# name of its own without dots: bpffs refuses them), which the test's end takes away.
#
# Reads: O (build folder).  Sets: W (scratch folder), FR, FRD, RUN, SNAP, PIN.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
FR=$O/flightrec FRD=$O/flightrecd
good=0 bad=0 daemon=''

skip() {
	echo "skip: $*"
	exit 77
}

# check WHAT COMMAND...: one check, by exit status
check() {
	local what=$1
	shift
	if "$@"; then
		good=$((good + 1))
		echo "ok: $what"
	else
		bad=$((bad + 1))
		echo "FAILED: $what"
	fi
}

# check_exit WHAT STATUS COMMAND...
check_exit() {
	local what=$1 want=$2 status
	shift 2
	"$@" >"$W/out" 2>"$W/err" </dev/null
	status=$?
	check "$what (exit $want)" [ "$status" = "$want" ] && return
	echo "  exit $status; stderr:"
	head -n 3 "$W/err"
}

# the last line of each kernel test
finish() {
	echo "$good passed, $bad failed"
	[ $bad = 0 ] && [ $good -gt 0 ]
	exit $?
}

need_kernel() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -e /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf 2>/dev/null
	mountpoint -q /sys/fs/bpf || skip "bpffs cannot be mounted"
	[ -x "$FR" ] && [ -x "$FRD" ] || {
		echo "$FR is not built: run make first"
		exit 1
	}
}

need() {
	local t
	for t in "$@"; do
		command -v "$t" >/dev/null || skip "$t is not installed"
	done
}

# helper NAME [LDLIBS]: path of the C program tests/kernel/NAME.c, as built by
# make, or built here when only this script is at hand.
helper() {
	local out=$O/tests/kernel/$1
	[ -x "$out" ] && [ "$out" -nt "tests/kernel/$1.c" ] && {
		echo "$out"
		return
	}
	out=$W/$1
	# shellcheck disable=SC2086 # several words
	cc -O2 -Wall -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 ${3:-} -o "$out" \
		"tests/kernel/$1.c" ${2:-} -lpthread >&2 || return
	echo "$out"
}

scratch() { # [FOLDER]: where W goes; default /tmp
	W=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/fr-test-XXXXXX") || exit 1
	chmod 755 "$W"
	RUN=$W/run SNAP=$W/snapshots PIN=/sys/fs/bpf/${W##*/}
	mkdir -p "$RUN" "$SNAP"
	SETS=(--set "run.folder=$RUN" --set "dump.folder=$SNAP"
		--set "dump.fallback=" --set "ring.pin_folder=$PIN")
	trap scratch_end EXIT
	trap 'exit 130' INT TERM
}

undo=()
at_end() { undo=("$*" "${undo[@]+"${undo[@]}"}"); }
scratch_end() {
	local u
	recorder_stop
	for u in "${undo[@]+"${undo[@]}"}"; do eval "$u"; done
	[ ! -d "$PIN" ] || find "$PIN" -depth -delete 2>/dev/null
	rm -rf "$W"
}

# recorder_start [ARG...]: returns when it answers; its words go to $W/log
recorder_start() {
	"$FRD" "${SETS[@]}" "$@" >>"$W/log" 2>&1 &
	daemon=$!
	for _ in $(seq 300); do
		recorder_says >/dev/null 2>&1 && return 0
		kill -0 $daemon 2>/dev/null || break
		sleep 0.1
	done
	echo "the recorder did not start:"
	tail -n 5 "$W/log"
	daemon=''
	return 1
}

# the client, pointed at that recorder
client() {
	local sub=$1
	shift
	"$FR" "$sub" --run-folder "$RUN" "$@"
}
recorder_says() { client status --json; }

recorder_stop() {
	[ -n "$daemon" ] || return 0
	kill "$daemon" 2>/dev/null
	for _ in $(seq 100); do
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.1
	done
	kill -9 "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	daemon=''
}

# snapshots: the files, oldest first
snapshots() { find "$SNAP" -name '*.frs' -printf '%T@ %p\n' | sort -n | cut -d' ' -f2-; }

# wait_snapshots N [SECONDS]: until there are at least N
wait_snapshots() {
	local i
	for ((i = 0; i < ${2:-20} * 20; i++)); do
		[ "$(snapshots | wc -l)" -ge "$1" ] && return 0
		sleep 0.05
	done
	return 1
}
