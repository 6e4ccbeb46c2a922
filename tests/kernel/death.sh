#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# death.sh - triggers for processes that die and for those that the kernel kills for
# want of memory.  Programs die in known ways, beside twins that must not count;
# wait(2) and the counts of the memory cgroup are the witnesses.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch /var/tmp
dying=$(helper dying) || exit 1

# run NAME HOW...: as wait(2) saw it, one line "NAME STATUS" in $W/said; GROUPS_: files
# that take the process into its cgroups; KILL: a signal for it once it is ready
cat >"$W/run.py" <<'PY'
import os, resource, subprocess, sys
said, program, groups, kill, name, *how = sys.argv[1:]
def enter():
    for g in groups.split():
        with open(g, "w") as f: f.write(str(os.getpid()))
    limit = resource.RLIM_INFINITY if os.environ.get("CORE") else 0
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
p = subprocess.Popen([program, name, *how], stdout=subprocess.PIPE, preexec_fn=enter,
                     cwd=os.path.dirname(said))
if kill:
    assert p.stdout.readline() == b"ready\n"
    p.send_signal(int(kill))
out = p.stdout.read().decode()
status = os.waitpid(p.pid, 0)[1]
with open(said, "a") as f: f.write(f"{name} {status}\n")
sys.stdout.write(out)
PY
GROUPS_='' KILL=''
run() { python3 "$W/run.py" "$W/said" "$dying" "$GROUPS_" "$KILL" "$@"; }
# said NAME SIGNAL|CODE N: how many of them wait(2) saw die so
said() {
	python3 - "$W/said" "$@" <<-'PY'
		import os, sys
		path, name, kind, n = sys.argv[1:]
		def same(status):
		    if kind == "signal":
		        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == int(n)
		    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == int(n)
		print(sum(l.split()[0] == name and same(int(l.split()[1])) for l in open(path)))
	PY
}
# look: what is counted now, "NAME HITS" for triggers
look() {
	recorder_says >"$W/status.json"
	python3 -c 'import json, sys
for name, t in json.load(sys.stdin)["trigger"].items(): print(name, t["hits"])' \
		<"$W/status.json" >"$W/hits"
}
expect() { # RULE HITS
	local n
	n=$(sed -n "s/^$1 //p" "$W/hits")
	check "$1: $2 hits" [ "$n" = "$2" ]
	[ "$n" = "$2" ] || echo "  $n"
}
# rule NAME WHEN: hits are only counted, but for the rules that are on
rules=()
rule() { rules+=(--set "trigger.$1.when=$2" --set "trigger.$1.enabled=${3:-no}"); }

# ---- cgroups: one for the filters, one that has little memory --------------------
group='' memory=''
for c in /sys/fs/cgroup /sys/fs/cgroup/unified; do
	[ -e $c/cgroup.procs ] && [ "$(stat -f -c %T $c)" = cgroup2fs ] && group=$c/frdeath$$
done
[ -z "$group" ] || {
	mkdir -p "$group/below" || group=''
	at_end "rmdir $group/below $group"
}
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then # v1
	memory=/sys/fs/cgroup/memory/frdeath$$
	{ mkdir -p "$memory/below" && echo 16M >"$memory/memory.limit_in_bytes"; } || memory=''
	at_end "rmdir $memory/below $memory"
elif grep -qw memory "${group%/*}/cgroup.controllers" 2>/dev/null; then
	memory=$group
	{ echo +memory >"${group%/*}/cgroup.subtree_control" && echo +memory >"$group/cgroup.subtree_control" &&
		echo 16M >"$memory/memory.max"; } || memory=''
	[ ! -e "$memory/memory.swap.max" ] || echo 0 >"$memory/memory.swap.max"
fi
in_groups=''
[ -z "$group" ] || in_groups=$group/below/cgroup.procs
[ "$memory" = "$group" ] || [ -z "$memory" ] || in_groups+=" $memory/below/cgroup.procs"
# kills that the memory cgroup counted itself
oom_kills() {
	cat "$memory"/memory.events "$memory"/memory.oom_control "$memory"/below/memory.oom_control 2>/dev/null |
		awk '$1 == "oom_kill" { n += $2 } END { print n + 0 }'
}

# ---- deaths ------------------------------------------------------------------------
rule segv 'proc exit signal SEGV where comm = dier'
rule bus 'proc exit signal SIGBUS where comm = dier'
rule abrt 'proc exit signal ABRT where comm = dier'
rule kill 'proc exit signal KILL where comm = dier'
rule three 'proc exit signal SEGV,BUS,ABRT where comm = "die?"'
rule realtime 'proc exit signal 64 where comm = dier'
rule signal-any 'proc exit signal any where comm = dier'
rule code-any 'proc exit code any where comm = dier'
rule code-3 'proc exit code 3,7 where comm = dier'
rule code-4 'proc exit code 4 where comm = dier'
rule other-signal 'proc exit signal FPE,ILL,TRAP,HUP where comm = dier'
rule other-comm 'proc exit signal any where comm = survivor'
rule not-comm 'proc exit signal SEGV where comm != dier'
rule either 'proc exit signal SEGV where comm = dier or proc exit code 3 where comm = dier'
rule thread-comm 'proc exit signal SEGV where comm = outliver'
rule row 'proc exit signal ABRT where comm = row'
rule row-code 'proc exit code 5 where comm = row'
rule row-exec 'proc exit signal SEGV where comm = row'
rule cgroup "proc exit signal SEGV where cgroup = /frdeath$$"
rule cgroup-other "proc exit signal SEGV where cgroup = /frdeath$$/no"
rule oom-hog 'oom kill where comm = hog'
rule oom-any 'oom kill'
rule oom-big 'oom kill where comm = big'
rule oom-small 'oom kill where comm = small'
rule oom-cgroup "oom kill where cgroup = /frdeath$$"
rule oom-below "oom kill where cgroup = /frdeath$$/below"
rule oom-other "oom kill where cgroup = /frdeath$$/no"
rule oom-signal 'proc exit signal KILL where comm = hog'
rule fires 'proc exit signal SEGV where comm = last' yes
rule oom-fires 'oom kill where comm = lasthog' yes
recorder_start --set sampler.collectors= --set "scope.pids=$$" \
	--set "probes.mechanism=${MECHANISM:-auto}" "${rules[@]}" || exit 1

: >"$W/said"
run dier null
CORE=1 run dier null # perhaps with a core dump, which is one bit of the status
run dier bus "$W/mapped"
run dier abort
KILL=9 run dier wait
KILL=15 run dier wait
run dier self 64
run dier exit 0
run dier exit 3
run dier exit 7
run dier exit 255
run dier thread 0
run dier leader null
run dier leader exit 3
run dier exec null
run dier exec exec exit 0
run other null
GROUPS_=$in_groups run inside null
run row row 200 abort >"$W/row.abort"
run row row 200 exit 5 >"$W/row.exit"
run row row 100 exec null >"$W/row.exec"
check "200 died in a row as wait(2) saw it: abort, exit 5; 100 after exec" \
	[ "$(cat "$W"/row.*)" = "200 6
100 11
200 1280" ]
check "wait(2) saw what the programs were to do" [ "$(said dier signal 11) $(said dier signal 7) \
$(said dier signal 6) $(said dier signal 9) $(said dier signal 15) $(said dier signal 64) \
$(said dier code 0) $(said dier code 3) $(said dier code 7) $(said dier code 255)" = "4 1 1 1 1 1 3 2 1 1" ]
grep -q '^dier 139' "$W/said" && echo "  one of them with a core dump"
look
expect segv "$(said dier signal 11)"
expect bus "$(said dier signal 7)"
expect abrt "$(said dier signal 6)"
expect kill "$(said dier signal 9)"
expect three 6
expect realtime 1
expect signal-any 9
expect code-any 4
expect code-3 3
expect code-4 0
expect other-signal 0
expect other-comm 0
expect not-comm 102
expect either 6
expect thread-comm 0
expect row 200
expect row-code 200
expect row-exec 100
if [ -n "$group" ]; then
	expect cgroup 1
	expect cgroup-other 0
fi

# ---- what the snapshot holds ---------------------------------------------------
expect fires 0
DYING_FILE=$W/words run last null
wait_snapshots 1
file=$(snapshots | tail -n 1)
check "one snapshot, of the trigger that is on" [ "$(snapshots | wc -l)" = 1 ]
"$FR" info "$file" >"$W/info"
check "it says who died of what" grep -Eq 'process [0-9]+ \(last\) was killed by SIGSEGV \(CPU' "$W/info"
read -r pid cpu seq < <(sed -En 's/.*process ([0-9]+) \(last\).*CPU ([0-9]+), record ([0-9]+)\).*/\1 \2 \3/p' "$W/info")
"$FR" show -O csv --stream proc -f op,pid,comm,status,last,cpu,seq "$file" >"$W/proc.csv"
check "and holds the exit, under the number that it says" \
	grep -Eq "^exit,$pid,last,(11|139),1,$cpu,$seq\$" "$W/proc.csv"
"$FR" show -O csv --stream fs -f pid,call,path,offset,size,ret "$file" >"$W/fs.csv"
check "and what the process did before" grep -Fxq "$pid,pwrite64,$W/words,4321,10,10" "$W/fs.csv"

# ---- killed for want of memory -----------------------------------------------------
if [ -z "$memory" ]; then
	echo "  no memory cgroup here: nothing about want of memory"
else
	before=$(oom_kills)
	GROUPS_=$in_groups run hog hog 4
	check "4 of 16 MiB: nobody is killed" [ "$(said hog code 0)" = 1 ]
	look
	expect oom-hog 0
	for _ in 1 2 3; do GROUPS_=$in_groups run hog hog 64; done
	check "64 MiB: killed, as wait(2) and the cgroup count" \
		[ "$(said hog signal 9) $(($(oom_kills) - before))" = "3 3" ]
	look
	expect oom-hog 3
	expect oom-any 3
	expect oom-signal 3
	# a small one asks, the big one is killed
	mkfifo "$W/ready"
	GROUPS_="$in_groups" python3 - "$dying" "$W/ready" <<-'PY' &
		import os, subprocess, sys
		def enter():
		    for g in os.environ["GROUPS_"].split():
		        open(g, "w").write(str(os.getpid()))
		    open("/proc/self/oom_score_adj", "w").write("1000")
		p = subprocess.Popen([sys.argv[1], "big", "hog", "11", "wait"], preexec_fn=enter,
		                     stdout=open(sys.argv[2], "w"))
		sys.exit(p.wait() != -9)
	PY
	big=$!
	read -r _ <"$W/ready"
	GROUPS_=$in_groups run small hog 8
	check "the big one is killed" wait $big
	kills=$(($(oom_kills) - before)) small=$(said small signal 9)
	# a slow machine has not freed the memory of one when it chooses the next
	check "and the cgroup counts it" [ $kills = $((4 + small)) ]
	look
	expect oom-hog 3
	expect oom-any $kills
	expect oom-big 1
	expect oom-small "$small"
	if [ -n "$group" ]; then
		expect oom-cgroup $kills
		expect oom-below $kills
		expect oom-other 0
	fi
	DYING_FILE=$W/words GROUPS_=$in_groups run lasthog hog 64
	wait_snapshots 2
	file=$(snapshots | tail -n 1)
	"$FR" info "$file" >"$W/info"
	check "the snapshot says who was killed for want of memory" \
		grep -Eq 'the kernel killed process [0-9]+ \(lasthog\) for want of memory' "$W/info"
	"$FR" show -O jsonl --op oom "$file" >"$W/oom.jsonl"
	limited=$(stat -c %i "$memory")
	python3 - "$W/oom.jsonl" "$limited" "$small" <<-'PY'
		import json, sys
		rows = [json.loads(l) for l in open(sys.argv[1])]
		comms = ["hog"] * 3 + ["big"] + ["small"] * int(sys.argv[3]) + ["lasthog"]
		assert [r["comm"] for r in rows] == comms, rows
		killers = [c.replace("big", "small") for c in comms]
		assert [r["killer"] for r in rows] == killers, rows
		for r in rows:
		    assert r["limit_cgroup"] == int(sys.argv[2]), r
		    assert r["limit"] == 16 << 20, r
		    assert r["limit"] - (1 << 20) < r["limit_used"] <= r["limit"], r
		    least = {"big": 8, "small": 2}.get(r["comm"], 12)
		    assert least << 20 < r["anon_rss"] <= 16 << 20, r
		    assert r["total_vm"] > r["anon_rss"] and r["file_rss"] < 16 << 20, r
		    assert r["oom_score_adj"] == (1000 if r["comm"] == "big" else 0), r
		    assert r["swap"] == 0 and 0 < r["page_tables"] < 1 << 20, r
		    assert (r["pid"] == r["killer_pid"]) == (r["comm"] != "big"), r
	PY
	check "and holds each kill: victim, who asked, its memory, the limit" [ $? = 0 ]
	"$FR" show -O csv --stream fs -f comm,call,path "$file" >"$W/fs.csv"
	check "and what the victim did before" grep -q "^lasthog,pwrite64,$W/words" "$W/fs.csv"
fi
recorder_stop

# ---- the stream is off, and not all are in scope ------------------------------------
mkfifo "$W/go" "$W/done"
(
	read -r _ <"$W/go"
	"$dying" inscope null
	[ -z "$memory" ] || GROUPS_=$in_groups run inscope hog 64
	echo done >"$W/done"
) 2>/dev/null &
inside=$!
rules=()
rule scope 'proc exit signal SEGV where comm = inscope'
rule scope-out 'proc exit signal SEGV where comm = outscope'
rule oom-scope 'oom kill where comm = inscope'
rule oom-out 'oom kill where comm = outscope'
recorder_start --set sampler.collectors= --set "scope.pids=$inside" --set probes.streams=fs \
	--set "probes.mechanism=${MECHANISM:-auto}" "${rules[@]}" || exit 1
echo go >"$W/go"
read -r _ <"$W/done"
run outscope null
[ -z "$memory" ] || GROUPS_=$in_groups run outscope hog 64
look
expect scope 1
expect scope-out 0
[ -z "$memory" ] || {
	expect oom-scope 1
	expect oom-out 0
}
n=$(python3 -c 'import json, sys
print(sum(p["records"] for p in json.load(sys.stdin)["probe"]["proc"].values()))' <"$W/status.json")
check "nothing of processes is recorded ($n)" [ "$n" = 0 ]
finish
