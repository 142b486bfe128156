#!/bin/sh
# Builds the static binaries that others download, the pages of the manual and what
# shells complete by, with their sums and a list of what is in them (SBOM). The same commit and the same Go give the same bytes on any
# machine and in any folder: nothing of the machine is in them.
#
#   dist.sh DIR [OS/ARCH...]   all six systems without a second word
set -eu
cd "$(dirname "$0")/.."
out=$1
shift
[ $# -gt 0 ] || set -- linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# What the caller's environment says of building would be in the bytes.
export CGO_ENABLED=0 GOFLAGS='' GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT=''
case $(git status --porcelain 2>/dev/null) in
'') ;;
*) echo "note: the tree differs from its commit, and the binaries say so" >&2 ;;
esac

mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "$out"/veilbench-* "$out"/SHA256SUMS "$out"/sbom.cdx.json "$out"/man "$out"/completions
for target in "$@"; do
	os=${target%/*} arch=${target#*/} ext=
	[ "$os" = windows ] && ext=.exe
	GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=auto -ldflags='-s -w' -o "$out/veilbench-$os-$arch$ext" ./bench/cmd/veilbench
done
go run ./.tools/sbom "$out"/veilbench-* >"$out/sbom.cdx.json"

# By a program of this machine, which may be none of those above.
mkdir -p "$out/man" "$out/completions"
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
go build -trimpath -buildvcs=auto -ldflags='-s -w' -o "$here/veilbench" ./bench/cmd/veilbench
"$here/veilbench" man "$out/man" >/dev/null
for shell in bash zsh fish powershell; do
	"$here/veilbench" completion $shell >"$out/completions/veilbench.$shell"
done
cd "$out"
sha256sum veilbench-* sbom.cdx.json man/* completions/* >SHA256SUMS
cat SHA256SUMS
