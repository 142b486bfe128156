#!/bin/sh
# Shows two things about what others get.
#
# 1. A binary is the same bytes when it is built again in another folder with an empty
#    build cache: whoever doubts ours can make it.
# 2. After make rename the module can be fetched and installed by its path, as from any
#    host: here from a module proxy that is a folder, and still passes the tests that
#    look at names.
#
#   dist-check.sh [bytes|install]   one of them alone
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

# Both builds of the renamed packages share what is compiled, whatever folder they are in.
install() {
	export GOFLAGS=-trimpath
	module=example.org/lab/veilbench version=v0.2.0
	tree "$dir/renamed"
	(
		cd "$dir/renamed"
		make -s rename MODULE=$module
		go test ./bench/house ./bench/cli -run 'House|Drawing|Readme|TestScripts/help'
	)

	# A module proxy is a folder of three files for each version.
	proxy=$dir/proxy/$module/@v
	mkdir -p "$proxy" "$dir/zip/$module@$version"
	cp -R "$dir/renamed/." "$dir/zip/$module@$version"
	(cd "$dir/zip" && python3 -m zipfile -c "$proxy/$version.zip" "$module@$version" 2>/dev/null || zip -qr "$proxy/$version.zip" "$module@$version")
	cp "$dir/renamed/go.mod" "$proxy/$version.mod"
	echo "{\"Version\":\"$version\"}" >"$proxy/$version.info"
	echo $version >"$proxy/list"
	(
		cd "$dir"
		GOFLAGS="-trimpath -modcacherw" GOBIN=$dir/bin GONOSUMDB=$module GOPROXY="file://$dir/proxy,$(go env GOPROXY)" go install $module/bench/cmd/veilbench@$version
		./bin/veilbench --version | grep -F "$version"
	)
	rm -rf "$(go env GOMODCACHE)/$module@$version" "$(go env GOMODCACHE)/cache/download/$module"
	echo "go install $module/bench/cmd/veilbench@$version works"
}

case ${1:-all} in
bytes) bytes ;;
install) install ;;
all)
	bytes
	install
	;;
*)
	echo "usage: dist-check.sh [bytes|install]" >&2
	exit 2
	;;
esac
