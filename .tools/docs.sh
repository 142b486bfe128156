#!/bin/sh
# Runs the main job and puts the table and the pictures that it made into the
# README, so that no figure there is typed in.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
out=$dir/out
./bin/veilbench run quick --out "$out" >"$out.text"
mkdir -p reports/docs
cp "$out/scores.png" "$out/tradeoff.png" reports/docs/
awk -v text="$out.text" '
	/<!-- table: written by make docs -->/ {
		print; print "```text"
		# Names in full, several lines of them, are for the terminal.
		while ((getline line < text) > 0 && line !~ /^tables /) {
			if (line ~ /^In full/) names = 1
			if (line !~ /^(  |In full)/) names = 0
			if (!names) print line
		}
		print "```"; skip = 1
	}
	/<!-- end of table -->/ { skip = 0 }
	!skip && !/<!-- table: written/ { print }
' README.md >"$dir/README.md"
cat "$dir/README.md" >README.md
