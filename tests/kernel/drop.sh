#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# drop.sh - packets lost on purpose between two network name spaces, IPv4 and IPv6:
# each drop and each retransmission is one record, as the counters of those name
# spaces (/proc/net/snmp), nftables and perf say; the reasons have the kernel's names.
# Some kernels run no BPF program while a process that is not to be traced is on the
# CPU, not even for the soft interrupts in its time: ftrace says how many of the events
# were in such a process, and only so many may be missing.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need ip nft perf python3
scratch
a=fra$$ b=frb$$ port=40400
ip netns add $a 2>/dev/null || skip "no network name spaces here"
at_end "ip netns del $a"
ip netns add $b || exit 1
at_end "ip netns del $b"
modprobe veth 2>/dev/null
ip link add name fr0 netns $a type veth peer name fr0 netns $b 2>/dev/null ||
	skip "this kernel has no veth"
end() { # NAMESPACE NUMBER
	ip -n "$1" addr add "10.213.7.$2/24" dev fr0
	ip -n "$1" addr add "fd00:213::$2/64" dev fr0 nodad
	ip -n "$1" link set lo up
	ip -n "$1" link set fr0 up
}
end $a 1 && end $b 2
for ns in $a $b; do # no segments of several packets: one packet, one record
	ip netns exec $ns sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
rules() {
	ip netns exec $b nft -f - <<-NFT || return
		table inet fr {
			counter filtered {}
			chain input {
				type filter hook input priority 0;
				udp dport $((port + 1)) counter name filtered drop
				tcp dport $((port + 3)) numgen inc mod 4 0 drop
			}
		}
	NFT
	ip netns exec $a nft -f - <<-NFT
		table inet fr {
			chain input {
				type filter hook input priority 0;
				meta nfproto ipv4 tcp sport $((port + 4)) tcp flags & (syn | ack) == syn | ack numgen inc mod 2 0 drop
				meta nfproto ipv6 tcp sport $((port + 4)) tcp flags & (syn | ack) == syn | ack numgen inc mod 2 0 drop
			}
		}
	NFT
}
rules 2>"$W/nft" || skip "nft: $(head -n 1 "$W/nft")"
# the name spaces' neighbours are known before anything is counted
ip netns exec $a python3 - "$port" <<-'PY'
	import socket, sys
	for f, to in ((socket.AF_INET, "10.213.7.2"), (socket.AF_INET6, "fd00:213::2")):
	    try: socket.create_connection((to, int(sys.argv[1])), 20)
	    except ConnectionRefusedError: pass
PY
counters() { # SUFFIX
	for ns in $a $b; do
		ip netns exec $ns cat /proc/net/snmp >"$W/$ns.snmp.$1"
		ip netns exec $ns cat /proc/net/snmp6 >"$W/$ns.snmp6.$1"
	done
}

ftrace=/sys/kernel/tracing/instances/fr$$
mkdir "$ftrace" || skip "no tracefs here"
at_end "rmdir $ftrace"
echo 8192 >"$ftrace/buffer_size_kb"
recorder_start --set sampler.collectors= --set probes.streams=drop || exit 1
for e in skb/kfree_skb tcp/tcp_retransmit_skb tcp/tcp_retransmit_synack; do
	echo 1 >"$ftrace/events/$e/enable"
done
events='-e skb:kfree_skb -e tcp:tcp_retransmit_skb -e tcp:tcp_retransmit_synack'
cat >"$W/inner.sh" <<'IN'
"$FR" status --run-folder "$RUN" --json >"$W/status.1"
perf stat -a -x, -o "$W/inner" $events -- sh -c '
	python3 tests/kernel/drop_traffic.py 4 $a $b 10.213.7.1 10.213.7.2 $port >"$W/did.4" &&
	python3 tests/kernel/drop_traffic.py 6 $a $b fd00:213::1 fd00:213::2 $port >"$W/did.6"'
echo $? >"$W/traffic"
"$FR" status --run-folder "$RUN" --json >"$W/status.2"
IN
export FR RUN W events a b port
counters 1
# shellcheck disable=SC2086 # several words
perf stat -a -x, -o "$W/outer" $events -- bash "$W/inner.sh"
counters 2
echo 0 >"$ftrace/tracing_on"
grep -v '^#' "$ftrace/trace" >"$W/ftrace"
check "ftrace lost nothing" [ "$(cat "$ftrace"/per_cpu/cpu*/stats |
	awk '/overrun/ { n += $NF } END { print n + 0 }')" = 0 ]
check "the packets were sent" [ "$(cat "$W/traffic")" = 0 ]
filtered=$(ip netns exec $b nft -j list counter inet fr filtered |
	grep -o '"packets": [0-9]*' | grep -o '[0-9]*')
client dump >/dev/null
wait_snapshots 1
snap=$(snapshots | tail -n 1)
"$FR" show -O jsonl --stream drop "$snap" >"$W/rows"
"$FR" info -O json "$snap" >"$W/info"
drop_check() { python3 tests/kernel/drop_check.py "$W" "$1" $a $b $port "${@:2}"; }
check "as many as perf counted" drop_check perf
check "IPv4: one record for each packet that was dropped" drop_check drops 4
check "IPv6: one record for each packet that was dropped" drop_check drops 6
check "what nftables dropped is recorded" drop_check nft "$filtered"
check "segments sent again are RetransSegs of both name spaces" drop_check again
check "names of the reasons are those of the tracepoint" drop_check names
check "places in the kernel are those of its symbols" drop_check places
[ $bad = 0 ] || head -n 4 "$W/rows"
finish
