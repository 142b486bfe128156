#!/bin/bash
# usage: bench-compare.sh BASE     (a commit; the other side is the working tree)
#
# Builds the test programs of both, runs their benchmarks in turn (base, new,
# base, new, ...) so that slow minutes of the machine hit both alike, and prints
# benchstat's comparison. It fails when a benchmark has become significantly
# slower by more than MARGIN percent, or an accuracy lower at all. Where the
# figures scatter so much that such a slowdown may hide in them it says so.
#
# BENCH=.           which benchmarks (go test -bench): a name, or part of one
# COUNT=6           runs of each side; benchstat needs 6 for a statement
# MARGIN=10         percent
# PACKAGES=./...    which packages
# BENCHTIME=0.3s    time of each benchmark
set -euo pipefail
base=${1:-}
if [ -z "$base" ] || ! commit=$(git rev-parse --verify -q "$base^{commit}"); then
	echo "usage: $0 BASE, where BASE is a commit (got \"$base\")" >&2
	exit 2
fi
count=${COUNT:-6} margin=${MARGIN:-10} bench=${BENCH:-.}
top=$(git rev-parse --show-toplevel)
tools=$top/.tools/tools.mod
tmp=$(mktemp -d)
trap 'git -C "$top" worktree remove --force "$tmp/base" 2>/dev/null || true; rm -rf "$tmp"' EXIT
git -C "$top" worktree add -q --detach "$tmp/base" "$commit"

# build SIDE FOLDER: test programs of all packages that have a benchmark of that name
build() {
	mkdir -p "$tmp/bin/$1"
	(
		cd "$2"
		go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' ${PACKAGES:-./...}
	) | while read -r path dir; do
		grep '^func Benchmark' "$dir"/*_test.go | sed 's/.*func \(Benchmark[A-Za-z0-9_]*\).*/\1/' | grep -Eq "${bench%%/*}" || continue
		name=${path//\//_}
		(cd "$2" && go test -c -o "$tmp/bin/$1/$name" "$path")
		echo "$name $path $dir" >>"$tmp/bin/$1.list"
	done
}
touch "$tmp/base.txt" "$tmp/new.txt"
mkdir -p "$tmp/bin"
touch "$tmp/bin/base.list" "$tmp/bin/new.list"
build base "$tmp/base"
build new "$top"

# once SIDE TIME: every benchmark of a side one time
once() {
	while read -r name path dir; do
		echo "pkg: $path"
		(cd "$dir" && "$tmp/bin/$1/$name" -test.run '^$' -test.bench "$bench" -test.benchmem -test.benchtime "$2") </dev/null
	done <"$tmp/bin/$1.list"
}

# One iteration of each says how long the rest takes: what it took itself, and the
# time of each benchmark with the few calls that find out how many fit into it.
at=$(date +%s.%N)
once new 1x >"$tmp/pilot.txt"
n=$(grep -c '^Benchmark' "$tmp/pilot.txt" || true)
if [ "$n" = 0 ]; then
	echo "no benchmark matches \"$bench\"" >&2
	exit 2
fi
time=${BENCHTIME:-0.3s}
echo "$n benchmarks, $count rounds of both sides: $(awk -v a="$at" -v b="$(date +%s.%N)" -v n="$n" -v t="$time" -v c="$count" '
	BEGIN {
		each = t ~ /x$/ ? 0 : t ~ /ms$/ ? t / 1000 : t ~ /m$/ ? t * 60 : t + 0
		s = 2 * c * (b - a + 1.3 * n * each)
		if (s < 90) printf "about %d s", s + 1; else printf "about %d min", s / 60 + .5
	}')" >&2
for i in $(seq "$count"); do
	at=$(date +%s)
	once base "$time" >>"$tmp/base.txt"
	once new "$time" >>"$tmp/new.txt"
	echo "round $i of $count took $(($(date +%s) - at)) s" >&2
done

stat() { (cd "$top" && go tool -modfile="$tools" benchstat "$@"); }
stat base="$tmp/base.txt" new="$tmp/new.txt"
stat -format csv base="$tmp/base.txt" new="$tmp/new.txt" 2>/dev/null |
	awk -F, -v margin="$margin" -v base="$base" -f "$top/.tools/verdict.awk"
