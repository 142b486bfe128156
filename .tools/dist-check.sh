#!/bin/sh
# Shows two things about what others get.
#
# 1. A binary is the same bytes when it is built again in another folder with an empty
#    build cache: whoever doubts ours can make it.
# 2. After make rename the module still passes the tests that look at names, and can be
#    fetched and installed by its path, as from any host: here from a module proxy that
#    is a folder.
#
#   dist-check.sh [bytes|names|install]   one of them alone
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
target=linux/amd64

# The files of the tree as they are, without history: both builds then say "devel".
tree() {
	mkdir -p "$1"
	git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$1"
}

bytes() {
	tree "$dir/one/here"
	tree "$dir/two/a longer path/there"
	"$dir/one/here/.tools/dist.sh" "$dir/one/dist" $target >/dev/null
	GOCACHE=$dir/cache "$dir/two/a longer path/there/.tools/dist.sh" "$dir/two/dist" $target >/dev/null
	cmp "$dir/one/dist/SHA256SUMS" "$dir/two/dist/SHA256SUMS"
	cmp "$dir/one/dist/veilbench-linux-amd64" "$dir/two/dist/veilbench-linux-amd64"
	(cd "$dir/one/dist" && sha256sum --quiet -c SHA256SUMS)
	echo "two builds of $target, in two folders, one with an empty cache: the same bytes"
	cat "$dir/one/dist/SHA256SUMS"
}

module=example.org/lab/veilbench

renamed() {
	rm -rf "$dir/renamed"
	tree "$dir/renamed"
	make -s -C "$dir/renamed" rename MODULE=$module
}

names() {
	renamed
	cd "$dir/renamed"
	go vet ./.tools/sizes ./.tools/seconds
	go test ./bench/house ./bench/cli -run 'House|Drawing|Readme|TestScripts/help'
	cd - >/dev/null
	echo "the module renamed to $module passes the tests that look at names"
}

# A module proxy is a folder of a few files for each version, one of them a zip. The go
# command takes a version for what never changes, so each tree is a version of its own.
install() {
	renamed
	# Folders with a go.mod of their own are other modules, which no zip of ours has.
	find "$dir/renamed" -mindepth 2 -name go.mod | while read -r other; do rm -r "$(dirname "$other")"; done
	git -C "$dir/renamed" init -q
	git -C "$dir/renamed" add -A
	tree=$(git -C "$dir/renamed" write-tree)
	version=v0.2.0-tree.$tree

	proxy=$dir/proxy/$module/@v
	mkdir -p "$proxy" "$dir/empty"
	cp "$dir/renamed/go.mod" "$proxy/$version.mod"
	echo "{\"Version\":\"$version\"}" >"$proxy/$version.info"
	echo "$version" >"$proxy/list"
	git -C "$dir/renamed" archive --format=zip --prefix="$module@$version/" "$tree" >"$proxy/$version.zip"

	cache=$(go env GOMODCACHE)
	cd "$dir/empty"
	GOFLAGS='-trimpath -modcacherw' GOBIN=$dir/bin GONOSUMDB=$module GOPROXY="file://$dir/proxy,$(go env GOPROXY)" go install "$module/bench/cmd/veilbench@$version"
	"$dir/bin/veilbench" --version | grep -F "$version"
	cd - >/dev/null
	rm -rf "$cache/$module@$version" "$cache/cache/download/$module"
	echo "go install $module/bench/cmd/veilbench@$version works"
}

case ${1:-all} in
bytes | names | install) "$1" ;;
all)
	bytes
	names
	install
	;;
*)
	echo "usage: dist-check.sh [bytes|names|install]" >&2
	exit 2
	;;
esac
