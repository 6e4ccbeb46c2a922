#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# backtest.sh - flightrec trigger test and suggest on a made-up snapshot: exit codes,
# output in three formats, and that suggestions can be tested and loaded.
set -u
O=${O:-build}
fr=$O/flightrec
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
export LC_ALL=C.UTF-8 TZ=UTC
"$O/tests/bench/made_snapshot" "$dir" a 6000 || exit 1
a=$dir/a.frs

check() { # WHAT COMMAND...: the command succeeds
	local what=$1
	shift
	if "$@" >"$dir/check.log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    /' "$dir/check.log"
	fi
}

exits() { # CODE ARGUMENT...: flightrec trigger ends with that code
	local want=$1 got
	shift
	"$fr" trigger "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got = "$want" ] || {
		echo "exit $got, not $want"
		cat "$dir/err"
		return 1
	}
}

says() { # CODE PATTERN ARGUMENT...: and a line of the output matches
	local pattern=$2
	exits "$1" "${@:3}" && grep -qE -- "$pattern" "$dir/out" || {
		echo "no line with: $pattern"
		head -40 "$dir/out" "$dir/err"
		return 1
	}
}

complains() { # CODE PATTERN ARGUMENT...
	exits "$1" "${@:3}" && grep -q -- "$2" "$dir/err" || {
		cat "$dir/err"
		return 1
	}
}

cat >"$dir/rules.conf" <<'CONF'
[ring]
memory = 64MiB

[trigger "leap"]
when = disk.vdb.queue > 100
cooldown = 0

[trigger "disk"]
when = block latency > 750us
cooldown = 1h

[trigger "never"]
when = block latency > 2s
CONF

# --- usage ---
for c in test suggest; do
	check "$c --help" says 0 '^EXAMPLES' $c --help
	check "$c: unknown option" complains 2 'unknown option' $c --nonsense
	check "$c is in the list" complains 2 "^  $c "
	check "$c: no such file" complains 1 'No such file' $c $([ $c = test ] && echo "$dir/rules.conf") "$dir/none.frs"
	check "$c: not a snapshot" exits 7 $c $([ $c = test ] && echo "$dir/rules.conf") "$dir/rules.conf"
done
check "no rules" complains 2 'name a file of rules' test
check "a file without rules" complains 2 'holds no section' test /dev/null "$a"
check "rules that are not there" complains 1 'No such file' test "$dir/none" "$a"
check "a bad rule: what is meant" complains 2 'did you mean fs.fsync' test --when 'fs.fsnyc latency > 1s' "$a"
check "a bad rule: where" complains 2 '^    ^' test --when 'fs.fsnyc latency > 1s' "$a"
printf '[trigger "x"]\nwhen = block latency > 0ms\n' >"$dir/bad.conf"
check "a bad rule in a file: line and column" complains 2 'bad.conf:2:' test "$dir/bad.conf" "$a"
printf '[trigger "x"]\ntail = 1s\n' >"$dir/empty.conf"
check "a rule without when" complains 2 'when' test "$dir/empty.conf" "$a"
check "bad format" complains 2 'text, csv or jsonl' test -O xml "$dir/rules.conf" "$a"
check "bad time" complains 2 'not a time' test --begin soon "$dir/rules.conf" "$a"
check "bad --dump-time" complains 2 'a time such as' test --dump-time x "$dir/rules.conf" "$a"
check "nothing in the span" complains 2 'nothing between' test --begin +1h "$dir/rules.conf" "$a"

# --- test ---
check "all decided" exits 0 test "$dir/rules.conf" "$a"
check "a metric fires" says 0 '^leap  fires once' test "$dir/rules.conf" "$a"
check "with its value" says 0 '13:05:56.000  fired .*disk.vdb.queue is 1000, limit > 100' test "$dir/rules.conf" "$a"
check "an operation fires, the rest cools" says 0 'hits [0-9]+: fired 1, merged 0, suppressed [1-9]' test "$dir/rules.conf" "$a"
check "one that does not, and what came nearest" says 0 'nearest: the longest of 60 operations took 800 us .*limit 2s' test "$dir/rules.conf" "$a"
check "the kernel's lane lost records" says 4 'undecidable: lane fs: 3 records were lost' test --when 'fs.read latency > 1s' "$a"
check "a lost record makes a count a lower bound" says 4 'fires at least once' test --when 'fs.* latency > 20ms' "$a"
check "who it was" says 4 ' worker-[0-9]+\[1[0-9]+\]  /var/data/file-' test --when 'fs.* latency > 20ms' "$a"
check "not sampled" says 4 'undecidable: meminfo.Dirty was not sampled' test --when 'meminfo.Dirty > 5' "$a"
check "not recorded" says 4 'undecidable: stream epoll was not recorded' test --when 'epoll.* latency > 5s' "$a"
check "pressure without samples" says 4 'was not sampled' test --when 'pressure.io.full > 30%' "$a"
check "a span without it" says 0 '^leap  does not fire' test --end -10s "$dir/rules.conf" "$a"
check "a span that is not covered" says 4 'nothing was recorded before' test --begin 2026-11-20T12:00 --when 'block latency > 2s' "$a"
check "in flight" says 4 'has not returned for 1.00 s' test --when 'fs.fsync inflight > 1s' "$a"
check "the same file twice is the same" eval '"$fr" trigger test --all "$dir/rules.conf" "$a" >"$dir/1"; "$fr" trigger test --all "$dir/rules.conf" "$a" "$a" >"$dir/2"; cmp "$dir/1" "$dir/2"'
lists() { # FORMAT: rules and hits can be read and add up
	exits 0 test --all -O "$1" "$dir/rules.conf" "$a" && python3 - "$1" "$dir/out" <<-'PY'
		import csv, json, sys
		with open(sys.argv[2], encoding="utf-8", newline="") as f:
		    rows = list(csv.DictReader(f, strict=True)) if sys.argv[1] == "csv" else [json.loads(x) for x in f]
		rules = [r for r in rows if r["record"] == "rule"]
		assert [r["rule"] for r in rules] == ["leap", "disk", "never"], rules
		for r in rules:
		    n = [x for x in rows if x["record"] == "hit" and x["rule"] == r["rule"]]
		    assert len(n) == int(r["hits"]), (r, len(n))
		    assert sum(x["fate"] == "fired" for x in n) == int(r["fired"])
		    assert int(r["decided"]) == 1
		assert any(r["record"] == "nearest" and "800 us" in r["text"] for r in rows)
		assert all(None not in r and None not in r.values() for r in rows) or sys.argv[1] == "jsonl"
	PY
}
check "CSV" lists csv
check "JSON lines" lists jsonl
full_disk() {
	"$fr" trigger "$@" >/dev/full 2>"$dir/err"
	[ $? = 1 ]
}
check "to a full disk" full_disk test "$dir/rules.conf" "$a"
head -c $(($(stat -c %s "$a") / 2)) "$a" >"$dir/cut.frs"
check "a cut file: what is there is tested" exits 7 test "$dir/rules.conf" "$dir/cut.frs"
many=()
for i in $(seq 65); do many+=(--when "block latency > ${i}s"); done
check "more rules than there can be" complains 2 'more than 64' test "${many[@]}" "$a"
check "as many as there can be" exits 0 test "${many[@]:0:128}" "$a"

# --- suggest ---
check "too little is said" complains 5 'too little data' suggest --min-count 1000000 "$a"
check "and for what" grep -q '^#   .*less than 1000000' "$dir/out"
check "something is proposed" says 0 '^when = fs.read latency > [0-9]+m?s where device = "sda3"' suggest --min-count 100 "$a"
check "what was seen" grep -qE '^# [0-9]+ seen: p50 .*, p99 .*, p99.9 .*, longest' "$dir/out"
check "and what would have come of it" grep -q '^# here: hits [0-9]*, fired' "$dir/out"
cp "$dir/out" "$dir/suggested.conf"
check "it can be tested again" exits 4 test "$dir/suggested.conf" "$a"
check "and loaded" "$O/flightrecd" -n -c "$dir/suggested.conf"
check "suggest to a full disk" full_disk suggest --min-count 100 "$a"
check "bad --min-count" complains 2 'a number' suggest --min-count none "$a"

echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
