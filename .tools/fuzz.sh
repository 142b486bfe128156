#!/bin/sh
# Runs every fuzz test of the module for the time given (default 30s) each.
set -eu
time=${1:-30s}
for pkg in $(go list ./...); do
	for name in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
		echo "== $pkg $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x "$pkg"
	done
done
