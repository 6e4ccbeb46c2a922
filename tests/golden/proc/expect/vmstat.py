# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    GROW = {"nr_dirtied", "nr_written", "nr_throttled_written", "nr_vmscan_write",
            "nr_vmscan_immediate_reclaim", "nr_foll_pin_acquired", "nr_foll_pin_released"}
    for line in text("proc/vmstat"):
        key, v = line.split()
        gauge = key == "workingset_nodes" or (key.startswith("nr_") and key not in GROW)
        if key in ("pgpgin", "pgpgout"): # of 1024 bytes (proc(5))
            row("vmstat." + key, "counter", int(v) * 1024, "bytes")
        else:
            row("vmstat." + key, "gauge" if gauge else "counter", v)
