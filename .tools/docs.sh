#!/bin/sh
# Runs an experiment and puts what it printed into a page, between the lines
# "<!-- MARK: written by make ... -->" and "<!-- end of MARK -->", so that no figure
# there is typed in.
#
#   docs.sh quick table       the main job into README.md, with its pictures and the gallery in reports/docs
#   docs.sh lived-in lived-in the homes that people live in, reports/docs/lived-in.md
#   docs.sh which-vpn which-vpn  tunnels and the covers that are sold, reports/docs/which-vpn.md
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
		echo
		echo "![the same days behind a constant rate](routine-constant-rate.png)"
	} >"$dir/page"
	cat "$dir/page" >"$page"
	./bin/veilbench report "$out" --figure routine --format png >reports/docs/routine.png
	./bin/veilbench report "$out" --figure routine --format png \
		--defense constant-rate:per=home,interval_s=1,size_bytes=1500 >reports/docs/routine-constant-rate.png
	exit
	;;
quick)
	page=README.md
	cp "$out/scores.png" "$out/tradeoff.png" reports/docs/
	.tools/gallery.sh "$out"

	# Every picture of the page at every width, its size and its sheets on paper.
	VEILBENCH_RUNS=$out go test ./reports/page -run 'OneOddFont|PaperIsShort' -count=1
	;;
which-vpn)
	page=reports/docs/$preset.md
	for table in headline detect; do ./bin/veilbench report "$out" --table $table; done >"$dir/text"
	./bin/veilbench report "$out" --figure tradeoff --format png >reports/docs/$preset.png
	;;
*)
	page=reports/docs/$preset.md
	# Its headline alone: without the attack of each cell and what lies where.
	./bin/veilbench report "$out" --table headline >"$dir/text"
	;;
esac
awk -v text="$dir/text" -v mark="$mark" '
	index($0, "<!-- " mark ": written by ") {
		print; print "```text"
		# Names in full, several lines of them, are for the terminal; the attack of each
		# cell is on the page of the run.
		while ((getline line < text) > 0 && line !~ /^(tables |Attack of each cell)/) {
			if (line ~ /^In full/) names = 1
			if (line !~ /^(  |In full)/) names = 0
			if (!names) print line
		}
		print "```"; skip = 1
	}
	$0 == "<!-- end of " mark " -->" { skip = 0 }
	!skip { print }
' "$page" >"$dir/page"
cat "$dir/page" >"$page"
