#!/bin/sh
# Draws every kind of figure into reports/docs/gallery and lists them, with their
# captions, in reports/docs/gallery.md. RUN is the folder of a run of the main job;
# what that has nothing for comes from small grids that are run here.
#
# A second word names a folder for these; what it already holds is not computed again.
#
#   gallery.sh RUN [FOLDER]
set -eu
run=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
bin=$PWD/bin/veilbench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
work=${2:-$dir}
out=$PWD/reports/docs/gallery
mkdir -p "$out"

# Grids so small that they show a kind of picture and no more.
cat >"$dir/study.yaml" <<'GRID'
datasets:
  - home: {preset: event_signatures, homes: 5, hours: 2, tasks: event}
defenses: [none, pad-random, vpn]
attacks:
  - event-knn: {k: 1}
  - event-knn: {k: 3}
  - event-knn: {k: 9}
  - event-knn: {k: 27}
knowledge: adaptive
GRID
cat >"$dir/routine.yaml" <<'GRID'
datasets:
  - home: {preset: routine, homes: 5, hours: 52, tasks: routine}
defenses: [none, pad-random]
attacks: [routine-rates]
knowledge: adaptive
GRID
cat >"$dir/noise.yaml" <<'GRID'
like: homemole-noise
datasets:
  - home: {preset: homemole-noise, homes: 4, hours: 0.08, tasks: device}
defenses: [none]
attacks: [guess-majority, window-forest]
GRID
for grid in study routine noise; do
	"$bin" run "$dir/$grid.yaml" --out "$work/$grid" >/dev/null
done

# Pictures of captures are of a home of the generator's.
"$bin" datasets generate home:event_signatures --homes 1 --hours 0.5 --out "$dir/homes" >/dev/null
capture=$dir/homes/home-01.pcap
"$bin" inspect --plot "$out/inspect.svg" "$capture" >/dev/null
"$bin" apply --force --defense pad-random:max_bytes=255+vpn:kind=wireguard --plot "$out/apply.svg" "$capture" "$dir/shaped.pcap" >/dev/null

# entry KIND TITLE writes a picture with what its file says of it.
entry() {
	printf '\n## %s\n\n%s\n\n![%s](gallery/%s.svg)\n\n' "$1" "$2" "$1" "$1"
	sed -n 's/.*<desc>\(.*\)<\/desc>.*/\1/p' "$out/$1.svg"
}
page=reports/docs/gallery.md
{
	sed '/^<!-- written by/q' "$page"
	"$bin" report --help | sed -n '/^figures/,/^$/p' | sed 's/^figures//' | tr -d ' ' | tr , '\n' | grep . | while read -r kind; do
		for from in "$run" "$work/study" "$work/routine" "$work/noise"; do
			if "$bin" report "$from" --figure "$kind" --format svg >"$dir/$kind.svg" 2>"$dir/said"; then
				cp "$dir/$kind.svg" "$out/$kind.svg"
				entry "$kind" "\`veilbench report RUN --figure $kind\`"
				break
			fi
			grep -q 'nothing for it' "$dir/said" || { cat "$dir/said" >&2; exit 1; }
		done
	done
	entry inspect '`veilbench inspect --plot rate.svg home-01.pcap`'
	entry apply '`veilbench apply --defense pad-random:max_bytes=255+vpn:kind=wireguard --plot shaped.svg home-01.pcap shaped.pcap`'
} >"$dir/page"
cat "$dir/page" >"$page"
