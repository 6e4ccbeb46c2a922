# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    """Documentation/admin-guide/pm/cpufreq.rst (kHz) and cpuidle.rst (microseconds)"""
    for path in files("sys/devices/system/cpu/cpu*"):
        cpu = re.search(r"cpu(\d+)$", path)[1]
        row(f"cpufreq.{cpu}.hz", "gauge", int(text(path + "/cpufreq/scaling_cur_freq")[0]) * 1000, "Hz")
        row(f"cpufreq.{cpu}.max_hz", "gauge", int(text(path + "/cpufreq/scaling_max_freq")[0]) * 1000, "Hz")
        for state in files(path + "/cpuidle/state*"):
            n = re.search(r"state(\d+)$", state)[1]
            name = f"cpuidle.{cpu}.{text(state + '/name')[0]}.{n}"
            row(name + ".residency_ns", "counter", int(text(state + "/time")[0]) * 1000, "ns")
            row(name + ".entries", "counter", text(state + "/usage")[0])
