#!/bin/sh
# Runs an experiment and puts what it printed into the README, between the lines
# "<!-- MARK: written by make ... -->" and "<!-- end of MARK -->", so that no figure
# there is typed in.
#
#   docs.sh quick table       the main job, with its pictures in reports/docs
#   docs.sh lived-in lived-in the homes that people live in
#   docs.sh routine           diaries, a page of their own: reports/docs/routine.md
#
# A third word names a folder for the run; what it already holds is not computed again.
set -eu
cd "$(dirname "$0")/.."
preset=$1 mark=${2:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
out=${3:-$dir/out}
./bin/veilbench run "$preset" --out "$out" >"$dir/text"
case $preset in
routine)
	page=reports/docs/routine.md
	{
		sed '/^<!-- written by/q' "$page"
		for table in routine-days routine routine-shares evidence costs; do
			echo
			./bin/veilbench report "$out" --table $table --format markdown
		done
		echo
		echo "![days of a home as they were and as they are read](routine.png)"
	} >"$dir/page"
	cat "$dir/page" >"$page"
	./bin/veilbench report "$out" --figure routine --format png >reports/docs/routine.png
	exit
	;;
quick)
	mkdir -p reports/docs
	cp "$out/scores.png" "$out/tradeoff.png" reports/docs/
	;;
*) # Its headline alone: without the attack of each cell and what lies where.
	./bin/veilbench report "$out" --table headline >"$dir/text"
	;;
esac
awk -v text="$dir/text" -v mark="$mark" '
	index($0, "<!-- " mark ": written by ") {
		print; print "```text"
		# Names in full, several lines of them, are for the terminal.
		while ((getline line < text) > 0 && line !~ /^tables /) {
			if (line ~ /^In full/) names = 1
			if (line !~ /^(  |In full)/) names = 0
			if (!names) print line
		}
		print "```"; skip = 1
	}
	$0 == "<!-- end of " mark " -->" { skip = 0 }
	!skip { print }
' README.md >"$dir/README.md"
cat "$dir/README.md" >README.md
