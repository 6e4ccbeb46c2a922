# SPDX-License-Identifier: GPL-2.0-or-later
import re


def expect(text, row, files):
    """Documentation/admin-guide/mm/hugetlbpage.rst"""
    for path in files("sys/kernel/mm/hugepages/*/*"):
        size, what = re.search(r"hugepages-(\d+)kB/(\w+)", path).groups()
        if what.endswith("_hugepages"):
            row(f"hugepages.{size}.{what[:-10]}", "gauge", text(path)[0], "pages")
    for path in files("sys/devices/system/node/node*/hugepages/*/*"):
        node, size, what = re.search(r"node(\d+)/hugepages/hugepages-(\d+)kB/(\w+)", path).groups()
        row(f"hugepages.node{node}.{size}.{what[:-10]}", "gauge", text(path)[0], "pages")
