#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""block_compare.py - recorded block requests beside /proc/diskstats and fio.

  block_compare.py device ROWS DEV BEFORE AFTER FIO_JSON FIO_LAT_LOG
      ROWS: show -O csv -f dev,op,sector,size,moved,dur,queue_dur; DEV: MAJ:MIN;
      BEFORE, AFTER: the device's line of /proc/diskstats
  block_compare.py median ROWS DEV FIO_LAT_LOG
      the same with comm: median latency of fio's own requests, within 5 %
"""
import csv
import json
import statistics
import sys

FIO_DIRECTION = {"0": "read", "1": "write", "2": "discard"}
wrong = 0


def expect(what, got, want):
    global wrong
    good = got == want
    wrong += not good
    print(f"  {'ok' if good else 'FAILED'}: {what}: flightrec {got}, "
          f"witness {want}")


def read_rows(path, dev):
    rows = []
    for r in csv.DictReader(open(path)):
        if r["dev"] == dev:
            for k in ("sector", "size", "moved", "dur", "queue_dur"):
                r[k] = int(r[k]) if r[k] else 0
            if not r["dur"]: # the kernel kept its completion from everybody
                r["moved"] = r["size"]
            rows.append(r)
    return rows


def diskstats_difference(before, after):
    a = [int(x) for x in before.split()[3:]]
    b = [int(x) for x in after.split()[3:]]
    d = [y - x for x, y in zip(a, b)]
    return {"read": (d[0], d[2] * 512, d[1]), "write": (d[4], d[6] * 512, d[5])}


def fio_totals(path):
    out = {"read": [0, 0], "write": [0, 0]}
    for job in json.load(open(path))["jobs"]:
        for op, v in out.items():
            v[0] += job[op]["total_ios"]
            v[1] += job[op]["io_bytes"]
    return out


def compare_device(rows_path, dev, before, after, fio_json, lat_log):
    global wrong
    rows = read_rows(rows_path, dev)
    disk, fio = diskstats_difference(before, after), fio_totals(fio_json)
    for op in "read", "write":
        mine = [r for r in rows if r["op"] == op]
        requests, sectors, merged = disk[op]
        expect(f"{op} requests, /proc/diskstats", len(mine), requests)
        expect(f"{op} bytes, /proc/diskstats", sum(r["moved"] for r in mine),
               sectors)
        expect(f"{op} requests and merges, fio", len(mine) + merged, fio[op][0])
        expect(f"{op} bytes, fio", sum(r["size"] for r in mine), fio[op][1])
    slower = compared = 0
    latency = {}
    for line in open(lat_log):
        _, ns, direction, _, offset = [x.strip() for x in line.split(",")][:5]
        latency[FIO_DIRECTION[direction], int(offset)] = int(ns)
    for r in rows:
        limit = latency.get((r["op"], r["sector"] * 512))
        if limit is None or not r["dur"]:
            continue
        compared += 1
        if r["dur"] > limit or r["queue_dur"] > r["dur"]:
            slower += 1
            if slower <= 5:
                print(f"  {r['op']} at sector {r['sector']}: {r['dur']} ns "
                      f"(queue {r['queue_dur']}), fio's whole I/O {limit} ns")
    expect("requests compared with fio's latency", compared, len(latency))
    expect("requests slower than fio's whole I/O", slower, 0)


def compare_median(rows_path, dev, lat_log):
    """Writes of 4 KiB: fio's own requests; the file system writes here, too."""
    global wrong
    mine = [r["dur"] for r in read_rows(rows_path, dev)
            if (r["op"], r["size"], r["comm"]) == ("write", 4096, "fio")]
    log = [int(line.split(",")[1]) for line in open(lat_log)]
    expect("requests", len(mine), len(log))
    fio = statistics.median(log)
    got = statistics.median(mine) if mine else 0
    off = abs(got - fio) / fio
    wrong += off > 0.05
    print(f"  median {got / 1e6:.2f} ms, fio {fio / 1e6:.2f} ms, "
          f"apart {100 * off:.1f} %")


def main(argv):
    if argv[1] == "device":
        compare_device(*argv[2:8])
    else:
        compare_median(*argv[2:5])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
