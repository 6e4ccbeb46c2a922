#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""status_value.py [-s] NAME KEY... - values out of `flightrec status --json` on
stdin: of the object called NAME ("": of any), the KEYs in one line.
-s: their sum.  Exit 1 if there is no such object."""
import json
import sys


def objects(value, name=""):
    """(name, object) of all objects; the name is the key it stands under."""
    if isinstance(value, dict):
        yield value.get("name", name), value
        for k, v in value.items():
            yield from objects(v, k)
    if isinstance(value, list):
        for v in value:
            yield from objects(v)


def main(argv):
    total = argv[1] == "-s"
    name, keys = argv[1 + total], argv[2 + total:]
    for found, o in objects(json.load(sys.stdin)):
        if (not name or found == name) and all(k in o for k in keys):
            values = [o[k] for k in keys]
            print(sum(values) if total else " ".join(map(str, values)))
            return 0
    print(f"status names no {name} with {' '.join(keys)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
