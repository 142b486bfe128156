#!/bin/bash
# usage: bench.sh     runs the benchmarks, in the format of benchstat
#
# First come the peaks of the machine, measured; where a figure has the unit of a
# peak its share of it stands beside it, as of-copy or of-multiply.
#
# BENCH=.           which benchmarks (go test -bench)
# COUNT=1           how often; benchstat wants 6 for a statement
# PACKAGES=./...    which packages
set -euo pipefail
cd "$(dirname "$0")/.."
{
	go run ./.tools/peaks
	go test -run '^$' -bench "${BENCH:-.}" -benchmem -count "${COUNT:-1}" ${PACKAGES:-./...}
} | awk '
	/no test files/ || /^ok / && /no tests to run/ { next }
	/^Benchmark/ {
		for (i = 4; i <= NF; i++) {
			if ($1 ~ /^BenchmarkPeak/) {
				if ($i == "GB/s") copy = $(i - 1) * 1000
				if ($i == "GFLOP/s") multiply = $(i - 1)
				continue
			}
			if ($i == "MB/s" && copy) $0 = $0 sprintf("\t%8.3f of-copy", $(i - 1) / copy)
			if ($i == "GFLOP/s" && multiply) $0 = $0 sprintf("\t%8.3f of-multiply", $(i - 1) / multiply)
		}
	}
	{ print; fflush() }'
