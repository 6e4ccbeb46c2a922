# SPDX-License-Identifier: GPL-2.0-or-later
"""sampler_live.py SAMPLE_ONCE: see sampler_live.sh."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

prog = sys.argv[1]
good = bad = 0
GOLDEN = "tests/golden/proc/linux-"


def check(what, ok, detail=""):
    global good, bad
    good, bad = good + bool(ok), bad + (not ok)
    print(f"{'ok' if ok else 'FAILED'}: {what}" + ("" if ok else f"  {detail}"), flush=True)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def ours(*collectors, root=""):
    rows = (line.split() for line in run(prog, root, *collectors).splitlines() if line)
    return {name: int(v) / int(scale) for name, v, scale in rows}


def have(tool):
    if shutil.which(tool):
        return True
    print(f"not compared: {tool} is not installed", flush=True)
    return False


def outside(theirs, before, after, slack):
    """Which of theirs do not lie between our two looks."""
    wrong = []
    for name, value in theirs.items():
        low, high = sorted((before[name], after[name]))
        if not low - slack <= value <= high + slack:
            wrong.append(f"{name}: {low} .. {high}, theirs {value}")
    return wrong


def compare(who, collectors, read, slack=0.0, tries=20):
    """Gauges may leave the bracket and come back between our two looks: then once more."""
    for _ in range(tries):
        before = ours(*collectors)
        theirs = read()
        after = ours(*collectors)
        wrong = outside(theirs, before, after, slack)
        if not wrong:
            break
    check(f"{who}: {len(theirs)} values as ours", theirs and not wrong, "; ".join(wrong[:5]))


# ---- numbers that are there at once -------------------------------------------------
def vmstat_s():
    keys = {"interrupts": ("cpu.interrupts", 1), "CPU context switches": ("cpu.context_switches", 1),
            "forks": ("cpu.forks", 1), "K total memory": ("meminfo.MemTotal", 1024),
            "K paged in": ("vmstat.pgpgin", 1024), "K paged out": ("vmstat.pgpgout", 1024),
            "non-nice user cpu ticks": ("cpu.all.user", 0.01), "idle cpu ticks": ("cpu.all.idle", 0.01),
            "system cpu ticks": ("cpu.all.system", 0.01), "stolen cpu ticks": ("cpu.all.steal", 0.01),
            "softirq cpu ticks": ("cpu.all.softirq", 0.01), "IO-wait cpu ticks": ("cpu.all.iowait", 0.01),
            "K total swap": ("meminfo.SwapTotal", 1024), "pages swapped in": ("vmstat.pswpin", 1)}
    result = {}
    for line in run("vmstat", "-s").splitlines():
        number, what = line.strip().split(" ", 1)
        if what in keys:
            result[keys[what][0]] = int(number) * keys[what][1]
    return result


def vmstat_d():
    fields = [("reads", 1), ("reads_merged", 1), ("read_bytes", 512), ("read_ns", 10**6),
              ("writes", 1), ("writes_merged", 1), ("write_bytes", 512), ("write_ns", 10**6)]
    result = {}
    for line in run("vmstat", "-d").splitlines():
        words = line.split()
        if len(words) == 11 and words[1].isdigit() and int(words[1]):
            for (field, times), v in zip(fields, words[1:]):
                result[f"diskstats.{words[0]}.{field}"] = int(v) * times
    return result


def iostat_d():
    result, columns = {}, []
    for line in run("iostat", "-d").splitlines():
        words = line.split()
        if words and words[0].startswith("Device"):
            columns = words
        elif columns and len(words) == len(columns) and float(words[1]):
            row = dict(zip(columns, words))
            result[f"diskstats.{words[0]}.read_bytes"] = int(row["kB_read"]) * 1024
            result[f"diskstats.{words[0]}.write_bytes"] = int(row["kB_wrtn"]) * 1024
    return result


def free_b():
    words = next(line.split() for line in run("free", "-b", "-w").splitlines() if line.startswith("Mem:"))
    return {"meminfo.MemTotal": int(words[1]), "meminfo.MemFree": int(words[3]),
            "meminfo.Buffers": int(words[5]), "meminfo.MemAvailable": int(words[7])}


def ss_s():
    text = run("ss", "-s")
    tcp = re.search(r"TCP: +\d+ \(estab (\d+), closed \d+, orphaned (\d+), timewait (\d+)", text)
    return {"sockstat.sockets.used": int(re.search(r"Total: (\d+)", text)[1]),
            "netstat.Tcp.CurrEstab": int(tcp[1]), "sockstat.TCP.orphan": int(tcp[2]),
            "sockstat.TCP.tw": int(tcp[3])}


def stat_f():
    names = ours("filesystems")
    result = {}
    for point in (m[1] for m in (re.fullmatch(r"filesystem\.(.*)\.size_bytes", n) for n in names) if m):
        if "\\" in point:
            continue
        size, blocks, free, available, inodes, inodes_free = map(
            int, run("stat", "-f", "-c", "%S %b %f %a %c %d", point).split())
        result[f"filesystem.{point}.size_bytes"] = size * blocks
        result[f"filesystem.{point}.free_bytes"] = size * free
        result[f"filesystem.{point}.available_bytes"] = size * available
        if inodes:
            result[f"filesystem.{point}.inodes"] = inodes
            result[f"filesystem.{point}.inodes_free"] = inodes_free
    return result


# ---- rates over an interval: sar -----------------------------------------------------
SADC = next((p for p in ("/usr/lib/sysstat/sadc", "/usr/lib64/sa/sadc", "/usr/libexec/sysstat/sadc")
             if os.path.exists(p)), None)
RATES = {"-w": {"proc/s": ("cpu.forks", 1), "cswch/s": ("cpu.context_switches", 1)},
         "-I SUM": {"CPU*": ("cpu.interrupts", 1)},
         "-B": {"fault/s": ("vmstat.pgfault", 1), "pgpgout/s": ("vmstat.pgpgout", 1024)},
         "-n TCP": {"active/s": ("netstat.Tcp.ActiveOpens", 1), "passive/s": ("netstat.Tcp.PassiveOpens", 1),
                    "iseg/s": ("netstat.Tcp.InSegs", 1), "oseg/s": ("netstat.Tcp.OutSegs", 1)},
         "-n UDP": {"odgm/s": ("netstat.Udp.OutDatagrams", 1), "noport/s": ("netstat.Udp.NoPorts", 1)},
         "-n IP": {"irec/s": ("netstat.Ip.InReceives", 1), "orq/s": ("netstat.Ip.OutRequests", 1)}}
ALL = ("cpu", "vmstat", "netstat", "sockets", "handles")


class Work(threading.Thread):
    """Forks, faults, TCP and UDP on the loopback, so that there is something to compare."""

    def __init__(self):
        super().__init__()
        self.over = False

    def run(self):
        server = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not self.over:
            subprocess.run(["/bin/true"], check=True)
            with socket.create_connection(server.getsockname()) as a, server.accept()[0] as b:
                for _ in range(20):
                    a.sendall(b"x" * 1000)
                    b.recv(1000, socket.MSG_WAITALL)
                    udp.sendto(b"x", ("127.0.0.1", 1))


def records(path):
    try:
        out = subprocess.run(["sadf", "-d", "-T", path, "--", "-w"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=False).stdout
    except OSError:
        return 0
    return sum(not line.startswith("#") and "RESTART" not in line for line in out.splitlines())


def sadf(path, option):
    """Sums of rate times interval over all intervals, by column."""
    sums, columns = {}, []
    for line in run("sadf", "-d", path, "--", *option.split()).splitlines():
        if line.startswith("#"):
            columns = line[2:].split(";")
            continue
        row = dict(zip(columns, line.split(";")))
        for name, value in row.items():
            if name not in ("hostname", "interval", "timestamp"):
                try:
                    sums[name] = sums.get(name, 0) + float(value) * int(row["interval"])
                except ValueError:
                    pass
    return sums


def sar_interval(path):
    """Four records of sadc, three intervals.  Ours: before the first record (a), between the first two (b),
    between the last two (c), after the last (d).  None: we came too late to be between."""
    a = ours(*ALL)
    sadc = subprocess.Popen([SADC, "-S", "XALL", "1", "4", path])
    while records(path) < 1 and sadc.poll() is None:
        pass
    b = ours(*ALL)
    early = records(path) <= 1
    while records(path) < 2 and sadc.poll() is None:
        pass
    c = ours(*ALL)
    late = records(path) > 2 or sadc.poll() is not None
    sadc.wait()
    return None if late or not early else (a, b, c, ours(*ALL))


def compare_sar():
    work = Work()
    work.start()
    with tempfile.TemporaryDirectory() as folder:
        looks, n = None, 0
        while looks is None and n < 10:
            n += 1
            path = f"{folder}/sa{n}"
            looks = sar_interval(path)
        work.over = True
        work.join()
        if looks is None:
            check("sar: an interval in which we came in time", False)
            return
        a, b, c, d = looks
        for option, names in RATES.items():
            theirs = sadf(path, option)
            for column, (name, times) in names.items():
                inner, outer = c[name] - b[name], d[name] - a[name]
                # sadf rounds the interval to a second and rates to 0.01
                value = theirs.get(column, -1e30) * times
                check(f"sar {option} {column}: {inner:.0f} <= {value:.0f} <= {outer:.0f} ({name})",
                      inner * 0.95 - 3 <= value <= outer * 1.05 + 3 and outer > 0)


# ---- frozen files, read by the tools themselves ---------------------------------------
def tool_on(root, *command):
    script = 'mount --bind "$0" /proc && exec "$@"'
    return run("unshare", "-m", "--propagation", "private", "sh", "-c", script, root + "/proc", *command)


def compare_nfsstat():
    if os.geteuid() or not have("nfsstat"):
        return
    for kernel in ("2.6.18", "3.10", "6.1", "6.18"):
        for side, collector in (("-c", "nfs"), ("-s", "nfsd")):
            root = GOLDEN + kernel
            if not os.path.exists(f"{root}/proc/net/rpc/{collector}"):
                continue
            mine = {name: int(v) for name, v in ours(collector, root=root).items()}
            wrong, seen = [], 0
            for line in tool_on(root, "nfsstat", side, "-n", "-l").splitlines():
                m = re.match(r" *nfs v(\d) (client|server|servop) +([\w-]+): +(\d+)", line)
                if not m or m[3] == "total":
                    continue
                name = f"{collector}.proc{m[1]}{'ops' if m[2] == 'servop' else ''}.{m[3]}"
                seen += 1
                if mine.get(name) != int(m[4]):
                    wrong.append(f"{name} {mine.get(name)}, theirs {m[4]}")
            check(f"nfsstat {side} on linux-{kernel}: {seen} values as ours", seen and not wrong, "; ".join(wrong[:5]))


def main():
    if have("vmstat"):
        # vmstat -s counts ticks for all CPUs in one word; everything else is exact
        compare("vmstat -s", ("cpu", "memory", "vmstat"), vmstat_s, slack=0.01)
        compare("vmstat -d", ("disks",), vmstat_d)
    if have("iostat"):
        compare("iostat -d", ("disks",), iostat_d, slack=1024)
    if have("free"):
        compare("free -b", ("memory",), free_b)
    if have("ss"):
        compare("ss -s", ("sockets", "netstat"), ss_s)
    compare("stat -f", ("filesystems",), stat_f)
    if SADC and have("sadf"):
        compare_sar()
    else:
        print("not compared: sadc is not installed")
    compare_nfsstat()
    print(f"{good} passed, {bad} failed")
    return bad > 0


sys.exit(main())
