#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# levels.sh - rules that last, on conditions that are made to come true: a lossy link,
# a disk that is read all the time, little memory in a cgroup, a file system that
# dirties pages.  Each has a witness that is not ours (/proc, /sys), and a twin of a
# higher limit that must not fire.  PARTS="link disk memory pages" chooses.
. "$(dirname "$0")/private_recorder.bash"
need_kernel
need python3
scratch "${VMRUN_DISK:-/var/tmp}"
part() { case " ${PARTS:-link disk memory pages} " in *" $1 "*) ;; *) return 1 ;; esac }
hits() { recorder_says | python3 tests/kernel/status_value.py "$1" "${2:-hits}"; }
# wait_hit NAME SECONDS
wait_hit() {
	for _ in $(seq $(($2 * 10))); do
		[ "$(hits "$1")" != 0 ] && return
		sleep 0.1
	done
	return 1
}
recorder() { # RULES of pairs NAME WHEN
	local rules=()
	while [ $# -gt 1 ]; do
		rules+=(--set "trigger.$1.when=$2")
		shift 2
	done
	rm -f "$SNAP"/*.frs
	recorder_start --set sampler.period=100ms --set probes.profile=minimal "${rules[@]}"
}
# The snapshot of rule $1 says $2.
says() {
	local file
	wait_snapshots 1 30
	file=$(snapshots | grep -- "$1" | head -n 1)
	[ -n "$file" ] && "$FR" info "$file" | grep -qE "$2"
}

# ---- a lossy link --------------------------------------------------------------------
link() {
	local ns=frl$$ before after
	command -v nft >/dev/null && ip netns add $ns 2>/dev/null || {
		echo "skip: link: needs nft and network name spaces"
		return
	}
	at_end "ip netns del $ns"
	ip -n $ns link set lo up
	ip netns exec $ns nft add table inet fr 2>/dev/null &&
		ip netns exec $ns nft 'add chain inet fr i { type filter hook input priority 0; }' &&
		ip netns exec $ns nft add rule inet fr i tcp dport 4711 numgen inc mod 20 0 drop || {
		echo "skip: link: nft does not work here"
		return
	}
	# the metric is that of the recorder's own name space
	printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s %s "$@"\n' $ns "$FRD" >"$W/frd"
	chmod +x "$W/frd"
	local real=$FRD
	FRD=$W/frd
	recorder lossy 'rate(net.retransmit) > 5/s for 300ms' \
		very-lossy 'rate(net.retransmit) > 1000000/s for 300ms' || return 1
	FRD=$real
	before=$(ip netns exec $ns awk '/^Tcp: [0-9]/ { print $13 }' /proc/net/snmp)
	ip netns exec $ns timeout 60 python3 - <<-'PY'
		import socket, threading, time
		l = socket.create_server(("127.0.0.1", 4711))
		def serve():
		    while True:
		        c, _ = l.accept()
		        while c.recv(65536): pass
		threading.Thread(target=serve, daemon=True).start()
		end = time.monotonic() + 4
		def send():
		    s = socket.create_connection(("127.0.0.1", 4711), 20)
		    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		    while time.monotonic() < end:
		        s.sendall(b"x" * 500)
		        time.sleep(0.005)
		them = [threading.Thread(target=send) for _ in range(20)]
		for t in them: t.start()
		for t in them: t.join()
	PY
	wait_hit lossy 5
	after=$(ip netns exec $ns awk '/^Tcp: [0-9]/ { print $13 }' /proc/net/snmp)
	echo "  the kernel counts $((after - before)) segments sent again"
	check "link: the link lost packets" [ $((after - before)) -gt 20 ]
	check "link: the rate of retransmissions is over its limit" [ "$(hits lossy)" -ge 1 ]
	check "link: and not over a higher one" [ "$(hits very-lossy)" = 0 ]
	check "link: the snapshot says so" says lossy 'rate.*net.retransmit|net.retransmit.*/s'
	recorder_stop
}
if part link; then link; fi

# ---- a disk that is always read ----------------------------------------------------------
total() { awk -v k="$2" '$1 == k { sub(/.*total=/, ""); print }' "$1"; }
disk() {
	local before after begin end
	[ -r /proc/pressure/io ] || {
		echo "skip: disk: this kernel has no pressure information"
		return
	}
	dd if=/dev/urandom of="$W/big" bs=1M count=64 status=none && sync "$W/big"
	recorder waits 'pressure.io.some > 5% over 1s' \
		cannot 'pressure.io.some > 99.99% over 10s' || return 1
	before=$(total /proc/pressure/io some) begin=$(date +%s%N)
	timeout 4 bash -c 'while :; do dd if="$1" of=/dev/null iflag=direct bs=4k status=none; done' _ "$W/big"
	end=$(date +%s%N) after=$(total /proc/pressure/io some)
	awk "BEGIN { exit !(($after - $before) * 1000 > 0.1 * ($end - $begin)) }" || {
		echo "skip: disk: reading does not stall this machine ($(((after - before) / 1000)) ms in $(((end - begin) / 1000000)))"
		recorder_stop
		return
	}
	echo "  tasks were stalled for $(((after - before) / 1000)) of $(((end - begin) / 1000000)) ms"
	check "disk: pressure over its limit is noticed" wait_hit waits 3
	check "disk: and not over a higher one" [ "$(hits cannot)" = 0 ]
	check "disk: the snapshot says so" says waits 'pressure.io.some is [0-9.]+% over 1s'
	recorder_stop
}
if part disk; then disk; fi

# ---- little memory in a cgroup --------------------------------------------------------------
memory() {
	local c cgroup=''
	for c in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		grep -qw memory "$c/cgroup.controllers" 2>/dev/null && cgroup=$c
	done
	[ -n "$cgroup" ] && [ -e /proc/pressure/memory ] || {
		echo "skip: memory: needs the memory controller of cgroup v2, and pressure information"
		return
	}
	grep -qw memory "$cgroup/cgroup.subtree_control" || {
		echo +memory >"$cgroup/cgroup.subtree_control" || {
			echo "skip: memory: the controller cannot be switched on"
			return
		}
		at_end "echo -memory >$cgroup/cgroup.subtree_control"
	}
	mkdir -p "$cgroup/frtest$$" "$cgroup/frother$$" || return 1
	at_end "rmdir $cgroup/frtest$$ $cgroup/frother$$"
	dd if=/dev/zero of="$W/cache" bs=1M count=48 status=none && sync "$W/cache"
	recorder thin "pressure.memory.some > 5% over 1s where cgroup = /frtest$$" \
		elsewhere "pressure.memory.some > 5% over 1s where cgroup = /frother$$" || return 1
	echo 16M >"$cgroup/frtest$$/memory.high"
	(
		echo $BASHPID >"$cgroup/frtest$$/cgroup.procs"
		exec timeout 15 python3 - "$W/cache" <<-'PY'
			import mmap, os, sys
			f = os.open(sys.argv[1], os.O_RDONLY)
			size = os.fstat(f).st_size
			m = mmap.mmap(f, size, prot=mmap.PROT_READ)
			hold = bytearray(12 << 20) # most of what it may have
			while True: # refaults what was just taken from it
			    for i in range(0, size, 4096): m[i]
		PY
	) &
	local thrash=$!
	wait_hit thin 15
	kill $thrash 2>/dev/null
	wait $thrash 2>/dev/null
	c=$(total "$cgroup/frtest$$/memory.pressure" some)
	echo "  the cgroup was stalled for $((c / 1000)) ms, the other for $(($(total "$cgroup/frother$$/memory.pressure" some) / 1000))"
	check "memory: the cgroup's pressure is noticed" [ "$(hits thin)" -ge 1 ]
	check "memory: of another one it is none" [ "$(hits elsewhere)" = 0 ]
	check "memory: the snapshot says so" says thin "pressure.memory.some is .* in /?frtest$$"
	recorder_stop
}
if part memory; then memory; fi

# ---- counters: dirty pages, written bytes, free memory -----------------------------------------
pages() {
	local kib
	kib=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
	recorder storm 'rate(vmstat.pgpgout) > 2MiB/s for 300ms and meminfo.Dirty < 100%' \
		calm 'rate(vmstat.pgpgout) > 2MiB/s for 300ms and meminfo.Dirty > 90%' \
		low "meminfo.MemAvailable < $((kib / 1024 + 1024))MiB for 300ms" \
		not-low "meminfo.MemAvailable < $((kib / 1024 / 4))MiB for 300ms" \
		low-part 'meminfo.MemAvailable < 99.9% for 300ms' || return 1
	local before after
	before=$(awk '$1 == "pgpgout" { print $2 }' /proc/vmstat)
	timeout 3 bash -c 'while :; do dd if=/dev/zero of="$1" bs=256k count=8 conv=fsync,notrunc status=none; sleep 0.02; done' _ "$W/out"
	after=$(awk '$1 == "pgpgout" { print $2 }' /proc/vmstat)
	echo "  $(((after - before) / 1024)) MiB written in 3 s"
	[ $((after - before)) -lt 20000 ] || {
		check "pages: bytes written a second are over their limit" wait_hit storm 2
		check "pages: and-ed with what does not hold: nothing" [ "$(hits calm)" = 0 ]
	}
	check "pages: free memory under its limit" wait_hit low 3
	check "pages: and not under a lower one" [ "$(hits not-low)" = 0 ]
	check "pages: in percent of all" wait_hit low-part 3
	recorder_stop
}
if part pages; then pages; fi
finish
