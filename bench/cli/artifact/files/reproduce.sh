#!/bin/sh
# Reproduces the claims of claims.yaml.
#
#   ./reproduce.sh          the short experiments: the attacks that set the claims
#   ./reproduce.sh long     the whole experiment
#
# It needs Go and git and no network. VEILBENCH=PROGRAM uses a program that is built
# already. What is computed stays in out/: a second call goes on where one stopped.
set -eu
cd "$(dirname "$0")"
mode=${1:-short}
case $mode in
short | long) ;;
*)
	echo "usage: $0 [short|long]" >&2
	exit 2
	;;
esac

{{if .Commit -}}
if [ -z "${VEILBENCH:-}" ]; then
	if [ ! -x build/veilbench ]; then
		echo "building the program from source.bundle"
		rm -rf build
		git clone -q source.bundle build/source
		have=$(git -C build/source rev-parse HEAD)
		if [ "$have" != {{.Commit}} ]; then
			echo "source.bundle holds commit $have, not {{.Commit}}" >&2
			exit 1
		fi
		(cd build/source && GOFLAGS=-mod=vendor GOPROXY=off GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0 \
			go build -trimpath -buildvcs=false -o ../veilbench {{.Main}})
	fi
	VEILBENCH=$PWD/build/veilbench
fi
{{- else -}}
if [ -z "${VEILBENCH:-}" ]; then
	echo "this artifact holds no source: set VEILBENCH to the program ({{.Program}})" >&2
	exit 2
fi
{{- end}}

# Exit code 1 says that cells failed: whether a claim hangs on them is checked below.
experiment() {
	echo "running $1"
	code=0
	"$VEILBENCH" run "$1" --out "$2" >"$2.txt" 2>"$2.log" || code=$?
	case $code in
	0 | 1) ;;
	*)
		tail -n 5 "$2.log" >&2
		exit "$code"
		;;
	esac
}

mkdir -p out
if [ "$mode" = long ]; then
	experiment {{.Long.File}} {{.Long.Out}}
	"$VEILBENCH" artifact check claims.yaml {{.Long.Out}}
else
{{- range .Experiments}}
	experiment {{.File}} {{.Out}}
{{- end}}
	"$VEILBENCH" artifact check claims.yaml{{range .Experiments}} {{.Out}}{{end}}
fi
