# veilbench: the targets, one line each. Bare "make" prints them.
# Needs only Go, make and git; the first call of a target fetches what Go needs.

TOOL = go tool -modfile=.tools/tools.mod
GO_DIRS = attacks bench datasets defenses reports
OUT ?= out
BASE ?= HEAD~1
BENCH ?= .
FUZZTIME ?= 30s
export CGO_ENABLED = 0

# Every target says at its end how long it took. The times in the help are those
# of two cores with nothing else to do, after what Go needs was fetched.
TIMED = @.tools/timed.sh $@

.PHONY: help run test full check fmt vet lint purego race fuzz golden bench bench-compare bench-sizes speed-doc peers build docs docs-lived-in docs-which-vpn docs-routine papers dist dist-check rename clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the command into bin/ (20 s)
	$(TIMED) go build -trimpath -o bin/veilbench ./bench/cmd/veilbench

run: build ## the main job: built-in homes through defenses and attacks; tables and pictures into out/ (2 min)
	$(TIMED) ./bin/veilbench run quick --out $(OUT) --force

test: ## all tests (6 min)
	$(TIMED) go test ./...

full: ## what takes too long for every day: statistics at full size, 100 kills; tables into reports/docs (10 to 60 min)
	$(TIMED) env VEILBENCH_FULL=1 go test ./bench/stats -run Simulation -v -timeout 60m
	$(TIMED) env VEILBENCH_FULL=1 go test ./bench -run Week -v -timeout 30m
	$(TIMED) env VEILBENCH_FULL=1 go test -timeout 120m -count=1 ./bench/cli -run Killed

check: fmt vet lint test purego ## everything that must hold before a commit: format, vet, staticcheck, house rules, tests (7 min)

fmt:
	@files=$$($(TOOL) gofumpt -modpath $$(go list -m) -l $(GO_DIRS)); test -z "$$files" || { echo "not formatted, run '$(TOOL) gofumpt -modpath $$(go list -m) -w $(GO_DIRS)':"; echo "$$files"; exit 1; }

vet:
	$(TIMED) go vet ./...

lint:
	$(TIMED) $(TOOL) staticcheck ./...

purego: ## vet and the tests of kernels for the code that takes the place of assembly on other processors
	$(TIMED) go vet -tags purego ./attacks/...
	$(TIMED) go test -tags purego ./attacks/lstm -run 'Gemm|Cells|AddAndAdam|Activations|Softmax|Drop|PyTorch|SameBytes|Divergence'
	$(TIMED) go test -tags purego ./attacks/forest -run '^TestForest(Cuts|Step|Bins|PredictAll|Workers)$$'
	$(TIMED) go test -tags purego ./attacks/knn -run '^TestNearest$$'

race: ## all tests under the race detector (needs a C compiler; 30 min)
	$(TIMED) env CGO_ENABLED=1 go test -timeout 60m -race ./...

fuzz: ## every fuzz test for FUZZTIME (30s) each
	$(TIMED) .tools/fuzz.sh $(FUZZTIME)

golden: ## write the golden files anew; read the diff before you commit it (1 min)
	$(TIMED) env UPDATE_GOLDEN=1 go test ./... -run 'Golden|Script|Drawing' -count=1

bench: ## benchmarks of the hot paths beside this machine's peaks, in the format of benchstat; BENCH=NAME for some (5 min)
	$(TIMED) env BENCH='$(BENCH)' .tools/bench.sh

bench-compare: ## benchmarks of this tree against commit BASE, in turn, BENCH=NAME for some; fails on a significant slowdown (says how long it takes)
	$(TIMED) env BENCH='$(BENCH)' .tools/bench-compare.sh $(BASE)

bench-sizes: ## how the cost of defenses, attacks, reader and report grows; table and picture into reports/docs/size.md (2 min)
	$(TIMED) go run ./.tools/sizes reports/docs

speed-doc: build ## what later issues added to quick, with seconds, from a run of it into reports/docs/speed.md (3 min)
	$(TIMED) sh -c 'dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && ./bin/veilbench run quick --out $$dir/out && go run ./.tools/seconds $$dir/out reports/docs'

peers: ## how many times as fast as scikit-learn, PyTorch, tshark, dpkt and tcpdump, where they are installed (3 min)
	$(TIMED) .tools/peers/peers.sh

docs: build ## run the main job; its table into README.md, every kind of picture into reports/docs, and try its page (6 min)
	$(TIMED) .tools/docs.sh quick table

docs-lived-in: build ## the same of the homes that people live in (8 min, 20 GB)
	$(TIMED) .tools/docs.sh lived-in lived-in

docs-which-vpn: build ## tunnels and the covers that are sold, into reports/docs/which-vpn.md (5 min, 2 GB)
	$(TIMED) env GOMEMLIMIT=1800MiB .tools/docs.sh which-vpn which-vpn $(RUN)

docs-routine: build ## diaries behind every defense, 12 homes for 30 days; reports/docs/routine.md (RUN=folder of the run; 60 min, 8 GB)
	$(TIMED) env GOMEMLIMIT=7GiB .tools/docs.sh routine "" $(RUN)

papers: build ## the small forms of the source papers' experiments; claim by claim into reports/docs/papers.md (DATA=folder of the recordings)
	$(TIMED) .tools/papers.sh

dist: ## static binaries for Linux, macOS and Windows, manual pages, sums and an SBOM into dist/ (10 min the first time)
	$(TIMED) .tools/dist.sh dist

dist-check: ## that binaries are the same bytes when built elsewhere, and that 'go install' works after make rename (10 min)
	$(TIMED) .tools/dist-check.sh

rename: ## give the module another path: make rename MODULE=example.org/veilbench
	@test -n "$(MODULE)" || { echo "usage: make rename MODULE=example.org/veilbench"; exit 2; }
	go mod edit -module $(MODULE)
	go mod edit -modfile=.tools/tools.mod -module $(MODULE)
	go mod edit -droprequire veilbench -dropreplace veilbench -require $(MODULE)@v0.0.0 -replace $(MODULE)=../../.. bench/cli/example/go.mod
	grep -rlE 'veilbench/' --include='*.go' --include='*.md' $(GO_DIRS) .tools README.md | xargs sed -i -E \
		-e 's#(["( ])veilbench/(attacks|bench|datasets|defenses|reports)([/".])#\1$(MODULE)/\2\3#g' -e 's#"veilbench/"#"$(MODULE)/"#g'

clean: ## remove what make made
	rm -rf bin out dist
