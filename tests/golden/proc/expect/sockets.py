# SPDX-License-Identifier: GPL-2.0-or-later


def expect(text, row, files):
    for path in ("proc/net/sockstat", "proc/net/sockstat6"):
        for line in text(path):
            kind, *words = line.replace(":", "").split()
            for key, value in zip(words[::2], words[1::2]):
                row(f"sockstat.{kind}.{key}", "gauge", value,
                    {"mem": "pages", "memory": "bytes"}.get(key, "-"))
