#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sampler_live.sh - our values beside those of sar, vmstat, iostat, free, ss, nfsstat
# and stat: read before and after theirs, ours bracket theirs.
#
# What is missing is said and passed over.  Needs python3; root only for nfsstat.
cd "$(dirname "$0")/../.." || exit 1
prog=${O:-build}/tests/kernel/sample_once
command -v python3 >/dev/null || { echo "skip: needs python3"; exit 77; }
[ -x "$prog" ] || { echo "$prog is not built: run make test-programs first"; exit 1; }
LC_ALL=C python3 tests/kernel/sampler_live.py "$prog"
