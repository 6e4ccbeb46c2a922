#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bpf_stack.py [-v] OBJECT... - the deepest stack of each BPF program.

Kernels before 6.13 allow a program 512 bytes together with all functions that call
each other, each frame rounded up to 32 bytes, and 8 frames.  Newer ones allow each
frame that much, so a program may load here and nowhere else.  Exit 1 if any is deeper;
-v lists all with their chains.
"""
import re
import subprocess
import sys

LIMIT, ROUND, FRAMES = 512, 32, 8


def disassemble(path):
    for tool in ("llvm-objdump", "llvm-objdump-14", "llvm-objdump-15", "llvm-objdump-16"):
        try:
            return subprocess.run([tool, "-dr", "--no-show-raw-insn", path], check=True,
                                  capture_output=True, text=True).stdout
        except FileNotFoundError:
            continue
    print("skip: llvm-objdump is not installed")
    sys.exit(77)


def functions(path):
    """name -> [section, first instruction, stack bytes, calls]; a call is a name, or
    (section, instruction)."""
    section, here, found, at = "", None, {}, 0
    for line in disassemble(path).splitlines():
        if m := re.match(r"Disassembly of section (\S+):", line):
            section, here = m[1], None
        elif m := re.match(r"([0-9a-f]+) <(.+)>:", line):
            if not m[2].startswith(("LBB", ".LBB")):
                here = found[m[2]] = [section, int(m[1], 16) // 8, 0, []]
        elif m := re.match(r"\s+[0-9a-f]+:\s+R_BPF_64_32\s+(\S+)", line):
            call = here[3].pop() # the instruction before it
            here[3].append((m[1], call[1]) if m[1].startswith(".") else m[1])
        elif here and (m := re.match(r"\s+(\d+):\s+(.*)", line)):
            at, text = int(m[1]), m[2]
            for off in re.findall(r"r10 - (\d+)\)", text):
                here[2] = max(here[2], int(off))
            if off := re.search(r"r\d \+= -(\d+)", text):
                here[2] = max(here[2], int(off[1]) if int(off[1]) <= LIMIT else 0)
            if m := re.match(r"call (-?(?:0x)?[0-9a-f]+)", text):
                here[3].append((section, int(m[1], 0) + (at if m[1].startswith("-0x") else 0)))
    return found


def main(argv):
    verbose = "-v" in argv
    bad = programs = 0
    for path in [a for a in argv[1:] if a != "-v"]:
        found = functions(path)
        by_place = {(f[0], f[1]): name for name, f in found.items()}

        def callees(name):
            for c in found[name][3]:
                if isinstance(c, str):
                    yield c
                elif c[0].startswith(".") and (c[0], c[1] + 1) in by_place:
                    yield by_place[c[0], c[1] + 1]

        deepest = {}

        def depth(name):
            """(bytes, chain) of the function and what it calls."""
            if name not in deepest:
                own = -(-max(found[name][2], 1) // ROUND) * ROUND
                below = max((depth(c) for c in callees(name) if c in found), default=(0, []))
                deepest[name] = (own + below[0], [f"{name} {own}"] + below[1])
            return deepest[name]

        for name, f in found.items():
            if f[0] == ".text":
                continue # functions, called by programs
            programs += 1
            total, chain = depth(name)
            over = total > LIMIT or len(chain) > FRAMES
            bad += over
            if over or verbose:
                print(f"{'FAILED: ' if over else ''}{path}: {name}: {total} bytes: {', '.join(chain)}")
    print(f"{programs - bad} passed, {bad} failed")
    return bad > 0 or not programs


sys.exit(main(sys.argv))
