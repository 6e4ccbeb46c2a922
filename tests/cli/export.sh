#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# export.sh - flightrec export: files, values and errors, read back by Python.
set -u
O=${O:-build}
fr=$O/flightrec
made=$O/tests/bench/made_streams
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

refused() { # CODE PATTERN ARGUMENT...: one line, and no folder is left
	local code=$1 pattern=$2
	shift 2
	exits "$code" "$@" && [ "$(wc -l <"$dir/err")" = 1 ] &&
		grep -q -- "$pattern" "$dir/err" && no_rest || {
		cat "$dir/err"
		return 1
	}
}
no_rest() { # nothing temporary is left behind
	[ -z "$(find "$dir" -maxdepth 1 -name '.*.*' -print)" ]
}
verify() { python3 tests/cli/export_check.py "$@"; }
count() { [ "$(find "$1" -type f | wc -l)" = "$2" ] || ! find "$1" -type f; }
rows() { # FILE N: lines behind the header (of files without quoted newlines)
	[ "$(($(wc -l <"$1") - 1))" = "$2" ] || ! wc -l "$1"
}

"$made" "$dir" a 100 || exit 1
streams=fs,block,cache,net,conn,epoll,sockopt,drop,fault,uring,process,filesystem,system,proc

subset() { # every line of the files of $1 is one of $2
	local f
	for f in nw/nw_events.csv nw_drop/nw_drop_events.csv pagefault/pagefault_events.csv; do
		[ -z "$(comm -23 <(cut -d, -f1,2,4- "$1/$f" | sort) \
			<(cut -d, -f1,2,4- "$2/$f" | sort))" ] || return
	done
}

# --- values -----------------------------------------------------------------
check "all streams are exported" exits 0 export --to csv -o "$dir/all" "$dir/a.frs"
check "a file for each stream, a specification and a manifest" count "$dir/all" 15
"$fr" show -O jsonl --stream $streams "$dir/a.frs" >"$dir/a.jsonl" 2>/dev/null
check "files are as the manifest says, and as show" verify files "$dir/all" "$dir/a.jsonl"
check "values are those that were recorded" verify made "$dir/all"
check "rows are in the order of time" verify order "$dir/all"
check "the last look at the machine" grep -qx 'CPU Brand: Model 100' "$dir/all/device_spec.txt"
check "the folder is not for everybody" \
	[ "$(stat -c %a "$dir/all")" = 750 ]

# --- where to ----------------------------------------------------------------
check "never into a folder with something in it" \
	refused 1 'not empty' export --to csv -o "$dir/all" "$dir/a.frs"
echo keep >"$dir/file"
check "never over a file" refused 1 'Not a directory' export --to csv -o "$dir/file" "$dir/a.frs"
check "that file is as it was" [ "$(cat "$dir/file")" = keep ]
mkdir "$dir/empty"
check "into an empty folder" exits 0 export --to csv -o "$dir/empty/" "$dir/a.frs"
check "with the same rows" cmp "$dir/all/fs_events.csv" "$dir/empty/fs_events.csv"
check "no folder above: said" refused 1 'No such file' \
	export --to csv -o "$dir/none/x" "$dir/a.frs"
check "nothing temporary is left" no_rest
check "a full disk is said, and leaves nothing" bash -c '
	fr=$1 dir=$2
	mkdir "$dir/small" && mount -t tmpfs -o size=64k none "$dir/small" 2>/dev/null || exit 0
	"$fr" export --to csv -o "$dir/small/x" "$dir/a.frs" 2>"$dir/err"
	code=$?
	left=$(find "$dir/small" -mindepth 1 | wc -l)
	umount "$dir/small"
	[ $code = 1 ] && grep -q "No space left" "$dir/err" && [ "$left" = 0 ]' - "$fr" "$dir"

# --- usage ---------------------------------------------------------------------
check "no format" refused 2 'which format' export -o "$dir/x" "$dir/a.frs"
check "no folder" refused 2 'o is missing' export --to csv "$dir/a.frs"
check "unknown format" refused 2 'there is .*csv' export --to xml -o "$dir/x" "$dir/a.frs"
check "unknown stream" refused 2 'no stream' \
	export --to csv -o "$dir/x" --stream nets "$dir/a.frs"
check "no such snapshot" refused 1 'No such file' export --to csv -o "$dir/x" "$dir/none.frs"
check "help" exits 0 export --help

# --- which rows ------------------------------------------------------------------
check "two streams only" exits 0 export --to csv -o "$dir/two" --stream net,drop "$dir/a.frs"
check "have two files" count "$dir/two" 4
check "with all rows" rows "$dir/two/nw/nw_events.csv" 100
check "a span of time" exits 0 export --to csv -o "$dir/span" \
	--begin 2026-11-20T13:05:00.010 --end 2026-11-20T13:05:00.019 --stream drop "$dir/a.frs"
check "has ten rows" rows "$dir/span/nw_drop/nw_drop_events.csv" 10
check "nothing in the span: exit 5" exits 5 export --to csv -o "$dir/nothing" \
	--begin 2027-01-01 "$dir/a.frs"
check "but all headers" [ -s "$dir/nothing/fs_events.csv" ]

# --- several snapshots of one recorder ----------------------------------------------
"$made" "$dir" b 100 51 || exit 1
check "two snapshots that overlap" exits 0 export --to csv -o "$dir/both" "$dir/b.frs" "$dir/a.frs"
check "are merged" verify order "$dir/both"
check "what both have is there once" rows "$dir/both/nw/nw_events.csv" 150
check "and is as it was" verify made "$dir/both"

# --- damage ----------------------------------------------------------------------------
size=$(stat -c %s "$dir/a.frs")
"$fr" export -q --to csv -o "$dir/whole" --stream net,drop,fault "$dir/a.frs"
for part in 40 60 70 80 90 97; do
	head -c $((size * part / 100)) "$dir/a.frs" >"$dir/cut.frs"
	rm -rf "$dir/cut"
	check "cut at $part %: exit 7" exits 7 export --to csv -o "$dir/cut" \
		--stream net,drop,fault "$dir/cut.frs"
	check "cut at $part %: valid files" verify order "$dir/cut"
	check "cut at $part %: no row that never was" subset "$dir/cut" "$dir/whole"
	check "cut at $part %: said in the manifest" grep -q '"complete": false' "$dir/cut/manifest.json"
done
head -c 20 "$dir/a.frs" >"$dir/cut.frs"
check "no snapshot at all: exit 7" refused 7 '' export --to csv -o "$dir/x" "$dir/cut.frs"

# --- anonymous --------------------------------------------------------------------------
secrets=(plain secret srv @abstract user.slice testhost 192.0.2.7 2001:db8 'wor,')
check "the words are there without" bash -c '! python3 tests/cli/export_check.py clear "$@"' - \
	"$dir/all" "${secrets[@]}"
check "anonymous" exits 0 export --to csv -o "$dir/anon" --anonymize "$dir/a.frs"
check "no word of a name or address is left" verify clear "$dir/anon" "${secrets[@]}"
check "the files are whole" verify order "$dir/anon"
same_shape() { # columns that are no names are as they were; equal names equal
	python3 - "$dir/all" "$dir/anon" <<-'PY'
		import csv, sys
		a, b = ([*csv.DictReader(open(d + "/fs_events.csv", newline=""))] for d in sys.argv[1:])
		assert len(a) == len(b)
		names = {}
		for x, y in zip(a, b):
		    for k in x:
		        if k in ("filename", "target", "command"):
		            assert (x[k] == "") == (y[k] == ""), (k, x[k], y[k])
		            if " -> " not in y[k]:
		                assert names.setdefault(x[k], y[k]) == y[k]
		        else:
		            assert x[k] == y[k], (k, x[k], y[k])
		assert len(set(names.values())) == len(names)
		assert len(names) >= 7
		assert names["/srv/plain"].count("/") == 2
	PY
}
check "all else is as it was, equal names are equal" same_shape
"$fr" export -q --to csv -o "$dir/anon2" --anonymize "$dir/a.frs"
check "each time under another key" bash -c '! cmp -s "$@"' - \
	"$dir/anon/fs_events.csv" "$dir/anon2/fs_events.csv"
check "extensions on request" exits 0 export --to csv -o "$dir/ext" --keep-extensions "$dir/a.frs"
"$fr" show -O jsonl --anonymize --stream $streams "$dir/a.frs" >"$dir/anon.jsonl" 2>/dev/null
mkdir "$dir/shown" && cp "$dir/anon.jsonl" "$dir/shown/"
check "show --anonymize hides the same" verify clear "$dir/shown" "${secrets[@]}"
check "filters see the clear names" exits 0 show --anonymize --path '/srv/plain' "$dir/a.frs"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
