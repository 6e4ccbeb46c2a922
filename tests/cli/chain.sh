#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# chain.sh - flightrec chain: what bad input gets, and that its JSON is some.
set -u
O=${O:-build}
fr=$O/flightrec
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
export LC_ALL=C.UTF-8 TZ=UTC

check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@" >"$dir/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    /' "$dir/log"
	fi
}

exits() { # CODE ARGUMENT...
	local want=$1 got
	shift
	"$fr" chain "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got = "$want" ] || {
		echo "exit $got, not $want"
		cat "$dir/err"
		return 1
	}
}
says() { # CODE PATTERN ARGUMENT...: one line of complaint
	local code=$1 pattern=$2
	shift 2
	exits "$code" "$@" && [ "$(wc -l <"$dir/err")" = 1 ] &&
		grep -q -- "$pattern" "$dir/err" || {
		cat "$dir/err"
		return 1
	}
}
json() { # EXPRESSION of j ARGUMENT...
	local expression=$1
	shift
	"$fr" chain --json "$@" >"$dir/out" && python3 -c '
import json, sys
j = json.load(open(sys.argv[1]))["operations"]
assert eval(sys.argv[2]), sys.argv[2]' "$dir/out" "$expression"
}

"$O/tests/bench/made_snapshot" "$dir" a 3000 || exit 1
a=$dir/a.frs
echo "this is no snapshot" >"$dir/no.frs"
head -c 9000 "$a" >"$dir/cut.frs"

check "help" exits 0 --help
check "unknown option" says 2 'unknown option' --nonsense "$a"
check "near option" says 2 'nearest is --slowest' --slowst 1 "$a"
check "option without value" says 2 'needs a value' --seq
for bad in fs fs:1 fs:x:1 fs:1: fs:1:2:3 :1:2 fs:-1:2 fs:1:99999999999999999999 \
	averyverylonglanename:1:1; do
	check "--seq $bad" says 2 "'$bad' is not LANE:CPU:SEQ" --seq "$bad" "$a"
done
for bad in 0 -1 1x 1001 ''; do
	check "--slowest '$bad'" says 2 'not a number from 1 to' --slowest "$bad" "$a"
done
check "bad time" says 2 'is not a time' --begin soon "$a"
check "absent file" says 1 'No such file' "$dir/absent.frs"
check "no snapshot" exits 7 "$dir/no.frs"
check "a cut file" exits 7 "$dir/cut.frs"
check "nothing matches" says 5 'no operation matches' --op mkdir "$a"
check "no such record" says 5 'no operation matches' --seq fs:0:1 "$a"
check "the slowest" json 'len(j) == 1 and j[0]["dur"] == 50000000' --slowest 1 "$a"
check "three by default" json 'len(j) == 3 and j[0]["dur"] >= j[1]["dur"] >= j[2]["dur"]' "$a"
check "sums" json 'all(o["explained_ns"] + o["unexplained_ns"] == o["dur"] for o in j)' -n 50 "$a"
check "requests overlap" json 'all(r["from_start_ns"] <= o["dur"] and r["from_start_ns"] + r["dur"] >= 0 for o in j for r in o["requests"])' -n 1000 "$a"
check "requests of others are counted" json 'any(o["others"] for o in j)' -n 1000 "$a"
one=$("$fr" chain -n 1 "$a" | sed -n 's/.*--seq //p')
check "one of them again" json 'len(j) == 1 and j[0]["dur"] == 50000000' --seq "$one" "$a"
check "by operation" json 'all(o["op"] == "read" for o in j) and len(j) == 2' --op read --slowest 2 "$a"
check "text" eval '"$fr" chain -n 1 "$a" | grep -q "not explained by them"'
full() {
	"$fr" chain "$a" >/dev/full 2>"$dir/err"
	[ $? = 1 ] && [ "$(wc -l <"$dir/err")" = 1 ]
}
check "a full disk" full
echo "$passed passed, $failed failed"
[ $failed = 0 ]
