#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# read_damage.sh - snapshots cut or changed anywhere: no crash, no wrong row.
set -u
O=${O:-build}
fr=$O/flightrec
made=$O/tests/bench/made_snapshot
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "SEED=$seed repeats this run"
columns=ts,lane,cpu,seq,dur,ret,size,pid

"$made" "$dir" a 400 || exit 1
size=$(stat -c %s "$dir/a.frs")
"$fr" show -f $columns -O csv "$dir/a.frs" | sort >"$dir/rows"

# try WHAT: ${dir}/b.frs was damaged
try() {
	local bad="" c code
	for c in verify show info report; do
		timeout 20 "$fr" $c "$dir/b.frs" >/dev/null 2>"$dir/err"
		code=$?
		case $code in
		0 | 5) bad="$c accepted it" ;;
		7) [ -s "$dir/err" ] || bad="$c: no word of the damage" ;;
		*) bad="$c: exit $code" ;;
		esac
		[ -z "$bad" ] || break
	done
	timeout 20 "$fr" show -f $columns -O csv --no-header "$dir/b.frs" \
		2>/dev/null | sort >"$dir/left"
	[ -z "$(comm -13 "$dir/rows" "$dir/left")" ] || bad="a row that never was"
	if [ -z "$bad" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1: $bad"
	fi
}

for ((i = 0; i < 40; i++)); do
	at=$(((RANDOM * 32768 + RANDOM) % size))
	head -c $at "$dir/a.frs" >"$dir/b.frs"
	try "cut at $at"
	cp "$dir/a.frs" "$dir/b.frs"
	byte=$(od -An -tu1 -j $at -N 1 "$dir/a.frs")
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $(((byte + 1 + RANDOM % 255) % 256)))" |
		dd of="$dir/b.frs" bs=1 seek=$at conv=notrunc status=none
	try "byte $at changed"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
