#!/bin/bash
# usage: peers.sh     ours against what a user would run instead, one core each
#
# Runs both in turn and prints the ratio of the medians. A program or module that is
# not installed is named and left out. PYTHON=python3 says which Python has them.
#
# ROUNDS=5   runs of each
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${ROUNDS:-5} python=${PYTHON:-python3} packets=200000
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v "$python" >/dev/null || { echo "there is no $python: PYTHON names another" >&2; exit 2; }
"$python" .tools/peers/peer.py write "$tmp/traffic.pcap" "$packets"
for p in datasets/capture attacks/builtin attacks/knn attacks/lstm attacks/decompose; do
	go test -c -o "$tmp/${p//\//_}" "./$p"
done

# ours WHAT PACKAGE BENCHMARK UNIT: the first line of that benchmark, which is that of
# the fastest kernel
ours() {
	(cd "$2" && VEILBENCH_CAPTURE="$tmp/traffic.pcap" GOMAXPROCS=1 "$tmp/${2//\//_}" \
		-test.run '^$' -test.bench "$3" -test.benchtime "${BENCHTIME:-0.5s}" -test.cpu 1) |
		awk -v what="$1" -v unit="$4" -v OFS='\t' '/^Benchmark/ && !done {
			for (i = 4; i <= NF; i++) { if ($i == unit) rate = $(i - 1); if ($i == "accuracy") note = $(i - 1) }
			print what, "ours", rate, note; done = 1
		}' >>"$tmp/figures"
}

# peer NAME [FILE]: one of peer.py; a missing module costs its rows alone
peer() {
	if "$python" .tools/peers/peer.py "$@" >"$tmp/said" 2>"$tmp/error"; then
		cat "$tmp/said" >>"$tmp/figures"
	else
		tail -1 "$tmp/error" >>"$tmp/missing"
	fi
}

# reader NAME VERSION PACKETS COMMAND...: a program that reads so much of the capture
reader() {
	local name=$1 version=$2 n=$3 at
	shift 3
	command -v "$name" >/dev/null || { echo "$name: not installed" >>"$tmp/missing"; return; }
	at=$(date +%s.%N)
	if ! "$@" >/dev/null 2>"$tmp/error"; then
		echo "$name: $(tail -1 "$tmp/error")" >>"$tmp/missing"
		return
	fi
	awk -v a="$at" -v b="$(date +%s.%N)" -v n="$n" -v who="$name $version" \
		'BEGIN { printf "read\t%s\t%.6g\t\n", who, n / (b - a) }' >>"$tmp/figures"
}
tshark=$( (tshark --version 2>/dev/null || true) | awk 'NR == 1 { print $3 }')
tcpdump=$( (tcpdump --version 2>&1 || true) | awk '/^tcpdump version/ { print $3 }')
fields=(-e frame.time_epoch -e frame.len -e ip.src -e ip.dst -e ip.proto -e tcp.srcport -e tcp.dstport)

touch "$tmp/figures" "$tmp/missing"
for i in $(seq "$rounds"); do
	echo "round $i of $rounds" >&2
	ours read datasets/capture ReadFile packets/s
	peer dpkt "$tmp/traffic.pcap"
	reader tcpdump "$tcpdump" "$packets" tcpdump -Z "$(id -un)" -nn -q -tt -r "$tmp/traffic.pcap"
	reader tshark "${tshark%.}" 20000 tshark -n -c 20000 -r "$tmp/traffic.pcap" -T fields "${fields[@]}"
	ours forest-train attacks/builtin Forest/do=train rows/s
	ours forest-predict attacks/builtin Forest/do=predict rows/s
	peer forest
	ours knn attacks/knn 'Nearest$/n=1e5/d=14' queries/s
	ours knn-plain attacks/knn NearestPlain/n=1e5/d=14 queries/s
	peer knn
	ours blstm-step attacks/lstm Step/kernel=/hidden=128/both=true packets/s
	ours blstm-guess attacks/lstm Guess/kernel=/hidden=128/both=true packets/s
	peer lstm
	ours decompose attacks/decompose DecomposeList/form=packed/actions=7/n=1000 solutions/s
	peer decompose
done

echo
echo "$(awk -F': *' '/^model name/ { print $2; exit }' /proc/cpuinfo 2>/dev/null || uname -m), $(uname -s), $(go version | cut -d' ' -f3), medians of $rounds, one core each, work a second"
awk -F'\t' '
	{
		k = $1 "\t" $2
		if (!(k in n)) order[++rows] = k
		rate[k, ++n[k]] = $3 + 0
		if ($4 != "") note[k] = $4
	}
	function median(k, i, j, v) {
		for (i = 1; i <= n[k]; i++)
			for (j = i + 1; j <= n[k]; j++)
				if (rate[k, j] < rate[k, i]) { v = rate[k, i]; rate[k, i] = rate[k, j]; rate[k, j] = v }
		return rate[k, int((n[k] + 1) / 2)]
	}
	END {
		printf "%-16s %-22s %12s %12s %10s  %s\n", "what", "against", "theirs", "ours", "ratio", "accuracy, theirs and ours"
		for (r = 1; r <= rows; r++) {
			split(order[r], part, "\t")
			if (part[2] == "ours") continue
			own = part[1] "\tours"
			them = median(order[r]); us = median(own)
			printf "%-16s %-22s %12.4g %12.4g %10.3g  %s %s\n", part[1], part[2], them, us, us / them, note[order[r]], note[own]
		}
	}' "$tmp/figures"
sort -u "$tmp/missing" | sed 's/^/left out: /'
