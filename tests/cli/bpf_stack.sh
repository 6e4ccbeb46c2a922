#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bpf_stack.sh - no BPF program needs more stack than kernels before 6.13 allow; on the
# kernel that it is built on it may load all the same.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || {
	echo "skip: python3 is not installed"
	exit 77
}
exec python3 tests/cli/bpf_stack.py "${O:-build}"/gen/*.bpf.o
