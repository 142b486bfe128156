#!/bin/sh
# Runs the small forms of the source papers' experiments, with FULL=1 those of full
# size too, and those on recordings where DATA names the folder that holds them, and
# writes reports/docs/papers.md. Figures of runs that are not made stay as they were;
# with RUNS, a folder, runs that lie there are gone on with.
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-$(mktemp -d)}
run() {
	name=$1
	shift
	./bin/veilbench run "$@" --out "$runs/$name" --force
}
for p in iotevent-small gateway-small gateway gateway-app castle-small castle-makers castle-figures \
	homemole-ind-small homemole-noise-small routine-small; do
	run "$p" "$p"
done
run iotevent-8020 iotevent-small --split fixed-80-20 --vantage wan --defense none --attack guess-majority --attack event-knn
run iotevent-align iotevent-small --vantage wan --canaries off --defense none \
	--attack guess-majority --attack event-knn --attack event-align
run iotevent-defended iotevent-small --vantage wan --canaries off \
	--defense none --defense pad-random --defense uniform-burst --defense vpn \
	--attack guess-majority --attack event-knn --attack event-knn:max_even=28
run homemole-vote homemole-ind-small --attack guess-majority --attack window-forest --attack window-forest:vote=true,window=100
if [ -n "${FULL:-}" ]; then
	run iotevent iotevent
	run castle castle
	run homemole-noise homemole-noise
	run homemole-ports homemole-ports
	run study-knn-k study-knn-k
fi
if [ -n "${DATA:-}" ]; then
	run iotevents --dataset "iotevents=$DATA/iotevents" --split leave-one-out --defense none --knowledge unaware --probe none \
		--attack guess-majority --attack event-knn --attack event-knn:k=1 --attack event-knn:k=3 \
		--attack event-knn:k=1,max_even=28 --attack event-align --attack event-forest
	run ikea-gateway --dataset "ikea-gateway=$DATA/ikea_gateway" --defense none --attack guess-majority --attack decompose --probe none
	run gateway-recorded gateway-recorded --dataset "ikea-gateway=$DATA/ikea_gateway" \
		--dataset "ikea-gateway-sums=$DATA/ikea_gateway" --dataset home:gateway
	run echo-voice --dataset "echo-voice=$DATA/echo_voice" --task clip --knowledge adaptive --probe none \
		--defense none --defense pad-random --defense vpn --defense uniform-burst \
		--attack guess-majority --attack event-knn --attack event-forest
	run smart-plug-day --dataset "smart-plug-day=$DATA/smart_plug_day" --task event --knowledge adaptive --probe none \
		--defense none --defense vpn --attack guess-majority --attack rates --attack event-knn --attack signatures:udp=false
	run lock-camera-week --dataset "lock-camera-week=$DATA/lock_camera_week" --task event --knowledge unaware --probe none \
		--canaries off --defense none --attack guess-majority --attack guess-clock --attack rates
	run homemole-recorded homemole-recorded --dataset "iot-sentinel=$DATA/iot_sentinel"
fi
RUNS=$(cd "$runs" && pwd) UPDATE_GOLDEN=1 go test ./bench/cli/papers -run '^TestPapers$' -count=1
