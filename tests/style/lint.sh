#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh - house style and static checks; changes nothing.  One line per
# finding, "warn" lines do not count.  What is not installed is said and skipped.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
found=0
mapfile -t sources < <(git ls-files '*.c' '*.h')
mapfile -t texts < <(git ls-files '*.c' '*.h' '*.def' '*.sh' '*.bash' '*.py' \
	Makefile .ci/run 'man/*' README.md)

complain() {
	echo "$*"
	found=$((found + 1))
}
has() {
	command -v "$1" >/dev/null && return
	echo "skip: $1 is not installed: $2"
	return 1
}

check_format() {
	has clang-format "format is not checked" || return
	local f
	for f in "${sources[@]}"; do
		clang-format --style=file:tests/style/clang-format "$f" | cmp -s - "$f" ||
			complain "$f: not in house format; run make format"
	done
}

check_licences() {
	local f want
	for f in "${texts[@]}"; do
		case $f in
		README.md) continue ;;
		bpf/*) want='GPL-2.0-only' ;;
		include/flightrec/point.h) want='MIT' ;;
		*) want='GPL-2.0-or-later' ;;
		esac
		head -n 3 "$f" | grep -q "SPDX-License-Identifier: $want" ||
			complain "$f: no line SPDX-License-Identifier: $want near the top"
	done
}

# Words that promise work instead of doing it.
check_words() {
	local w="\\b(TO""DO|FIX""ME|XX""X|HA""CK)\\b|for n""ow\\b|\\bst""ub(bed)?\\b"
	grep -nE "$w" "${texts[@]}" | while IFS= read -r line; do
		echo "$line: unfinished work is named"
	done | tee "$tmp/words"
	found=$((found + $(wc -l <"$tmp/words")))
}

# Functions that have no safe use; the compiler refuses them too (banned.h).
check_banned() {
	local names='strcpy|strcat|strtok|gets|alloca|atoi|atol|sprintf|vsprintf|localtime|gmtime'
	local hits
	hits=$(grep -nE "(^|[^_[:alnum:]\"])($names) *\\(" $(git ls-files '*.c' '*.h' |
		grep -v tests/style/banned.h) /dev/null)
	[ -z "$hits" ] || complain "$hits"
}

# Who may include what: the shape of the tree.
refuse_include() { # FILES-PATTERN REGEX WHY
	local hits
	hits=$(grep -nE "^#include [<\"]($2)" $(git ls-files "$1") /dev/null)
	[ -z "$hits" ] || complain "$hits
  $3"
}
check_includes() {
	refuse_include 'bpf/*' 'recorder/|dump/|triggers/|std|string' \
		"bpf/ includes only include/flightrec and its own headers"
	refuse_include 'triggers/*' 'bpf/|recorder/probe' "triggers/ does not know libbpf"
	local f
	for f in $(git ls-files 'dump/*.[ch]'); do
		case $f in dump/calls_count.c) continue ;; esac # has a program of its own
		! grep -nE '^#include <bpf/' "$f" /dev/null ||
			complain "$f: dump/ does not know libbpf"
	done
	refuse_include '*.c' '\.\./' "includes are written from the root of the tree"
	for f in $(git ls-files 'recorder/*.[ch]'); do
		case $f in # words from BTF, and an iterator of tasks
		recorder/probe* | recorder/facts_enums.c | recorder/state_tasks.c) continue ;;
		esac
		! grep -nE '^#include <bpf/' "$f" /dev/null ||
			complain "$f: only recorder/probe*.c know libbpf"
	done
}

check_lengths() {
	local f n
	for f in "${sources[@]}"; do
		n=$(wc -l <"$f")
		[ "$n" -le 600 ] || complain "$f: $n lines; split it (600)"
		n=$(expand "$f" | awk 'length > 80 && !/https?:/ { n++ } END { print n + 0 }')
		[ "$n" = 0 ] || echo "warn: $f: $n lines above 80 columns"
	done
	has ctags "functions are not measured" || return
	ctags --version 2>/dev/null | grep -q Universal || {
		echo "skip: universal-ctags is not installed: functions are not measured"
		return
	}
	ctags -x --_xformat='%F %n %{end} %N' --kinds-C=f --fields=+ne --language-force=C \
		$(git ls-files '*.c') 2>/dev/null |
		awk '{ n = $3 - $2 + 1
			if (n > 100) printf "%s:%d: %s has %d lines (100)\n", $1, $2, $4, n
			else if (n > 60) printf "warn: %s:%d: %s has %d lines (60)\n", $1, $2, $4, n }' \
		>"$tmp/long"
	cat "$tmp/long"
	found=$((found + $(grep -vc '^warn' "$tmp/long")))
}

check_cppcheck() {
	has cppcheck "no static analysis" || return
	cppcheck -q --std=c11 --enable=warning,portability --inline-suppr \
		--suppress=missingInclude --suppress=unknownMacro \
		--suppress=preprocessorErrorDirective --suppress=shiftTooManyBitsSigned --error-exitcode=0 \
		--template='{file}:{line}: {severity}: {message}' -I. -Iinclude -I"$O/gen" \
		-j "$(nproc)" $(git ls-files '*.c' | grep -v '^bpf/') 2>"$tmp/cppcheck"
	grep -E ': (error|warning|portability): ' "$tmp/cppcheck"
	found=$((found + $(grep -cE ': (error|warning|portability): ' "$tmp/cppcheck")))
}

check_shell() {
	local f
	for f in $(git ls-files '*.sh' '*.bash') .ci/run; do
		bash -n "$f" || complain "$f: syntax"
	done
	for f in $(git ls-files '*.py'); do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$f" ||
			complain "$f: syntax"
	done
}

# Each command and each of its options has its words in the manual.
check_manual() {
	local m page=man/flightrec.1 name option
	for m in $(git ls-files 'man/*.[1578]') "$O"/man/*.[1578]; do
		[ -e "$m" ] || continue
		has mandoc "manual pages are not checked" || break
		mandoc -Tlint -Wwarning "$m" >"$tmp/mandoc" || {
			cat "$tmp/mandoc"
			complain "$m: mandoc has complaints"
		}
	done
	[ -e $page ] || {
		complain "$page is missing"
		return
	}
	for f in $(git ls-files 'dump/cmd_*.c'); do
		name=${f#dump/cmd_} name=${name%.c}
		grep -qE "(^\\.(Ss|SS|It Cm|It Ic|SH|Sh) .*\\b$name\\b|\\b$name\\b)" $page ||
			complain "$page says nothing of flightrec $name"
	done
	[ -x "$O/flightrec" ] || {
		echo "skip: $O/flightrec is not built: options are not compared"
		return
	}
	for f in $(git ls-files 'dump/cmd_*.c'); do
		name=${f#dump/cmd_} name=${name%.c}
		for option in $("$O/flightrec" "$name" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u); do
			sed 's/\\-/-/g; s/\.Fl Fl /--/; s/Fl -/--/g; s/\.It --/--/' $page |
				grep -qF -- "${option#--}" ||
				complain "$page says nothing of $option (flightrec $name)"
		done
	done
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
checks=(format licences words banned includes lengths shell manual cppcheck)
[ $# = 0 ] || checks=("$@")
for c in "${checks[@]}"; do
	"check_$c"
done
echo "$found findings"
[ $found = 0 ]
