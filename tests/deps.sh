#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh PACKAGE... - installs the Debian packages that are missing, or says
# which are needed where apt is not there.
set -u
missing=
for p in "$@"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		grep -q 'install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
	echo "flightrec needs these (Debian's names):$*" >&2
	echo "install your distribution's packages of them, then run make again" >&2
	for t in cc clang bpftool pkg-config; do
		command -v $t >/dev/null 2>&1 || exit 1
	done
	exit 0
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "  APT      $missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
	{ $sudo apt-get update -qq &&
		$sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null; } || {
	echo "apt-get could not install:$missing; try: apt-get install$missing" >&2
	exit 1
}
