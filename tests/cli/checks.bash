# SPDX-License-Identifier: GPL-2.0-or-later
# checks.bash - sourced by tests of the command line: checks that say what they check,
# and a folder $W that the end takes away.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
FR=$O/flightrec
W=$(mktemp -d "/tmp/flightrec-$(basename "$0" .sh).XXXXXX")
trap 'rm -rf "$W"' EXIT
passed=0 failed=0
check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >"$W/said" 2>&1; then
		passed=$((passed + 1)) && echo "ok    $text"
	else
		failed=$((failed + 1))
		echo "FAIL  $text (exit $?)"
		sed 's/^/      /' "$W/said" | tail -15
	fi
}
fails_with() { # CODE PATTERN COMMAND...
	local want=$1 pattern=$2 got
	shift 2
	"$@" >"$W/out" 2>"$W/err"
	got=$?
	[ $got = "$want" ] && grep -q -- "$pattern" "$W/err" && return
	echo "exit $got, not $want; said:"
	cat "$W/err"
	return 1
}

finish() {
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
	exit
}
