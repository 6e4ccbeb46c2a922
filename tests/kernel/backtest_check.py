#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""backtest_check.py TEST.jsonl STATUS.json INFOS.json - does a back-test say what
happened?  TEST: of `flightrec trigger test --all -O jsonl`; STATUS: of the recorder;
INFOS: of `flightrec info -O json`, one object per snapshot."""
import json
import sys

CALLS = {"slow": ("flock",), "storm": ("open", "openat"), "gate-not": ("open", "openat"),
         "code": ("exit",), "signal": ("exit",), "memory": ("meminfo.Shmem",),
         "stuck": ("flock",)}
COUNTS = ("hits", "fired", "merged", "suppressed")


def lines(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def values(path):
    """The JSON values of a file, one after the other."""
    decoder, text, at, found = json.JSONDecoder(), open(path).read(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


# The kernel tells of a death just after it made the record.  A round in which
# nothing changed has no record, its time is known by its tick; the next is 100 ms off.
# What is in flight is found by a look, up to 10 ms after its limit if the machine is
# not busy: its age says when.
AGE_NS = {"stuck": 60000000}
SLACK_NS = {"code": 10000, "signal": 10000, "memory": 1000000}


def fired_live(info):
    """(rule, time, thread) of what a snapshot was taken for."""
    t = info["facts"]["trigger"]
    level = t["kind"] == "counter"
    return t["name"], t["hit_ns"] if level else t["ts_ns"], t["tid"], t["dur_ns"]


def fired_test(hit):
    return hit["rule"], hit["ts"], hit["tid"] or 0, hit["dur"] or 0


def same(a, b):
    return (a[0] == b[0] and abs(a[1] - b[1]) <= SLACK_NS.get(a[0], 0) and
            a[2] == b[2] and abs(a[3] - b[3]) <= AGE_NS.get(a[0], 0))


def call_of(hit):
    return hit["call"] or hit["op"] or hit["metric"]


def main(argv):
    test, status = lines(argv[1]), json.load(open(argv[2]))["trigger"]
    bad = 0
    print(f"{'rule':12} " + " ".join(f"{c + ' live/test':>22}" for c in COUNTS))
    for r in (x for x in test if x["record"] == "rule"):
        live = status[r["rule"]]
        equal = all(live[c] == r[c] for c in COUNTS)
        bad += not equal
        print(f"{r['rule']:12} " +
              " ".join(f"{live[c]:>10} /{r[c]:>10}" for c in COUNTS) +
              ("" if equal else "  DIFFERENT"))
        listed = [x for x in test if x["record"] == "hit" and x["rule"] == r["rule"]]
        if len(listed) != r["hits"]:
            print(f"  {len(listed)} hits are listed")
            bad += 1
    live = sorted(fired_live(i) for i in values(argv[3])
                  if i["facts"]["trigger"]["kind"] != "manual")
    hits = sorted((x for x in test if x["record"] == "hit" and x["fate"] == "fired"),
                  key=fired_test)
    print("fired live (rule, time, thread, duration), and the test's:")
    for f, h in zip(live, hits):
        good = same(f, fired_test(h)) and call_of(h) in CALLS[f[0]]
        bad += not good
        print("  ", *f, "|", *fired_test(h), call_of(h), "" if good else "  DIFFERENT")
    print(f"{len(live)} fired live, {len(hits)} in the test")
    return 1 if bad or len(live) != len(hits) or not live else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
