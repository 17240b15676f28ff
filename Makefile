# make build test lint: see CONTRIBUTING.md.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: build test lint fuzz bench gobench race safety samba

# SQLite is pure Go here: no C compiler, and one static binary.
export CGO_ENABLED := 0
# What is built says by -X below where it comes from; git need not be installed.
export GOFLAGS := -buildvcs=false $(GOFLAGS)

# Evaluated when build uses them. The date is the commit's, not today's, so that
# the same commit gives the same bytes.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
DATE    = $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)

FUZZTIME ?= 10s
FUZZ     ?= .*
BENCH    ?= .
# Of make bench: how many people, which databases, how often, which cases.
SIZES    ?= 10k 100k
ENGINES  ?= postgres sqlite
RUNS     ?= 3
ONLY     ?=

build:
	go build -trimpath -ldflags="-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)" -o rollcall ./cmd/rollcall

test:
	@.ci/packages
	go vet ./...
	@{ go test -json -timeout 10m ./... || true; $(call fuzz_each,-json); } | go run ./internal/verdict

# The long form of what attacks the program, and the table of what came of it.
safety:
	@.ci/packages
	@scores="$$(mktemp)"; trap 'rm -f "$$scores"' EXIT; \
	failed=0; \
	ROLLCALL_SAFETY=1 ROLLCALL_SCORES="$$scores" go test -json -count=1 -timeout 3h ./... | go run ./internal/verdict || failed=1; \
	go run ./internal/proof/board "$$scores" internal/proof/README.md; \
	exit $$failed

# Against a domain controller of Active Directory, which Samba plays; as root, for its
# ports are 389 and 636. make test knows nothing of it.
samba:
	@.ci/packages samba
	go test -tags samba -count=1 -timeout 30m -v -run ADomainController ./internal/source ./examples

lint:
	go vet ./...
	go vet -tags samba ./internal/source ./examples
	go tool staticcheck ./...
	go tool staticcheck -tags samba ./internal/source ./examples
	@found="$$(go tool gofumpt -l .)"; \
	[ -z "$$found" ] || { echo "not formatted; run go tool gofumpt -w on:"; echo "$$found"; exit 1; }
	@# modernc.org/sqlite is made for one version of its C library, and no other.
	@want="$$(awk '$$1 == "modernc.org/libc" {print $$2}' "$$(go list -m -f '{{.GoMod}}' modernc.org/sqlite)")"; \
	got="$$(go list -m -f '{{.Version}}' modernc.org/libc)"; \
	[ -n "$$want" ] && [ "$$got" = "$$want" ] || { echo "modernc.org/libc is $$got, but modernc.org/sqlite wants $$want: go get modernc.org/libc@$$want"; exit 1; }
	@for script in .ci/*; do bash -n "$$script"; done

# Every fuzz target for FUZZTIME, or that of FUZZ alone, two at a time, and all of them
# even if one finds something. The first argument is a flag of go test.
define fuzz_each
lock="$$(mktemp)"; trap 'rm -f "$$lock"' EXIT; \
all="$$(grep -rE '^func Fuzz[A-Za-z0-9_]*\(' --include='*_test.go' . | sed -E 's|/[^/:]*:func (Fuzz[A-Za-z0-9_]*).*| \1|')"; \
these="$$(grep -E ' ($(FUZZ))$$' <<<"$$all" || true)"; \
if [[ -z $$these ]]; then printf 'no fuzz target is called %s; make fuzz runs them all, make fuzz FUZZ=NAME FUZZTIME=1m one of these:\n%s\n' '$(FUZZ)' "$$all" >&2; exit 1; fi; \
xargs -P 2 -L 1 .ci/fuzz $(1) $(FUZZTIME) "$$lock" <<<"$$these" || \
{ echo 'a fuzz target has failed: what it says above names it and the input it has found; make fuzz FUZZ=NAME runs it alone' >&2; exit 1; }
endef

fuzz:
	@$(call fuzz_each,-v)

# The program as it is shipped beside an expert's SQL; see internal/bench. The
# tables go to internal/bench/RESULTS.md where all cases were asked for.
bench: build
	@.ci/packages
	@go build -o "$${TMPDIR:-/tmp}/rollcall-bench.$$$$" ./internal/bench && trap 'rm -f "$${TMPDIR:-/tmp}/rollcall-bench.$$$$"' EXIT && \
	"$${TMPDIR:-/tmp}/rollcall-bench.$$$$" -rollcall ./rollcall -sizes '$(SIZES)' -engines '$(ENGINES)' -runs $(RUNS) -only '$(ONLY)' -out internal/bench/RESULTS.md

# Of the packages that have benchmarks; what it prints is for benchstat.
gobench:
	@all="$$(grep -rhoE '^func Benchmark[A-Za-z0-9_]*' --include='*_test.go' . | sed 's/^func Benchmark//' | sort -u)"; named='$(BENCH)'; \
	sed 's/^/Benchmark/' <<<"$$all" | grep -qE -- "$${named%%/*}" || { printf 'no benchmark is called %s; make gobench runs them all, make gobench BENCH=NAME one of these:\n%s\n' "$$named" "$$all" >&2; exit 1; }
	go test -run '^$$' -bench '$(BENCH)' -benchmem $$(grep -rl '^func Benchmark' --include='*_test.go' . | xargs -n 1 dirname | sort -u)

# The race detector is written in C, so this needs gcc.
race: export CGO_ENABLED := 1
race:
	go test -race -timeout 20m ./...
