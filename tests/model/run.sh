#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh - searches the model of the ring's protocol whole, then shows that each
# of its steps is needed: without it the search must find a violation.
#
#   tests/model/run.sh [-v] [NAME...]    only the cases whose name is given
#
# Needs spin and cc; up to 2 searches at a time (JOBS), each with at most MEM
# (2000) MB and LIMIT (170) seconds.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/ringmodel.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
jobs=${JOBS:-2} mem=${MEM:-2000} limit=${LIMIT:-170}
verbose=; [ "${1:-}" = -v ] && { verbose=1; shift; }
only="$*"

command -v spin >/dev/null || {
	echo "run.sh: spin is missing: apt-get install spin" >&2
	exit 77
}

# search NAME holds|fails FLAGS...: one line into $work/NAME.result
search() {
	name=$1 want=$2
	shift 2
	d=$work/$name
	mkdir "$d" && cd "$d" || return
	if ! spin "$@" -a "$here/ring.pml" >spin.log 2>&1 ||
	   ! ${CC:-cc} -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM="$mem" \
		-DVECTORSZ=2048 -o pan pan.c >cc.log 2>&1; then
		echo "FAILED $name: does not build: $(head -n 1 spin.log)" \
			>"$work/$name.result"
		return
	fi
	timeout "$limit" ./pan -m100000 -w24 >pan.log 2>&1
	rc=$?
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
	if grep -q '^pan:1:' pan.log; then
		got="fails: $(sed -n 's/^pan:1: *//p' pan.log | head -n 1)"
	elif [ $rc -eq 0 ] && grep -q 'errors: 0' pan.log &&
	     ! grep -qE 'max search depth|out of memory|not completed' pan.log; then
		got="holds"
	else
		got="unfinished (exit $rc)"
	fi
	case $got in
	$want*) verdict=ok ;;
	*) verdict=FAILED ;;
	esac
	echo "$verdict $name: $got, ${states:-?} states ($*)" >"$work/$name.result"
	cd "$work" && rm -rf "$d"
}

running=0
start() {
	case " $only " in
	"  " | *" $1 "*) ;;
	*) return ;;
	esac
	search "$@" &
	running=$((running + 1))
	if [ $running -ge "$jobs" ]; then
		wait
		running=0
	fi
}

# Records: A fills a chunk with each of its own (two slots), B and C write one
# slot.  W: three writers, no freeze.  N: A and B on one CPU, nested or preempted.
# C: A and C on two CPUs.
W="-DFREEZES=0 -DSIZE_A=2 -DRECS_A=1 -DRECS_B=1 -DRECS_C=1"
N="-DFREEZES=1 -DSIZE_A=2 -DRECS_A=1 -DRECS_B=1 -DRECS_C=0"
C="-DFREEZES=1 -DSIZE_A=2 -DRECS_A=1 -DRECS_B=0 -DRECS_C=1"
ALONE="-DFREEZES=1 -DSIZE_A=2 -DRECS_A=3 -DRECS_B=0 -DRECS_C=0"

# --- the protocol as it is -------------------------------------------------
# shellcheck disable=SC2086
{
	start writers holds $W
	start nested holds $N
	start two_freezes holds $C -UFREEZES -DFREEZES=2
	start void_hold holds $C -DCLOCK
	start room holds $C -DFREE=1
	start lapped holds $ALONE -DCLOCK
	start sealed holds $C -DSEAL -DRECS_A=0 -DRECS_C=2
	[ -z "${FULL:-}" ] || start all holds $W -UFREEZES -DFREEZES=2 -DTRIES=1
}

# --- without one of its steps ------------------------------------------------
# shellcheck disable=SC2086
while read -r mutant config; do
	case $mutant in '' | '#'*) continue ;; esac
	start "$mutant" fails $(eval echo "$config") -D$mutant
done <<'END'
RESERVE_AS_STORE	$W
NO_PEEK			$W -DTRIES=1
NO_ACTIVE_CHECK		$W
CLAIM_AS_STORE		$W
INSTALL_AS_STORE	$W
NO_CLEAR_OLD		$W
LOSER_NO_GIVE_BACK	$W
LOSER_NO_COMMIT		$W
NO_PAD_COMMIT		$W
CLEAR_OLD_FIRST		$W -DRECS_B=2
NO_COMMITTED_CHECK	$W -DRECS_A=3 -DRECS_C=0
COMMITTED_BEFORE_CAS	$W
INSTALL_OVER_ANY	$N
LOSER_NO_PAD		$N
NO_PAD_HEAD		$N
ORDINAL_AFTER_INSTALL	$N
COMMIT_BEFORE_HEAD	$N
NO_ORDINAL_ZERO		$C -DRECS_A=2
HEAD_BEFORE_BODY	$C
FIRST_HEAD_FIRST	$C
NO_HELD_CHECK		$C
HOLD_BEFORE_STATE	$C
HOLD_UNTIL_LAST		$C
HOLD_WITHOUT_ID		$C -UFREEZES -DFREEZES=2
NO_FRONTIER_CHECK	$C -DHELD_SKIPS_MAX=2
NO_ORDINAL_RECHECK	$ALONE
NO_HEAD_MATCH		$ALONE
NO_LIMIT		$C
BODY_BEFORE_HEAD	$C
RELEASE_BEFORE_COPY	$ALONE
NEXT_BEFORE_WORDS	$C -DFREE=1
NO_RELEASE		$C
SEAL_AS_STORE		$C -DSEAL -UFREEZES -DFREEZES=0
SEAL_NO_CLEAR		$C -DSEAL -UFREEZES -DFREEZES=0
SEAL_FORGETS		$C -DSEAL -DRECS_A=0 -DRECS_C=2
END
wait

cat "$work"/*.result | { [ -n "$verbose" ] && cat || grep -v '^ok'; }
passed=$(cat "$work"/*.result | grep -c '^ok')
failed=$(cat "$work"/*.result | grep -vc '^ok')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
