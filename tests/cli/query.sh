#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# query.sh - SQL over a recording: tables are what show prints, groups, spans of time,
# percentiles and counters at any moment are what Python makes of it; what SQLite makes
# of them can be read by others; bad input is told in plain words.
. "$(dirname "$0")/checks.bash"

# Work, a network device that comes and goes, and a second without samples.
cat >"$W/work" <<'SH'
cd "$1" || exit
for i in 1 2 3 4 5 6 7 8; do
	dd if=/dev/zero of=file bs=64k count=20 conv=fsync 2>/dev/null
	cat file file >copy
	ls -l /proc/self >/dev/null
	sleep 0.1
done
ip link add frq0 type dummy 2>/dev/null || ip link add frq0 type veth peer name frq1
sleep 0.4
ip link del frq0
sleep 0.4
timer=$(pgrep -n -x fr-timer)
kill -STOP "$timer"
sleep 1
kill -CONT "$timer"
sleep 0.5
touch "$(printf 'b\xff\033d')"
SH
"$FR" record -q -o "$W/a.frs" --set sampler.period=50ms \
	--set sampler.collectors=cpu,memory,vmstat@200ms,net,load --set ring.memory=16MiB \
	--set run.folder="$W/run" --set ring.pin_folder= -- bash "$W/work" "$W" ||
	{ echo "skip: nothing can be recorded here"; exit 77; }
a=$W/a.frs
ask() { "$FR" query "$@" "$a"; }
says() { # TEXT QUERY-ARGUMENT...
	local want=$1 got
	shift
	got=$(ask "$@" 2>&1)
	[ "$got" = "$want" ] || { echo "said '$got', not '$want'" && return 1; }
}
witness() { python3 tests/cli/query_check.py "$1" "$FR" "$a"; }

check "each stream as a table is what show prints" witness tables
check "groups, sums and percentiles" witness groups
check "spans of time, and their order" witness spans
check "counters: what held at each tick, rates, what was gone" witness counters
check "counters at the moment of each operation" witness at

# ---- formats ------------------------------------------------------------------------
check "a table for people" says $'n  t   none\n1  ab     -' "SELECT 1 n, 'ab' t, NULL none"
check "numbers to the right, text to the left" says $'  n  t\n  5  x\n123  longer' \
	"SELECT 5 n, 'x' t UNION ALL SELECT 123, 'longer'"
check "more rows than a table looks at" eval '[ "$(ask "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
	SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n" | tail -n +2 | tr -d " " | sort -n | uniq | wc -l)" = 1000 ]'
check "CSV" says $'n,t,u,v,w\n1,"a,""b",,"",x\'00ff\'' -O csv \
	"SELECT 1 n, 'a,\"b' t, NULL u, '' v, x'00ff' w"
check "JSON" says '{"n":1.5,"t":"a\"\\\u000ab","u":null,"v":null}' -O jsonl \
	"SELECT 1.5 n, 'a\"\\' || char(10) || 'b' t, NULL u, 9e999 v"
check "no header" says 1 --no-header "SELECT 1"
check "no control reaches a terminal" says $'t\na\\x1b[31m\\xc2\\x9bb' "SELECT 'a' || char(27) || '[31m' || char(155) || 'b' t"
check "bytes that are no text" says $'t\na\\xff' "SELECT CAST(x'61ff' AS TEXT) t"
check "a NUL inside" says $'t\na\\x00b' "SELECT 'a' || char(0) || 'b' t"
check "two statements, two tables" says $'a\n1\n\nb\n2' "SELECT 1 a; SELECT 2 b;"
check "a script" eval 'echo "SELECT 7 seven -- comment" >"$W/q.sql" && [ "$("$FR" query -f "$W/q.sql" --no-header "$a")" = 7 ]'
check "from standard input" eval '[ "$(echo "SELECT 8" | "$FR" query -f - --no-header "$a")" = 8 ]'
check "the tables that there are" eval '"$FR" query --tables "$a" >"$W/t" && grep -q "^fs .* file_size" "$W/t" && grep -q ^counters "$W/t"'
check "help" eval '"$FR" query --help | grep -q EXAMPLES'

# ---- functions ----------------------------------------------------------------------
check "ns() and bytes()" says 20000000,4194304 --no-header -O csv "SELECT ns('20ms'), bytes('4MiB')"
check "REGEXP" says 1,0 --no-header -O csv "SELECT 'abc' REGEXP '^a.+c\$', 'b' REGEXP 'a'"
moments() {
	says 1,1 --no-header -O csv "SELECT ts('-0s') = CAST(value AS INTEGER),
		ts('-2s') = CAST(value AS INTEGER) - 2000000000 FROM facts WHERE key = 'trigger.ts_ns'"
}
check "ts() is a moment from the trigger on" moments
check "ts() is a time of the clock" says 1 --no-header \
	"SELECT count(*) > 10 AND sum(ts(time) = ts) = count(*) FROM fs"
check "numbers are compared with numbers in quotes" says 1 --no-header \
	"SELECT count(*) > 0 FROM fs WHERE pid = (SELECT '' || max(pid) FROM fs)"
check "a file name of any bytes, as show has it" eval \
	'[ "$(ask -O csv --no-header "SELECT DISTINCT path FROM fs WHERE path LIKE '\''%/b\\xff%'\''")" = "$W/b\\xff$(printf "\033")d" ]'
check "a table that SQLite wrote, read by sqlite3" eval \
	'ask "ATTACH '\''$W/a.db'\'' AS a; CREATE TABLE a.fs AS SELECT * FROM fs" &&
	 [ "$(sqlite3 "$W/a.db" "SELECT count(*), sum(dur) FROM fs")" = "$(ask -O csv --no-header "SELECT count(*), sum(dur) FROM fs" | tr , "|")" ]'
check "no table of another database hides a stream" says $'1\n\n0' --no-header \
	"ATTACH '$W/a.db' AS a; DELETE FROM a.fs; SELECT count(*) > 100 FROM fs; SELECT count(*) FROM a.fs"
kept="ATTACH '$W/v.db' AS v"
check "a view kept elsewhere" ask "$kept; CREATE VIEW v.late AS SELECT * FROM fs"
check "is asked later" says 1 --no-header "$kept; SELECT count(*) > 100 FROM late /* fs */"
check "and what it needs must be named" fails_with 2 'only if the query itself names it' \
	ask "$kept; SELECT count(*) FROM late"
check "two files that are one: each row once" eval \
	'cp "$a" "$W/b.frs" && [ "$("$FR" query --no-header "SELECT count(*) FROM fs" "$a" "$W/b.frs")" = "$(ask --no-header "SELECT count(*) FROM fs")" ] &&
	 [ "$("$FR" query --no-header "SELECT count(*) FROM counters" "$a" "$W/b.frs")" = "$(ask --no-header "SELECT count(*) FROM counters")" ]'
"$FR" record -q -o "$W/c.frs" --set sampler.period=50ms --set sampler.collectors=load \
	--set run.folder="$W/run" --set ring.pin_folder= -- sleep 0.3
check "two recorders: the counters of each" eval \
	'[ "$("$FR" query --no-header "SELECT count(DISTINCT instance) FROM counters" "$a" "$W/c.frs")" = 2 ] &&
	 [ "$("$FR" query --no-header "SELECT count(*) FROM counters WHERE at = (SELECT max(ts) FROM counters)" "$a" "$W/c.frs")" = 2 ]'
hidden() {
	local instance
	instance=$(ask --no-header "SELECT DISTINCT instance FROM counters")
	ask --anonymize -O csv "SELECT * FROM facts; SELECT DISTINCT host, instance FROM counters" >"$W/t" || return
	[ -n "$instance" ] && [ "$(wc -l <"$W/t")" -gt 20 ] && ! grep -e "$W" -e "$instance" "$W/t"
}
check "anonymous: facts and counters, too" hidden
check "and they still join" says 1 --anonymize --no-header "SELECT count(*) > 100 FROM fs f
	JOIN counters c ON c.at = f.ts AND c.instance = f.instance"
check "anonymous: no name is left" eval '! ask --anonymize -O csv "SELECT * FROM fs" | grep -q "$W" &&
	[ "$(ask --anonymize --no-header "SELECT count(path) > 50 FROM fs")" = 1 ]'
for i in $(seq 3000); do echo "m$i=$i"; done >"$W/many.kv"
"$FR" record -q -o "$W/d.frs" --set sampler.period=50ms --set sampler.collectors="textfile:$W/many.kv" \
	--set run.folder="$W/run" --set ring.pin_folder= -- sleep 0.3
many() {
	"$FR" query --no-header -O csv 'SELECT DISTINCT "textfile.m2", "textfile.m2999" FROM counters' "$W/d.frs" >"$W/t" 2>"$W/e" &&
		[ "$(cat "$W/t")" = 2.0,2999.0 ] && grep -q 'columns for [0-9]* of 3000 metrics' "$W/e" &&
		[ "$("$FR" query --no-header 'SELECT count(*) FROM metrics' "$W/d.frs")" = 3000 ]
}
check "more metrics than SQLite takes columns: those named are there" many

printf 'm=1\nM=2\n' >"$W/alike.kv"
"$FR" record -q -o "$W/e.frs" --set sampler.period=50ms --set sampler.collectors="textfile:$W/alike.kv" \
	--set run.folder="$W/run" --set ring.pin_folder= -- sleep 0.3
alike() {
	"$FR" query --no-header -O csv 'SELECT DISTINCT "textfile.M", "textfile.m#2" FROM counters' "$W/e.frs" >"$W/t" 2>"$W/e" &&
		[ "$(cat "$W/t")" = 2.0,1.0 ] && grep -q 'the second has a #2' "$W/e"
}
check "metrics whose names differ in the size of letters only" alike
long_cell() {
	ask "SELECT printf('%.2000c', 'x') t, 1 n UNION ALL SELECT 'y', 2" >"$W/t" &&
		[ "$(tail -n 1 "$W/t" | wc -c)" -lt 120 ]
}
check "one long cell does not push all rows" long_cell

# ---- bad input ----------------------------------------------------------------------
check "no SQL" fails_with 2 'query --tables' "$FR" query
check "a word that is no SQL" fails_with 2 'near "SELEC"' ask "SELEC 1"
check "the place is shown" fails_with 2 '^         ^$' ask "SELECT FROM fs"
check "no such table, the nearest" fails_with 2 "nearest is 'block'" ask "SELECT * FROM blocks"
check "no such column, the nearest" fails_with 2 "nearest is 'path'" ask "SELECT pth FROM fs"
check "no such metric, the nearest" fails_with 2 "nearest is 'meminfo.Dirty'" ask 'SELECT "meminfo.Drity" FROM counters'
check "a duration that is none" fails_with 2 'ns(): not a duration' ask "SELECT ns('soon')"
check "a moment that is none" fails_with 2 'soon' ask "SELECT ts('soon')"
check "a percentile in words" fails_with 2 'from 0 to 100' ask "SELECT percentile(dur, 'p99') FROM fs"
check "a percentile of texts" fails_with 2 'not a text' ask "SELECT percentile(path, 9) FROM fs WHERE path NOT NULL"
check "a metric without quotes" fails_with 2 'in double quotes: "meminfo.Dirty"' ask 'SELECT meminfo.Dirty FROM counters'
check "a text in double quotes" fails_with 2 "in single quotes: '/etc/passwd'" ask 'SELECT * FROM fs WHERE path = "/etc/passwd"'
check "at in a comparison" fails_with 2 'condition of its own' ask "SELECT 1 FROM counters WHERE at > 5"
check "at in an alternative" fails_with 2 'condition of its own' ask "SELECT 1 FROM counters c, fs f WHERE c.at = f.ts OR c.tick = 3"
check "the file first" fails_with 2 'the SQL comes first' "$FR" query "$a"
check "a long line: the place, too" fails_with 2 '^ *^$' ask "SELECT $(seq -s ' + ' 100) FORM fs"
check "a percentile that is none" fails_with 2 'from 0 to 100' ask "SELECT percentile(dur, 101) FROM fs"
check "a bad expression" fails_with 2 'REGEXP: ' ask "SELECT 'a' REGEXP '('"
check "no row" fails_with 5 'gives no row' ask "SELECT * FROM fs WHERE pid = -1"
check "a format that is none" fails_with 2 'text, csv or jsonl' "$FR" query -O xml "SELECT 1" "$a"
check "an option that is none" fails_with 2 'table' "$FR" query --tabel "$a"
check "no such script" fails_with 1 'No such file' "$FR" query -f "$W/none" "$a"
check "a script that is a program" fails_with 2 'no SQL' "$FR" query -f "$(type -P true)" "$a"
check "a script that is far too long" fails_with 2 'longer than 1 MiB' "$FR" query -f "$FR" "$a"
check "no such file" fails_with 1 'No such file' "$FR" query "SELECT 1" "$W/none.frs"
check "no snapshot" fails_with 7 'checks.bash' "$FR" query "SELECT 1" tests/cli/checks.bash
check "a full disk" fails_with 1 'No space' eval '"$FR" query "SELECT * FROM fs" "$a" >/dev/full'
size=$(stat -c %s "$a")
head -c $((size * 3 / 4)) "$a" >"$W/cut.frs"
check "what is intact of a cut file is answered" fails_with 7 'cut.frs' "$FR" query "SELECT count(*) FROM fs" "$W/cut.frs"
check "the file is only read" eval 'before=$(sha256sum <"$a"); ask "DELETE FROM fs" 2>/dev/null; [ "$(sha256sum <"$a")" = "$before" ]'
finish
