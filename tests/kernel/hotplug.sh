#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hotplug.sh - CPUs go away and come back while every stream is recorded: the
# table of streams.sh must not change.
HOTPLUG=1 ROUNDS=${ROUNDS:-20000} exec bash "$(dirname "$0")/streams.sh"
