# veilbench: the targets, one line each. Bare "make" prints them.
# Needs only Go, make and git; the first call of a target fetches what Go needs.

TOOL = go tool -modfile=.tools/tools.mod
GO_DIRS = attacks bench datasets defenses reports
OUT ?= out
BASE ?= HEAD~1
FUZZTIME ?= 30s
export CGO_ENABLED = 0

.PHONY: help run test check full fmt vet lint purego race fuzz golden bench bench-compare build docs rename clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the command into bin/
	go build -trimpath -o bin/veilbench ./bench/cmd/veilbench

run: build ## the main job: built-in homes through defenses and attacks; tables and pictures into out/
	./bin/veilbench run quick --out $(OUT)

test: ## all tests
	go test ./...

full: ## what takes too long for every day: the statistics simulated at full size (10 minutes), tables into reports/docs
	VEILBENCH_FULL=1 go test ./bench/stats -run Simulation -v -timeout 60m

check: fmt vet lint test purego ## everything that must hold before a commit: format, vet, staticcheck, house rules, tests

fmt:
	@files=$$($(TOOL) gofumpt -l $(GO_DIRS)); test -z "$$files" || { echo "not formatted, run '$(TOOL) gofumpt -w $(GO_DIRS)':"; echo "$$files"; exit 1; }

vet:
	go vet ./...

lint:
	$(TOOL) staticcheck ./...

purego: ## vet and the tests of kernels for the code that takes the place of assembly on other processors
	go vet -tags purego ./attacks/...
	go test -tags purego ./attacks/lstm -run 'Gemm|Cells|AddAndAdam|Activations|PyTorch|SameBytes|Divergence'
	go test -tags purego ./attacks/forest -run '^TestForest(Cuts|Step|PredictAll|Workers)$$'

race: ## all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race ./...

fuzz: ## every fuzz test for FUZZTIME (30s) each
	@.tools/fuzz.sh $(FUZZTIME)

golden: ## write the golden files anew; read the diff before you commit it
	UPDATE_GOLDEN=1 go test ./... -run 'Golden|Script' -count=1

bench: ## benchmarks of the hot paths, in the format of benchstat
	go test -run '^$$' -bench . -benchmem -count $${COUNT:-1} ./...

bench-compare: ## benchmarks of this tree against commit BASE, in turn; fails on a significant slowdown
	.tools/bench-compare.sh $(BASE)

docs: build ## run the main job and put its table and pictures into README.md and reports/docs
	.tools/docs.sh

rename: ## give the module another path: make rename MODULE=example.org/veilbench
	@test -n "$(MODULE)" || { echo "usage: make rename MODULE=example.org/veilbench"; exit 2; }
	go mod edit -module $(MODULE)
	go mod edit -modfile=.tools/tools.mod -module $(MODULE)
	grep -rlE '"veilbench/' --include='*.go' $(GO_DIRS) | xargs sed -i 's|"veilbench/|"$(MODULE)/|'

clean: ## remove what make made
	rm -rf bin out
