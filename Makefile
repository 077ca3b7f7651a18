# What developers and CI run. `make test` tests the program; `make check` is all that a change has to
# pass.

GO      ?= go
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# Tools are built from their own modules, so that go.mod knows nothing of them. Newer versions of goreleaser want a newer Go.
GOLANGCI    = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.11.4
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
GORELEASER  = github.com/goreleaser/goreleaser/v2@v2.16.0
SBOM        = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
KO          = github.com/google/ko@v0.19.1

# The race detector needs a C compiler; without one the tests run all the same.
RACE = $(if $(shell command -v "$$($(GO) env CC)" 2>/dev/null),-race)

# How often each fuzz target runs, or how long: 1m. Its seeds run in every `go test`. A number, because go test takes the end of a short time
# for a failure now and then (golang/go#75804).
FUZZTIME ?= 2000x
GUIDED    = $(if $(filter 2000x,$(FUZZTIME)),,-fuzz=.)

# How the program and FerretDB are built. Vet and lint look at the same, so that nothing is compiled twice on a machine with an empty cache.
STATIC = CGO_ENABLED=0 GOFLAGS=-trimpath

.PHONY: build test check format vet lint releasable race ferretdb fuzz soak vulncheck test-hosts test-cfssl test-validate test-rules test-cluster \
	bench bench-keep bench-peers update demo servers parity man release release-twice image test-image clean

# One static binary that holds no path of the machine that built it.
build:
	$(STATIC) $(GO) build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tykmesh ./cmd/tykmesh

# The program's tests, and nothing else. -short shortens random walks and leaves out the tests that
# need a MongoDB, unless FerretDB has been built before: building it takes minutes. check runs all.
test:
	$(STATIC) $(GO) test -short -vet=off -p 4 -timeout 10m ./...

# All that a change has to pass, the cheapest first.
check:
	@for part in format vet lint releasable race fuzz; do \
		echo "== $$part"; start=$$(date +%s); \
		$(MAKE) --no-print-directory $$part || exit 1; \
		echo "== $$part: $$(($$(date +%s) - start)) s"; \
	done

format:
	@bad=$$(gofmt -l cmd inject dashboard ca $(wildcard testdata/*/*.go testdata/*/*/*.go)); if [ -n "$$bad" ]; then echo "gofmt differs:"; echo "$$bad"; exit 1; fi

vet:
	$(STATIC) $(GO) vet ./... ./testdata/servers
	$(STATIC) $(GO) vet -C testdata/ferretdb ./...
	$(STATIC) $(GO) vet -C testdata/release ./...

lint:
	$(STATIC) $(GO) run $(GOLANGCI) run ./...

# Reads .goreleaser.yaml as goreleaser does, without building all of it.
releasable:
	$(STATIC) $(GO) run -C testdata/release . ../../.goreleaser.yaml

# Every test in full, with the race detector. More packages at once than there are cores, because
# tests wait for servers too.
race: ferretdb
	$(GO) test $(RACE) -p 4 -timeout 10m ./...

# Compiles what tests talk to as MongoDB, as they build it, before the time of any test counts.
ferretdb:
	$(STATIC) $(GO) build -C testdata/ferretdb -ldflags '-s -w' -o /dev/null .

# Every fuzz target, one after the other: go test fuzzes only one at a time. The short run of make check goes without what guides a fuzzer to new code,
# because for that all that is used would have to be compiled once more; a longer one has it, and goes on where the last one ended.
fuzz:
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	for package in $$(grep -rlE --include='*_test.go' '^func Fuzz' cmd inject dashboard ca | xargs -n 1 dirname | sort -u); do \
		$(STATIC) $(GO) test -c $(GUIDED) -o "$$folder/fuzz.test" ./$$package || exit 1; \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]+).*/\1/p' $$package/*_test.go | sort); do \
			echo "$$package $$target"; \
			(cd $$package && "$$folder/fuzz.test" -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 100x \
				-test.fuzzcachedir $(if $(GUIDED),"$$($(GO) env GOCACHE)/fuzz/$$package","$$folder/$$package")) || exit 1; \
		done; \
	done

# Manifests that people write, change, have injected, change again and take back, for as long as SOAK says. A failure names its seed.
SOAK ?= 1h
soak:
	$(GO) test -count=1 -timeout 0 -run '^TestSoak$$' -v ./inject -soak $(SOAK) $(if $(SOAK_SEED),-soakseed $(SOAK_SEED))

# Whether what is used has known vulnerabilities. Opt-in, because the database is asked for over the network, which not every machine lets it.
vulncheck:
	$(STATIC) $(GO) run $(GOVULNCHECK) ./...

# Helm and kustomize, really running the program: both are built first, which takes minutes the first time.
test-hosts:
	TYKMESH_TEST_HOSTS=1 $(GO) test -count=1 -timeout 30m -run '^TestHosts$$' ./cmd/tykmesh

# CFSSL, really serving what ca init writes to a mesh, and the schemas of Kubernetes on all manifests that are printed: both are built first. The
# test is compiled as the program is, because CI has done that before.
test-cfssl:
	$(STATIC) TYKMESH_TEST_CFSSL=1 $(GO) test -count=1 -timeout 30m -run '^TestCFSSL$$' ./cmd/tykmesh

test-validate:
	TYKMESH_TEST_VALIDATE=1 $(GO) test -count=1 -timeout 30m -run '^TestValidate$$' ./cmd/tykmesh

# The rules that lead a pod's calls to its sidecar, set up as the init container does, in network namespaces: as root, with iptables, nftables and
# busybox from Debian.
test-rules:
	TYKMESH_TEST_RULES=1 $(GO) test -count=1 -timeout 10m -v -run '^TestRules$$' ./inject/sidecar

# Kubernetes, really taking what the program prints: an API server, its controllers and kubectl are built first, and etcd is Debian's.
test-cluster:
	$(STATIC) TYKMESH_TEST_CLUSTER=1 $(GO) test -count=1 -timeout 60m -run '^TestCluster$$' ./cmd/tykmesh

# What everything costs, beside what it cost when a result was kept: some minutes, on a machine that does nothing else. Benchstat says ~ where
# the difference may be chance; what is not, and is more than 5 %, stands in a list at the end. It comes from its own module, as the linter does.
BENCHSTAT = $(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da -ignore commit,toolchain
MACHINE   = echo "commit: $(VERSION)"; echo "toolchain: $$($(GO) env GOVERSION)"
KEPT      = testdata/bench/kept.txt

bench:
	@mkdir -p bin
	@{ $(MACHINE); $(GO) test -run '^$$' -bench . -count 6 -benchtime 300ms -timeout 30m ./...; } > bin/bench.txt || { cat bin/bench.txt; exit 1; }
	@$(BENCHSTAT) $(addprefix kept=,$(wildcard $(KEPT))) now=bin/bench.txt > bin/table.txt
	@cat bin/table.txt
	@awk -f testdata/bench/worse.awk bin/table.txt

# Makes the last result the one that others are compared with, and keeps that of bench-peers beside it.
bench-keep:
	cp bin/bench.txt $(KEPT)
	@if [ -f bin/peers.txt ]; then cp bin/peers.txt $(dir $(KEPT)); fi

# What people would take instead, as ratios to this program. Kubernetes, for its kubectl, and kustomize are built first. The tools take turns, so that
# whatever else the machine does is no tool's alone.
bench-peers:
	@mkdir -p bin
	@{ $(MACHINE); for turn in 1 2 3 4 5 6; do \
		TYKMESH_BENCH_PEERS=1 $(GO) test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 300ms -timeout 30m ./cmd/tykmesh || exit 1; \
	done; } > bin/peers.txt || { cat bin/peers.txt; exit 1; }
	@$(BENCHSTAT) -col /tool bin/peers.txt
	@$(BENCHSTAT) -col /tool -format csv bin/peers.txt 2> /dev/null | awk -f testdata/bench/ratios.awk

# Writes what the golden files are compared with, where tests know the flag. Read the diff before you commit it.
update:
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' cmd inject dashboard ca | xargs -n 1 dirname | sort -u | sed 's|^|./|') -update

demo: build
	@testdata/demo.sh bin/tykmesh

# A Dashboard and a CFSSL to try it with, without Tyk and without Kubernetes, until Ctrl-C. CA=DIR is a CA that ca init made.
servers:
	@$(GO) run ./testdata/servers $(if $(CA),-ca $(CA))

# Recorded runs of the original webhook, for those who have them beside the checkout.
parity: build
	$(GO) run -C ../shared/parity . -bin $(CURDIR)/bin/tykmesh

# Manual pages in bin/man, one for each command and topic. make release puts them into the archives.
man: build
	rm -rf bin/man
	$(STATIC) $(GO) run -C testdata/release ./man ../../bin/tykmesh ../../bin/man

# Archives of static binaries for all systems, checksums, SBOMs and the manifest for krew, in bin/release; nothing is published. goreleaser and what it
# calls are built first, which takes minutes the first time. It wants an address to fetch from, which not every checkout has, and uses none.
release:
	GOBIN=$(CURDIR)/bin $(STATIC) $(GO) install $(SBOM)
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://github.com/tykmesh/tykmesh \
		$(STATIC) $(GO) run $(GORELEASER) release --snapshot --clean
	$(STATIC) $(GO) tool -C testdata/release validate-krew-manifest -skip-install -manifest ../../bin/release/krew/tykmesh.yaml

# Shows that what is committed gives the same archives, byte for byte, wherever, in which time zone and with which umask it is built.
release-twice:
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; set -e; \
	git clone --quiet . "$$folder/one"; $(MAKE) -C "$$folder/one" release; \
	umask 077; git clone --quiet . "$$folder/another"; TZ=Pacific/Auckland $(MAKE) -C "$$folder/another" release; \
	cd "$$folder"; cat one/bin/release/checksums.txt; \
	for file in checksums.txt krew/tykmesh.yaml; do cmp "one/bin/release/$$file" "another/bin/release/$$file"; done

# A container image of tykmesh alone, an OCI layout in bin/image; with KO_DOCKER_REPO it is pushed there. The base is any that has the certificates of
# public CAs, and need not have more.
image:
	@[ -n "$(KO_DEFAULTBASEIMAGE)" ] || { echo "name the base image: make image KO_DEFAULTBASEIMAGE=IMAGE" >&2; exit 2; }
	rm -rf bin/image
	VERSION=$(VERSION) $(STATIC) $(GO) run $(KO) build --bare --sbom none --image-user 65532:65532 --push=$(if $(KO_DOCKER_REPO),true,false) \
		--oci-layout-path bin/image ./cmd/tykmesh

# That image, built on an empty base and run as the sample of a CronJob runs it: as root, because that takes a root directory of its own.
test-image:
	@testdata/image.sh

clean:
	rm -rf bin
