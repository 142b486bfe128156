#!/bin/bash
# usage: bench-compare.sh BASE     (a commit; the other side is the working tree)
#
# Builds the test programs of both, runs their benchmarks in turn (base, new,
# base, new, ...) so that slow minutes of the machine hit both alike, prints
# benchstat's comparison, and fails when a benchmark has become significantly
# slower by more than MARGIN percent, or an accuracy lower at all.
#
# COUNT=6           runs of each side; benchstat needs 6 for a statement
# MARGIN=10         percent
# BENCH=.           which benchmarks (go test -bench)
# PACKAGES=./...    which packages
# BENCHTIME=0.3s    time of each benchmark
set -euo pipefail
base=${1:-}
if [ -z "$base" ] || ! commit=$(git rev-parse --verify -q "$base^{commit}"); then
	echo "usage: $0 BASE, where BASE is a commit (got \"$base\")" >&2
	exit 2
fi
count=${COUNT:-6} margin=${MARGIN:-10}
top=$(git rev-parse --show-toplevel)
tools=$top/.tools/tools.mod
tmp=$(mktemp -d)
trap 'git -C "$top" worktree remove --force "$tmp/base" 2>/dev/null || true; rm -rf "$tmp"' EXIT
git -C "$top" worktree add -q --detach "$tmp/base" "$commit"

# build SIDE FOLDER: test programs of all packages that have benchmarks
build() {
	mkdir -p "$tmp/bin/$1"
	(
		cd "$2"
		go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' "${PACKAGES:-./...}"
	) | while read -r path dir; do
		grep -q '^func Benchmark' "$dir"/*_test.go || continue
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

# once SIDE: every benchmark of a side one time
once() {
	while read -r name path dir; do
		echo "pkg: $path"
		(cd "$dir" && "$tmp/bin/$1/$name" -test.run '^$' -test.bench "${BENCH:-.}" -test.benchmem \
			-test.benchtime "${BENCHTIME:-0.3s}") </dev/null
	done <"$tmp/bin/$1.list"
}
for i in $(seq "$count"); do
	echo "round $i of $count" >&2
	once base >>"$tmp/base.txt"
	once new >>"$tmp/new.txt"
done

stat() { (cd "$top" && go tool -modfile="$tools" benchstat "$@"); }
stat base="$tmp/base.txt" new="$tmp/new.txt"
# The same as CSV. A heading names the unit in its second and fourth column;
# a line below it holds name, base, interval, new, interval, change, p. Change
# is "~" where the difference is not significant.
stat -format csv base="$tmp/base.txt" new="$tmp/new.txt" 2>/dev/null | awk -F, -v margin="$margin" '
	$1 == "" && $2 != "" && $2 !~ /base/ { unit = $2; next }
	$1 == "" || $1 == "geomean" || $6 !~ /^[-+][0-9.]+%$/ { next }
	{
		change = $6; sub(/%/, "", change); change += 0
		slower = unit == "sec/op" && change > margin || unit ~ /\/s$/ && change < -margin
		if (slower || unit == "accuracy" && change < 0) {
			printf "worse: %s, %s %s (%s)\n", $1, unit, $6, $7
			bad = 1
		}
	}
	END { exit bad }
' || { echo "FAIL: significantly worse than $base by more than $margin %" >&2; exit 1; }
echo "no benchmark is significantly slower than $base by more than $margin %"
