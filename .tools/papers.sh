#!/bin/sh
# Runs the small forms of the source papers' experiments, and those on recordings
# where DATA names the folder that holds them, and writes reports/docs/papers.md.
# Figures of recordings that are not there stay as they were.
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-$(mktemp -d)}
for p in iotevent gateway homemole-ind homemole-noise castle; do
	./bin/veilbench run "$p-small" --out "$runs/$p-small" --force
done
if [ -n "${DATA:-}" ]; then
	./bin/veilbench run --dataset "iotevents=$DATA/iotevents" --split leave-one-out --defense none \
		--attack guess-majority --attack event-knn:k=1 --attack event-align --attack event-forest --out "$runs/iotevents" --force
	./bin/veilbench run --dataset "ikea-gateway=$DATA/ikea_gateway" --defense none \
		--attack guess-majority --attack decompose --out "$runs/ikea-gateway" --force
fi
RUNS=$(cd "$runs" && pwd) UPDATE_GOLDEN=1 go test ./bench/cli/papers -run '^TestPapers$' -count=1
