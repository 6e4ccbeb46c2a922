# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    """Documentation/power/powercap/powercap.rst"""
    for path in files("sys/class/powercap/*/energy_uj"):
        zone = path.split("/")[3]
        name = text(f"sys/class/powercap/{zone}/name")[0]
        row(f"rapl.{name}.{zone}.energy", "counter", text(path)[0], "uJ")
