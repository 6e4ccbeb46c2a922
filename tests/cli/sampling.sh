#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sampling.sh - flightrec sample, log and loadsensor: what other programs read in
# their output, against /proc read before and after; signals, ends, bad input.
. "$(dirname "$0")/checks.bash"

# ---- sample --------------------------------------------------------------------
witness() { # FORMAT: what it says of /proc/stat and /proc/meminfo
	cat /proc/stat >"$W/before"
	"$FR" sample -O "$1" 'cpu.*' meminfo.MemTotal >"$W/sample" || return 1
	cat /proc/stat >"$W/after"
	python3 - "$1" "$W" <<-'PY'
		import csv, json, os, re, sys
		how, w = sys.argv[1:]
		text = open(w + "/sample").read()
		if how == "json": v = json.loads(text)
		elif how == "jsonl": v = {o["metric"]: o["value"] for o in map(json.loads, text.splitlines())}
		elif how == "csv": v = {r["metric"]: float(r["value"]) for r in csv.DictReader(text.splitlines())}
		else: v = dict(line.split("=") for line in text.splitlines())
		assert list(v) == sorted(v), "not sorted"
		def stat(path): return {l.split()[0]: list(map(int, l.split()[1:])) for l in open(path)}
		a, b = stat(w + "/before"), stat(w + "/after")
		hz = os.sysconf("SC_CLK_TCK")
		assert a["ctxt"][0] <= float(v["cpu.context_switches"]) <= b["ctxt"][0], "ctxt"
		for i, field in enumerate("user nice system idle".split()):
		    x = float(v["cpu.all." + field])
		    assert a["cpu"][i] / hz - 1e-6 <= x <= b["cpu"][i] / hz + 1e-6, (field, x)
		total = int(re.search(r"MemTotal: +(\d+)", open("/proc/meminfo").read())[1]) * 1024
		assert int(float(v["meminfo.MemTotal"])) == total, "MemTotal"
	PY
}
for f in kv csv json jsonl; do
	check "sample as $f: as /proc has it, sorted" witness $f
done
P=
for p in python3 /usr/bin/python3; do
	"$p" -c 'import prometheus_client' 2>/dev/null && P=$p && break
done
openmetrics() {
	"$FR" sample -O openmetrics -o "$W/m.prom" && [ "$(find "$W" -name '*.part' | wc -l)" = 0 ] &&
		"$P" - "$W/m.prom" "$("$FR" sample | wc -l)" <<-'PY'
			import sys
			from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
			families = list(parse(open(sys.argv[1]).read()))
			n = sum(len(f.samples) for f in families)
			assert abs(n - int(sys.argv[2])) <= int(sys.argv[2]) // 20, (n, sys.argv[2])
			load = [s.value for f in families for s in f.samples if s.name == "flightrec_sample_load_load1"]
			assert len(load) == 1 and load[0] < 10000
		PY
}
if [ -n "$P" ]; then
	check "OpenMetrics that its own parser takes, written whole" openmetrics
else
	echo "skip: python3-prometheus-client is not installed"
fi
check "--list names the collectors" eval '"$FR" sample --list | grep -q "^memory  *use of memory"'
check "--list METRIC: kind, unit, source" eval \
	'"$FR" sample --list meminfo.MemFree | grep -q "^meminfo.MemFree  *gauge  *bytes  */proc/meminfo"'
check "a mistyped metric: the nearest" fails_with 2 'nearest is meminfo.MemTotal' "$FR" sample meminfo.MemTota
check "a mistyped collector" fails_with 2 "no collector 'memroy'" "$FR" sample -C memroy
check "a mistyped format" fails_with 2 'openmetrics' "$FR" sample -O xml
check "a folder that is not there" fails_with 1 'cannot write' "$FR" sample -o "$W/no/such/file"
check "a full disk" fails_with 1 'cannot write' bash -c "'$FR' log -n 1 load.load1 >/dev/full"

# ---- log -----------------------------------------------------------------------
log_rates() { # five lines; their growth is that of the counter
	"$FR" log -d 100ms -n 6 -O jsonl cpu.context_switches >"$W/values" &
	"$FR" log -d 100ms -n 5 -O csv --rates cpu.context_switches load.load1 >"$W/rates.csv"
	wait
	python3 - "$W" <<-'PY'
		import csv, datetime, json, sys
		w = sys.argv[1]
		v = [json.loads(l) for l in open(w + "/values")]
		assert len(v) == 6 and all(list(x) == ["time", "cpu.context_switches"] for x in v)
		t = [datetime.datetime.fromisoformat(x["time"]).timestamp() for x in v]
		gaps = [b - a for a, b in zip(t, t[1:])]
		assert 0.3 < t[-1] - t[0] < 5, gaps
		n = [x["cpu.context_switches"] for x in v]
		assert n == sorted(n) and n[0] < n[-1]
		rows = list(csv.DictReader(open(w + "/rates.csv")))
		assert len(rows) == 5 and list(rows[0]) == ["time", "cpu.context_switches", "load.load1"]
		rates = [float(r["cpu.context_switches"]) for r in rows]
		assert all(0 < r < 1e8 for r in rates), rates
	PY
}
check "log: values grow, rates are per second, columns sorted" log_rates
memrec() {
	"$FR" log --once -O memrec 'meminfo.*' | python3 -c '
import re, sys
lines = sys.stdin.read().splitlines()
assert all(re.fullmatch(r"xid=\d+( [^ =]+=-?[0-9.]+){1,5}", l) for l in lines), lines[:2]
n = sum(len(l.split()) - 1 for l in lines)
assert n == len(open("/proc/meminfo").readlines()), n'
}
check "memrec's lines" memrec
signals() {
	rm -f "$W/log.csv"
	"$FR" log -d 1h -O csv -o "$W/log.csv" load.load1 &
	local pid=$! i
	for i in $(seq 200); do
		[ "$(cat "$W/log.csv" 2>/dev/null | wc -l)" = 2 ] && break
		sleep 0.05
	done
	kill -USR1 $pid
	for i in $(seq 200); do
		[ "$(wc -l <"$W/log.csv")" = 3 ] && break
		sleep 0.05
	done
	mv "$W/log.csv" "$W/log.1"
	kill -HUP $pid
	for i in $(seq 200); do
		[ -s "$W/log.csv" ] && break
		sleep 0.05
	done
	kill -USR1 $pid
	for i in $(seq 200); do
		[ "$(wc -l <"$W/log.csv")" = 2 ] && break
		sleep 0.05
	done
	kill -TERM $pid
	wait $pid || return 1
	wc -l "$W/log.1" "$W/log.csv"
	[ "$(wc -l <"$W/log.1")" = 3 ] && [ "$(wc -l <"$W/log.csv")" = 2 ] &&
		grep -q '^time,load.load1$' "$W/log.csv"
}
check "SIGUSR1: a sample now; SIGHUP: a new file with a header; SIGTERM: the end" signals
children() {
	"$FR" log -d 50ms -n 3 load.load1 >/dev/null && ! pgrep -P $$ -x fr-timer
}
check "no timer is left behind" children
check "a period that is none" fails_with 2 'a time such as' "$FR" log -d 0
check "a number that is none" fails_with 2 'a number from 1 on' "$FR" log -n 0
check "--syslog with -o" fails_with 2 'takes neither' "$FR" log --syslog -o x
check "a closed pipe is said" fails_with 1 'cannot write' bash -c \
	"exec 3>&2; { '$FR' log -d 1ms 'cpu.*' 2>&3; echo \$? >'$W/code'; } | head -c 1 >/dev/null; exit \$(cat '$W/code')"

# ---- loadsensor ------------------------------------------------------------------
protocol() {
	printf '\n\nquit\n\n' | "$FR" loadsensor -H here load.load1 'meminfo.Mem*' >"$W/ge" || return 1
	python3 - "$W/ge" <<-'PY'
		import sys
		lines = open(sys.argv[1]).read().splitlines()
		assert lines.count("begin") == lines.count("end") == 2, lines
		inner = [l for l in lines if l not in ("begin", "end")]
		assert len(inner) == 8 and all(l.startswith("here:") and l.count(":") == 2 for l in inner), inner
	PY
}
check "loadsensor: an answer for each line, until quit" protocol
check "and until its input ends" eval 'timeout 20 "$FR" loadsensor load.load1 </dev/null'
check "a line without end" eval 'head -c 100000 /dev/zero | tr "\0" x | timeout 20 "$FR" loadsensor load.load1 | grep -c begin | grep -qx 1'
check "without metrics" fails_with 2 'which metrics' "$FR" loadsensor
# ---- what cannot be read is named -----------------------------------------------
check "sample names whom it could not read" fails_with 4 'left out (textfile)' \
	"$FR" sample -C "load,textfile:$W/none.kv"
comes_and_goes() {
	echo v=1 >"$W/v.kv"
	"$FR" log -C "load,textfile:$W/v.kv" -d 50ms -n 40 -o "$W/log" 2>"$W/err" &
	local pid=$!
	until [ -s "$W/log" ]; do sleep 0.01; done
	rm "$W/v.kv"
	wait $pid && [ "$(grep -c 'left out (textfile)' "$W/err")" = 1 ] && [ "$(wc -l <"$W/err")" = 1 ]
}
check "log names it once" comes_and_goes

finish
