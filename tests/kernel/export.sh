#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# export.sh - a real recording of all streams, exported: the rows of show, and in
# anonymous mode no word of what was recorded.
set -u
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch
export TZ=UTC LC_ALL=C.UTF-8
# processes that are looked at have their folders in their arguments
W=$W/zqscratchzq && mkdir "$W"
secrets=$(helper secrets) || skip "no C compiler"
numbers=$O/tests/kernel/name_numbers
[ -x "$numbers" ] || skip "$numbers is not built"
words=(zqdirzq zqfilezq zqrenamedzq zqhardzq zqtargetzq zqleafzq zqsoftzq
	zqnonezq zqnowherezq zqsocketzq zqabstractzq zqthreadzq
	zqargumentzq zqoptionzq zqvaluezq zqscratchzq)
addresses=(0xc633644d 0x20010db87a710000)

# take NAME [OPTION...]: records the program
take() {
	local name=$1
	shift
	mkdir "$W/$name.work"
	(cd "$W" && "$FR" record -q -o "$W/$name.frs" --profile deep \
		--set ring.memory=16MiB --set probes.exec_env=SECRET "$@" \
		-- "$secrets" "$W/$name.work") || { sed 's/^/    /' "$W/log"; false; }
} 2>"$W/log"
look() { python3 tests/kernel/secrets_check.py "$@"; }
verify() { python3 tests/cli/export_check.py "$@"; }

check "recorded" take clear
check "and without names" take one --anonymize
check "twice" take two --keep-extensions

# --- exported as recorded ------------------------------------------------------
check "exported" "$FR" export -q --to csv -o "$W/csv" "$W/clear.frs"
streams=$(python3 -c 'import json, sys
print(",".join(json.load(open(sys.argv[1]))["streams"]))' "$W/csv/manifest.json")
"$FR" show -O jsonl --stream "$streams" "$W/clear.frs" >"$W/clear.jsonl"
check "files are as the manifest says, with the rows of show" \
	verify files "$W/csv" "$W/clear.jsonl"
check "in the order of time" verify order "$W/csv"
check "the writes are there, each once" python3 - "$W/csv/fs_events.csv" <<'PY'
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[1], newline=""))
        if r["operation"] == "WRITE" and r["filename"].endswith("/zqfilezq.dat")]
assert len(rows) == 20, len(rows)
assert all(r["size"] == r["bytes_completed"] == "1" for r in rows)
assert [int(r["offset"]) for r in rows] == list(range(20))
PY
check "renamed: old -> new" grep -q 'zqfilezq.dat -> .*zqrenamedzq.dat' "$W/csv/fs_events.csv"
check "the probes are in the manifest" grep -q '"mechanism": "[a-z_]*", "attached": "yes"' \
	"$W/csv/manifest.json"

# --- anonymous -------------------------------------------------------------------
check "the reader finds the words in the clear file" look "$W/clear.frs" has "${words[@]}"
check "and the addresses" look "$W/clear.frs" has "${addresses[@]}"
host=$("$FR" show -O jsonl -f host -n 1 "$W/clear.frs" | cut -d'"' -f4)
check "none is in the anonymous one" look "$W/one.frs" lacks "${words[@]}" \
	"${addresses[@]}" zqmemoryzq zqdevzq "$host"
check "nor in the other" look "$W/two.frs" lacks "${words[@]}" "${addresses[@]}" zqmemoryzq zqdevzq
for n in clear one two; do "$numbers" "$W/$n.frs" | sort -u >"$W/$n.numbers"; done
check "hashes of names are there" [ "$(wc -l <"$W/one.numbers")" -gt 10 ]
shared() { comm -12 "$1" "$2" | grep -v ' 0000000000000000$'; }
check "but none that can be guessed" [ -z "$(shared "$W/clear.numbers" "$W/one.numbers")" ]
check "nor one of another snapshot" [ -z "$(shared "$W/two.numbers" "$W/one.numbers")" ]
for n in one two; do
	check "anonymous: exported" "$FR" export -q --to csv -o "$W/$n.csv" "$W/$n.frs"
	check "anonymous: no word in the files" verify clear "$W/$n.csv" zq "${words[@]}" \
		198.51.100.77 2001:db8:7a71
	check "anonymous: valid files" verify order "$W/$n.csv"
done
check "equal names are equal, in one file only; extensions on request" \
	python3 - "$W/clear.csv" "$W/csv" "$W/one.csv" "$W/two.csv" <<'PY'
import collections, csv, re, sys
def load(folder):
    return list(csv.DictReader(open(folder + "/fs_events.csv", newline="")))
def writes(rows):
    """inode -> names, of those that were written 20 times one byte"""
    names = collections.defaultdict(list)
    for r in rows:
        if r["operation"] == "WRITE" and r["size"] == "1":
            names[r["inode"]].append(r["filename"])
    return next(n for n in names.values() if len(n) == 20)
clear, one, two = (load(f) for f in sys.argv[2:])
depth = set(writes(clear)).pop().count("/")
for rows, form in ((one, r"(/[0-9a-f]{16})+"), (two, r"(/[0-9a-f]{16})+\.work(/[0-9a-f]{16})+\.dat")):
    names = set(writes(rows))
    assert len(names) == 1, names
    name = names.pop()
    assert re.fullmatch(form, name) and name.count("/") == depth, name
    renames = [r["filename"].split(" -> ") for r in rows if r["operation"] == "RENAME"]
    assert len(renames) == 1 and renames[0][0] == name, renames
parts = [{p for r in rows for p in re.findall("[0-9a-f]{16}", r["filename"])}
         for rows in (one, two)]
assert parts[0] and parts[1] and not parts[0] & parts[1]
PY
finish
