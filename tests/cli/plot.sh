#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# plot.sh - flightrec plot of a recording: rates are those that Python makes of the
# rows, pictures are XML, gaps are gaps, and bad input is told in plain words.
. "$(dirname "$0")/checks.bash"

# A second of samples, then none for a second, as the timer is stopped, and one more.
cat >"$W/work" <<'SH'
sleep 1
timer=$(pgrep -n -x fr-timer)
kill -STOP "$timer"
sleep 1
kill -CONT "$timer"
sleep 1
SH
"$FR" record -q -o "$W/a.frs" --set sampler.period=50ms --set sampler.collectors=cpu,load,memory \
	--set ring.memory=8MiB --set run.folder="$W/run" --set ring.pin_folder= -- bash "$W/work" ||
	{ echo "skip: nothing can be recorded here"; exit 77; }
S=(--stream sample -O csv)
"$FR" show "${S[@]}" -f ts,metric,value "$W/a.frs" >"$W/rows.csv"

rates() { # least, most and last of a counter, as plot says them
	"$FR" plot --ascii --width 100 "$W/a.frs" cpu.context_switches >"$W/plot" || return 1
	python3 - "$W" <<-'PY'
		import csv, re, sys
		w = sys.argv[1]
		v = [(int(r["ts"]), float(r["value"])) for r in csv.DictReader(open(w + "/rows.csv"))
		     if r["metric"] == "cpu.context_switches"]
		assert len(v) > 25, len(v)
		gaps = [b[0] - a[0] for a, b in zip(v, v[1:])]
		usual = sorted(gaps)[len(gaps) // 2]
		assert max(gaps) > 5 * usual, "the timer was not stopped"
		rate = [(b[1] - a[1]) * 1e9 / (b[0] - a[0]) for a, b in zip(v, v[1:])
		        if b[0] - a[0] <= 2.5 * usual]
		said = re.match(r"cpu.context_switches: least (\S+)/s, mean \S+/s, most (\S+)/s, last (\S+)/s\n",
		                open(w + "/plot").read())
		want = [f"{x:.4g}" for x in (min(rate), max(rate), rate[-1])]
		assert said and list(said.groups()) == want, (said and said.groups(), want)
	PY
}
check "a counter's least, greatest and last rate are those of the rows" rates
check "panels have the height asked for" eval \
	'[ "$("$FR" plot --ascii --height 6 "$W/a.frs" load.load1 | grep -c "|")" = 6 ]'
check "and no line is wider than asked for" eval \
	'[ "$("$FR" plot --ascii --width 60 "$W/a.frs" "cpu.all.*" | awk "/[|]/ && length > 60" | wc -l)" = 0 ]'
check "braille in UTF-8" eval 'LC_ALL=C.UTF-8 "$FR" plot "$W/a.frs" load.load1 | grep -q "│"'
check "ASCII elsewhere" eval '! LC_ALL=C "$FR" plot "$W/a.frs" load.load1 | LC_ALL=C grep -q "[^ -~]"'
svg() { # XML, a panel for each metric, and the gap
	"$FR" plot -o "$W/a.svg" "$W/a.frs" 'cpu.all.*' cpu.context_switches || return 1
	python3 - "$W" <<-'PY'
		import csv, sys, xml.dom.minidom as m
		w = sys.argv[1]
		d = m.parse(w + "/a.svg")
		names = {r["metric"] for r in csv.DictReader(open(w + "/rows.csv"))
		         if r["metric"].startswith("cpu.all.") or r["metric"] == "cpu.context_switches"}
		curves = [p.getAttribute("d") for p in d.getElementsByTagName("path") if p.getAttribute("class") == "c"]
		titles = {t.firstChild.data for t in d.getElementsByTagName("text") if t.getAttribute("class") == "t"}
		assert titles == names and len(curves) == len(names), (titles ^ names, len(curves))
		last = curves[sorted(names).index("cpu.context_switches")]
		assert last.count("M") == 2, last
		assert last.count("L") > 20
	PY
}
check "SVG: valid, a curve for each metric, and a gap where the timer stood still" svg
check "a part of the time" eval '[ "$("$FR" plot --ascii --begin -500ms "$W/a.frs" load.load1 | wc -l)" -gt 8 ]'
check "--list: what was sampled" eval '"$FR" plot --list "$W/a.frs" | grep -q "^meminfo.MemFree  *gauge  *bytes"'
check "show --metric: the same rows as all, filtered" eval '[ "$("$FR" show -O csv --metric "load.*" -f ts,metric,value "$W/a.frs")" = \
	"$(grep "^ts,\|,load\." "$W/rows.csv")" ]'
growth() { # deltas add up, and are rates of the time they took; the stopped timer too
	"$FR" show -O csv --metric cpu.context_switches -f ts,value,delta,rate "$W/a.frs" >"$W/growth.csv" || return 1
	python3 - "$W" <<-'PY'
		import csv, sys
		rows = list(csv.DictReader(open(sys.argv[1] + "/growth.csv")))
		v = [(int(r["ts"]), int(r["value"])) for r in rows]
		assert rows[0]["delta"] == rows[0]["rate"] == "", rows[0]
		assert sum(int(r["delta"]) for r in rows[1:]) == v[-1][1] - v[0][1]
		for (t, x), (u, y), r in zip(v, v[1:], rows[1:]):
		    assert abs(float(r["rate"]) - (y - x) * 1e9 / (u - t)) < 0.0006, (r, u - t)
	PY
}
check "show --metric: growth and rate" growth
same_rows() { # --metric before and behind --stream
	"$FR" show --metric 'load.*' --stream sample "$W/a.frs" >"$W/1" && "$FR" show --stream sample --metric 'load.*' "$W/a.frs" |
		cmp - "$W/1"
}
check "options in any order" same_rows
check "--metric beside another stream" fails_with 2 "alone, not 'fs'" "$FR" show --metric 'load.*' --stream fs "$W/a.frs"
check "show --metric without a match: the nearest" fails_with 5 'nearest is load.load1;' "$FR" show --metric load.load "$W/a.frs"
raw() { "$FR" plot --raw --ascii "$W/a.frs" cpu.context_switches | grep -q 'least [0-9.e+]*, mean [0-9.e+]*, most'; }
check "--raw: counters as they were, without a rate" raw
hostile() { # what a text file calls its numbers
	mkdir -p "$W/numbers" && printf '%s\n' 'a<b>&"c=1' "d'--><script>=2" >"$W/numbers/x.kv"
	"$FR" record -q -o "$W/h.frs" --set sampler.period=50ms --set "sampler.collectors=textfile:$W/numbers/" \
		--set ring.memory=8MiB --set run.folder="$W/run" --set ring.pin_folder= -- sleep 0.3 || return 1
	"$FR" plot -o "$W/h.svg" "$W/h.frs" '*' || return 1
	python3 - "$W/h.svg" <<-'PY'
		import sys, xml.dom.minidom as m
		d = m.parse(sys.argv[1])
		titles = [t.firstChild.data for t in d.getElementsByTagName("text") if t.getAttribute("class") == "t"]
		assert len(titles) == 2 and all(any(w in t for t in titles) for w in ('a<b>&"c', "d'--><script>")), titles
		assert not d.getElementsByTagName("script")
	PY
}
check "SVG of names that look like XML" hostile
narrow() { "$FR" plot --ascii --width 30 "$W/a.frs" load.load1 | tail -n +2 | awk 'length > 30 { bad = 1 } END { exit bad || NR != 9 }'; }
check "narrow: nothing is wider than asked for" narrow
exact() { # labels of a counter as it was tell its ends apart
	"$FR" plot --raw --ascii "$W/a.frs" cpu.context_switches | awk '/^ *[0-9.e+]+ \|/ { print $1 }' | sort | uniq -d | wc -l | grep -qx 0
}
check "--raw: as many digits as it takes" exact
check "a picture of another kind" fails_with 2 'pictures are SVG' "$FR" plot -o "$W/a.png" "$W/a.frs" load.load1
check "a file that is not there" fails_with 1 'none.frs: No such file' "$FR" plot "$W/none.frs" load.load1
check "a span that ends before it begins" fails_with 2 'not before --end' "$FR" plot --begin -1s --end -2s "$W/a.frs" load.load1
check "an unknown metric: the nearest" fails_with 5 'nearest is cpu.all.user' "$FR" plot "$W/a.frs" cpu.all.usr
check "no metric" fails_with 2 'which metrics' "$FR" plot "$W/a.frs"
check "a width that is none" fails_with 2 'from 30 to' "$FR" plot --width 3 "$W/a.frs" load.load1
check "a file that is no snapshot" fails_with 7 'not a flightrec snapshot\|no snapshot\|not a snapshot' "$FR" plot -f "$W/rows.csv" load.load1
check "a folder that cannot be written" fails_with 1 'cannot write' "$FR" plot -o "$W/no/a.svg" "$W/a.frs" load.load1
head -c $(($(stat -c %s "$W/a.frs") * 2 / 3)) "$W/a.frs" >"$W/cut.frs"
check "of a cut file, what is intact: exit 7" eval '"$FR" plot --ascii "$W/cut.frs" load.load1; [ $? = 7 ]'
"$FR" record -q -o "$W/none.frs" --set sampler.collectors= --set ring.memory=8MiB --set ring.pin_folder= \
	--set run.folder="$W/run" -- true
check "a snapshot without samples" fails_with 5 'no samples' "$FR" plot "$W/none.frs" load.load1
finish
