#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""absent_check.py - which probes are off, as doctor, info and the manifest say it.

  absent_check.py off FOLDER BASE WANT...
        the probes that are off in FOLDER (doctor, info, csv/manifest.json), other than
        those off in BASE, are just WANT (stream.name, or stream.* for all of it;
        with ? behind it: it may be), with a reason, in all three
  absent_check.py mechanism DOCTOR PROBE MECHANISM
"""
import json
import re
import sys


def of_doctor(path):
    """{stream.name: (attached, mechanism or reason)}"""
    probes = {}
    for line in open(path):
        m = re.match(r"(\w+) +(\w+) +(attached|off) +(.*)$", line)
        if m:
            probes[f"{m[1]}.{m[2]}"] = (m[3] == "attached", m[4].strip())
    return probes


def of_info(path):
    probes = {}
    for stream, points in json.load(open(path))["facts"]["probe"].items():
        for name, value in points.items():
            why = re.search(r"\bwhy=(.*?) hits=", value)
            probes[f"{stream}.{name}"] = ("attached=yes" in value,
                                          why[1] if why else "")
    return probes


def of_manifest(path):
    probes = {}
    for snapshot in json.load(open(path))["snapshots"]:
        for p in snapshot["probes"]:
            probes[p["probe"]] = (p["attached"] == "yes", p.get("why", ""))
    return probes


def is_wanted(probe, wanted):
    wanted = {w.rstrip("?") for w in wanted}
    return probe in wanted or probe.split(".")[0] + ".*" in wanted


def compare_off(folder, base, *wanted):
    bad = 0
    for where, read in (("doctor", of_doctor), ("info", of_info),
                        ("csv/manifest.json", of_manifest)):
        probes, usual = read(f"{folder}/{where}"), read(f"{base}/{where}")
        off = {p for p, (on, _) in probes.items() if not on} - \
            {p for p, (on, _) in usual.items() if not on}
        unasked = {p for p in off if not is_wanted(p, wanted)}
        still_on = {w for w in wanted if not w.endswith("?") and
                    not any(is_wanted(p, (w,)) for p in off)}
        mute = {p for p in off if len(probes[p][1]) < 10}
        if unasked or still_on or mute or not probes:
            bad += 1
            print(f"  {where}: off too: {sorted(unasked)}; still on: "
                  f"{sorted(still_on)}; without a reason: {sorted(mute)}")
        elif off:
            p = sorted(off)[0]
            print(f"  {where}: {p}: {probes[p][1][:110]}")
    return 1 if bad else 0


def has_mechanism(doctor, probe, mechanism):
    on, how = of_doctor(doctor).get(probe, (False, "not there"))
    print(f"  {probe}: {how}")
    return 0 if on and how.split()[0] == mechanism else 1


if __name__ == "__main__":
    run = {"off": compare_off, "mechanism": has_mechanism}[sys.argv[1]]
    sys.exit(run(*sys.argv[2:]))
