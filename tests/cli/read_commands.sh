#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# read_commands.sh - exit codes, help and output of the commands that read.
set -u
O=${O:-build}
fr=$O/flightrec
made=$O/tests/bench/made_snapshot
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
export LC_ALL=C.UTF-8 TZ=UTC

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

exits() { # CODE ARGUMENT...: flightrec ends with that code
	local want=$1 got
	shift
	"$fr" "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got = "$want" ] || {
		echo "exit $got, not $want"
		cat "$dir/err"
		return 1
	}
}

one_line_error() { # CODE PATTERN ARGUMENT...
	local code=$1 pattern=$2
	shift 2
	exits "$code" "$@" && [ "$(wc -l <"$dir/err")" = 1 ] &&
		grep -q -- "$pattern" "$dir/err" || {
		cat "$dir/err"
		return 1
	}
}

lines() { # NUMBER ARGUMENT...
	local want=$1 got
	shift
	got=$("$fr" "$@" 2>/dev/null | wc -l)
	[ "$got" = "$want" ] || {
		echo "$got lines, not $want"
		return 1
	}
}

json_ok() { # ARGUMENT...: all output is JSON, line by line or whole
	"$fr" "$@" >"$dir/out" 2>/dev/null
	python3 - "$dir/out" <<-'PY'
		import json, sys
		text = open(sys.argv[1], encoding="utf-8").read()
		try:
		    json.loads(text)
		except ValueError:
		    for line in text.splitlines():
		        json.loads(line)
		assert text.strip(), "no output"
	PY
}

has() { # PATTERN ARGUMENT...: a line of the output matches
	local pattern=$1
	shift
	"$fr" "$@" >"$dir/out" 2>/dev/null
	grep -q -- "$pattern" "$dir/out" || {
		echo "no line with: $pattern"
		head -40 "$dir/out"
		return 1
	}
}

"$made" "$dir" a 3000 || exit 1
a=$dir/a.frs
echo "this is no snapshot" >"$dir/no.frs"
head -c 9000 "$a" >"$dir/cut.frs"

# --- help and usage ---
check "--help" has '^COMMANDS' --help
check "--version" has '^flightrec ' --version
check "no command" exits 2
for c in list info show report verify status dump; do
	check "$c --help has examples" has '^EXAMPLES' $c --help
	check "help $c is the same" has "^usage: flightrec $c " help $c
	check "$c: unknown option" one_line_error 2 'unknown option' $c --nonsense
	check "$c is in the list" has "^  $c " --help
done
check "unknown command" one_line_error 2 "did you mean 'show'" shwo
check "near option" one_line_error 2 'nearest is --path' show --pth x "$a"
check "near column" one_line_error 2 "nearest is 'time'" show -f tme "$a"
check "option without value" one_line_error 2 'needs a value' show --path
check "bad format" one_line_error 2 'text, csv or jsonl' show -O xml "$a"
check "bad time" one_line_error 2 'is not a time' show --begin soon "$a"
check "bad number" one_line_error 2 'process number' show --pid me "$a"
check "list of nothing" one_line_error 1 'No such file' list "$dir/absent.frs"
check "verify of nothing" one_line_error 1 "^flightrec: $dir/absent.frs: No such file" verify "$dir/absent.frs"
check "record of nothing" one_line_error 125 'no command given' record
check "record: a bad setting is one line" one_line_error 125 'unknown section' record --set foo.bar=1 -- true
check "record: a folder that is not there" one_line_error 125 "folder $dir/none: No such file.* -o" record -o "$dir/none/x.frs" -- true
check "list: the reason comes last" eval '"$fr" list "$a" | grep -q "a.frs  pread64 took 50 ms$"'
full_disk() { # COMMAND...: one line, exit 1
	"$fr" "$@" >/dev/full 2>"$dir/err"
	[ $? = 1 ] && [ "$(wc -l <"$dir/err")" = 1 ]
}
check "show to a full disk" full_disk show "$a"
check "report to a full disk" full_disk report "$a"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	not_mine() {
		chmod 600 "$a"
		chmod 755 "$dir"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$fr" show "$a" 2>"$dir/err"
		[ $? = 6 ] && grep -q 'Permission denied; join group flightrec, or be root$' "$dir/err"
	}
	check "no right to read: exit 6, and what to do" not_mine
fi
check "unknown stream" one_line_error 2 "no stream 'fss'" show --stream fss "$a"

# --- exit codes ---
check "absent file" one_line_error 1 'No such file' show "$dir/absent.frs"
for c in show info report verify list; do
	check "$c of something else" exits 7 $c "$dir/no.frs"
	check "$c of a cut file" exits 7 $c "$dir/cut.frs"
	check "$c says why" test -s "$dir/err"
	check "$c" exits 0 $c "$a"
done
check "nothing in range" one_line_error 5 'no row' show --pid 1 "$a"
check "empty folder" one_line_error 5 'no snapshot' list -d "$(mkdir "$dir/empty" && echo "$dir/empty")"
check "no folder" one_line_error 1 'name the folder' list -d "$dir/absent"
check "no daemon: status" one_line_error 3 'no flightrecd is running' status --run-folder "$dir"
check "no daemon: dump" one_line_error 3 'no flightrecd is running' dump --run-folder "$dir"
check "dump: too long" one_line_error 2 'at most' dump --name "$(printf 'x%.0s' {1..80})"

# --- rows ---
check "csv: header and rows" lines 3032 show -O csv "$a"
check "csv: no header" lines 3031 show -O csv --no-header "$a"
check "jsonl: one object per row" lines 3031 show -O jsonl "$a"
check "jsonl is JSON" json_ok show -O jsonl "$a"
check "samples when asked for" lines 92 show --stream sample -O jsonl "$a"
check "limit" lines 5 show -O jsonl -n 5 "$a"
check "the same file twice is the same" lines 3031 show -O jsonl "$a" "$a"
check "min-latency" lines 1 show --min-latency 20ms -O jsonl "$a"
check "failed opens keep their path" has '/etc/none' show --errno ENOENT "$a"
check "relative to the trigger" lines 1 show --begin -0 --end +1s --stream fs -O jsonl "$a"
check "column choice" has '^ts,path$' show -f ts,path -O csv "$a"
check "text has a header" has '^time .*path$' show "$a"

# --- the others ---
check "info -O json" json_ok info -O json "$a"
check "list -O jsonl" json_ok list -O jsonl "$a"
check "list a folder" has 'slow-disk' list -d "$dir"
check "info: in flight" has 'fsync.*file-7' info "$a"
check "info: losses" has '^. lane fs: 3 records were lost' info "$a"
check "report: what fired" has 'slow-disk' report "$a"
check "report: the operation" has '50.0 ms .*file-' report "$a"
check "report: in short, what was slow" has '^. read of /var/data/file-.* by worker-.* took 50.0 ms$' report "$a"
check "report: in short, what hangs" has '^. fsync of /var/data/file-7 by worker-3 (103) had not returned after 2.10 s$' report "$a"
check "report: in short comes first" eval '[ "$("$fr" report "$a" | grep -n "^IN SHORT" | cut -d: -f1)" -le 10 ]'
check "report: failures by name, not number" has 'read .*  EINTR  *1[0-9][0-9]  worker-' report "$a"
check "info: nothing without a value" eval '! "$fr" info "$a" | grep -E "^[a-z_]+ +$"'
check "info: settings without their explanations" eval '"$fr" info "$a" | sed -n "/^CONFIG/,\$p" | grep -q "^memory = 64MiB$"'
check "info: durations are no long numbers" has '^dur  *50.0 ms$' info "$a"
check "info: probes are a table" has '^fs.sys_exit  *tp_btf  *10  *10 ' info "$a"
check "NO_COLOR and pipes: no escapes" test -z "$("$fr" info "$a" | grep "$(printf '\033')")"
check "report: counters" has 'disk.vda.reads  *10  *900' report "$a"
check "report: no stale value of a metric that is gone" eval '! "$fr" report "$a" | grep -q disk.vdb.queue'
check "report: blocks where UTF-8" has '█' report "$a"
LC_ALL=C check "report: ASCII elsewhere" has '##' report "$a"
check "no colours in a pipe" test -z "$("$fr" report "$a" | grep "$(printf '\033')")"
check "verify counts" has 'intact: .* rows' verify "$a"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
