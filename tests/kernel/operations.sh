#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# operations.sh - a program of which every operation is known: what is recorded and
# exported of it is the committed table, byte for byte, and strace says the same as
# that table.
#
# UPDATE=1 writes the tables anew, for one to look at.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3 strace
[ "$(uname -m)" = x86_64 ] || skip "the table is of x86-64: other machines have fewer calls"
scratch "${VMRUN_DISK:-/var/tmp}"
case $(stat -f -c %T "$W") in ext*) ;; *) skip "$W is not on ext4" ;; esac
program=$(helper operations) || exit 1
table=tests/kernel/operations.expected
export_table=tests/kernel/operations_export.expected
look() { python3 tests/kernel/operations_table.py "$@"; }
export TZ=UTC LC_ALL=C.UTF-8

# take NAME COMMAND...: records it, and makes the table
take() {
	local n=$1 status
	shift
	rm -rf "$W/f" && mkdir -m 755 "$W/f"
	"$FR" record -q -o "$W/$n.frs" --set ring.memory=16MiB --set ring.pin_folder= \
		--set run.folder="$W/record" --set sampler.collectors= \
		--set probes.vfs=no --set probes.streams=fs,proc -- "$@" >"$W/$n.did" 2>"$W/err"
	status=$?
	[ $status = 0 ] || {
		echo "  exit $status:"
		head -n 8 "$W/err"
		return 1
	}
	"$FR" show -O jsonl "$W/$n.frs" >"$W/$n.rows" &&
		look rows "$W/$n.did" "$W/$n.rows" "$W/f" >"$W/$n.table"
}

check "each call ends as the program says, and is recorded" take alone "$program" "$W/f"
"$FR" export -q --to csv -o "$W/csv" "$W/alone.frs"
check "and exported" eval 'look csv "$W/alone.did" "$W/csv/fs_events.csv" "$W/f" >"$W/export.table"'
if [ -n "${UPDATE:-}" ]; then
	cp "$W/alone.table" $table
	cp "$W/export.table" $export_table
fi
check "recorded: the table, byte for byte" look compare $table "$W/alone.table"
check "exported: the table, byte for byte" look compare $export_table "$W/export.table"
check "it has each call, succeeding and failing" look complete $table include/flightrec/calls.def
check "and each operation of the I/O tracer" look exported $export_table

check "under strace" take raw strace -f -qqq -s 200 -xx -X raw -y -o "$W/raw.log" "$program" "$W/f"
check "recorded: the same" look compare $table "$W/raw.table"
check "strace says what the table says" look strace $table "$W/raw.log" "$W/raw.did" "$W/f"
check "under strace, with words" take words strace -f -s 4 -o "$W/words.log" "$program" "$W/f"
words() {
	# a strace that does not know fchmodat2 yet has no words for it
	! grep -q 'syscall_0x1c4' "$W/words.log" ||
		sed -i '/"call": *"fchmodat2"/d' "$W/words.rows"
	python3 tests/kernel/flags_compare.py "$W/words.log" "$W/words.rows"
}
check "the same words" words
finish
