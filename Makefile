# What developers and CI run. `make test` tests the program; `make check` is all that a change has to
# pass.

GO      ?= go
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# Tools are built from their own modules, which keeps them out of go.mod. Newer versions of
# goreleaser need a newer Go.
GOLANGCI    = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.11.4
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
GORELEASER  = github.com/goreleaser/goreleaser/v2@v2.16.0
SBOM        = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
COSIGN      = github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5
KO          = github.com/google/ko@v0.19.1

# The race detector needs a C compiler; without one the tests run all the same.
RACE = $(if $(shell command -v "$$($(GO) env CC)" 2>/dev/null),-race)

# How often each fuzz target runs, or how long: 1m. Its seeds run in every `go test`. The default is a
# number, because go test may take the end of a short time for a failure (golang/go#75804).
FUZZTIME ?= 2000x
GUIDED    = $(if $(filter 2000x,$(FUZZTIME)),,-fuzz=.)

# How the program, its tests and FerretDB are built. Vet and lint use the same flags, so that a machine
# with an empty cache compiles nothing twice.
STATIC = CGO_ENABLED=0 GOFLAGS=-trimpath

.PHONY: build test check format vet lint releasable race ferretdb fuzz soak vulncheck test-hosts test-ci test-cfssl test-validate test-rules test-cluster test-tyk test-page \
	bench bench-keep bench-peers update demo demo-standalone servers parity man share release release-twice sign image test-image test-packages test-install clean

# Builds one static binary, without paths of the machine that built it.
build:
	$(STATIC) $(GO) build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tykmesh ./cmd/tykmesh

# Runs the program's tests, and nothing else: tests of single packages first, those of the whole
# program last. -short shortens random walks; each request to a server fails in all ways. Tests that need
# a MongoDB run once make check has built it: FerretDB takes minutes to compile.
test:
	$(STATIC) TYKMESH_TEST_MONGO=built $(GO) test -short -vet=off -p 4 -timeout 10m \
		./inject/... ./ca/... ./dashboard/... ./cmd/internal/... ./cmd/tykmesh

# Runs all that a change has to pass, the cheapest first.
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
	$(STATIC) $(GO) vet -C testdata/certmanager ./...

lint:
	$(STATIC) $(GO) run $(GOLANGCI) run ./...

# Reads .goreleaser.yaml as goreleaser does, without building all of it, and tests what make release
# is made of.
releasable:
	$(STATIC) $(GO) run -C testdata/release . ../../.goreleaser.yaml
	$(STATIC) $(GO) test -C testdata/release ./...

# Runs the tests with MongoDB and the race detector, which makes them several times slower: random
# walks are short here too, and each request to a server fails in one way. `go test ./...` walks the
# long way. More packages at once than there are cores, because tests wait for servers too. Tests that
# only walk through many single documents, one after the other, run in make test alone.
WALKS = ^(TestListLaws|TestHostileInput|TestLiveLaw|TestAddedPortsKeepAll|TestCertManager)$$
race: ferretdb
	TYKMESH_TEST_FAULTS=some $(GO) test $(RACE) -short -p 4 -timeout 14m -skip "$(WALKS)" ./...

# Compiles FerretDB, the MongoDB of the tests, with the flags that they use, before the time of any
# test counts.
ferretdb:
	$(STATIC) $(GO) build -C testdata/ferretdb -ldflags '-s -w' -o /dev/null .

# Runs every fuzz target, one after the other: go test fuzzes only one at a time. The short run of
# make check has no coverage guidance, which would need all packages compiled once more. A longer run
# has it, and continues where the last one ended.
fuzz:
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	for package in $$(grep -rlE --include='*_test.go' '^func Fuzz' cmd inject dashboard ca | xargs -n 1 dirname | sort -u); do \
		$(STATIC) $(GO) test -c $(GUIDED) -o "$$dir/fuzz.test" ./$$package || exit 1; \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]+).*/\1/p' $$package/*_test.go | sort); do \
			echo "$$package $$target"; \
			(cd $$package && "$$dir/fuzz.test" -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 100x \
				-test.fuzzcachedir $(if $(GUIDED),"$$($(GO) env GOCACHE)/fuzz/$$package","$$dir/$$package")) || exit 1; \
		done; \
	done

# Writes, changes, injects, changes and takes back manifests at random, for the time SOAK, against the
# laws. A failure names its seed.
SOAK ?= 1h
soak:
	$(GO) test -count=1 -timeout 0 -run '^TestSoak$$' -v ./inject -soak $(SOAK) $(if $(SOAK_SEED),-soakseed $(SOAK_SEED))

# Looks for known vulnerabilities in dependencies. Opt-in, because it needs the network.
vulncheck:
	$(STATIC) $(GO) run $(GOVULNCHECK) ./...

# Runs the program from real Helm and kustomize, which it builds first: minutes the first time.
test-hosts:
	TYKMESH_TEST_HOSTS=1 $(GO) test -count=1 -timeout 30m -run '^TestHosts$$' ./cmd/tykmesh

# Gives the files for CI systems and the documents' workflows to actionlint, which it builds first, and
# to Debian's shellcheck.
test-ci:
	$(STATIC) TYKMESH_TEST_CI=1 $(GO) test -count=1 -timeout 30m -run '^TestCILint$$' ./cmd/tykmesh

# test-cfssl runs a real CFSSL with the files of ca init; test-validate holds all printed manifests to
# the schemas of Kubernetes. Both tools are built first.
test-cfssl:
	$(STATIC) TYKMESH_TEST_CFSSL=1 $(GO) test -count=1 -timeout 30m -run '^TestCFSSL$$' ./cmd/tykmesh

test-validate:
	TYKMESH_TEST_VALIDATE=1 $(GO) test -count=1 -timeout 30m -run '^TestValidate$$' ./cmd/tykmesh

# Tries the rules of the init container in network namespaces: as root, with Debian's iptables,
# nftables and busybox.
test-rules:
	TYKMESH_TEST_RULES=1 $(GO) test -count=1 -timeout 10m -v -run '^TestRules$$' ./inject/sidecar

# Applies printed manifests to a real API server with controllers, built first; etcd is Debian's.
test-cluster:
	$(STATIC) TYKMESH_TEST_CLUSTER=1 $(GO) test -count=1 -timeout 60m -run '^TestCluster$$' ./cmd/tykmesh

# Holds the API definitions of standalone mode to the gateway's own schema and types. TYK is a checkout
# of github.com/TykTechnologies/tyk, v5.14: the module proxy does not have it.
test-tyk:
	TYKMESH_TEST_TYK=$(abspath $(TYK)) $(GO) test -count=1 -timeout 30m -run '^TestTyk$$' ./inject/standalone

# Shows pages in a real browser: Debian's chromium, which root installs if it is not there. PICTURES is
# a directory for pictures of them, AXE a script of axe-core that judges them, and MERMAID a script of
# mermaid, which then draws the graphs of Markdown.
CHROMIUM ?= chromium
test-page:
	@command -v $(CHROMIUM) >/dev/null || { apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core; }
	TYKMESH_TEST_CHROMIUM=$(CHROMIUM) TYKMESH_TEST_PICTURES=$(if $(PICTURES),$(abspath $(PICTURES))) TYKMESH_TEST_AXE=$(if $(AXE),$(abspath $(AXE))) \
	TYKMESH_TEST_MERMAID=$(if $(MERMAID),$(abspath $(MERMAID))) \
		$(STATIC) $(GO) test -count=1 -timeout 10m -v -run '^TestChromium$$' ./cmd/internal/page

# Measures everything and compares it with the kept result: some minutes on an idle machine. Benchstat
# prints ~ where the difference may be chance. A list at the end has significant losses over 5 %.
BENCHSTAT = $(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da -ignore commit,toolchain
MACHINE   = echo "commit: $(VERSION)"; echo "toolchain: $$($(GO) env GOVERSION)"
KEPT      = testdata/bench/kept.txt

bench:
	@mkdir -p bin
	@{ $(MACHINE); $(GO) test -run '^$$' -bench . -count 6 -benchtime 300ms -timeout 30m ./...; } > bin/bench.txt || { cat bin/bench.txt; exit 1; }
	@$(BENCHSTAT) $(addprefix kept=,$(wildcard $(KEPT))) now=bin/bench.txt > bin/table.txt
	@cat bin/table.txt
	@awk -f testdata/bench/worse.awk bin/table.txt

# Keeps the last result, and that of bench-peers, for later comparisons.
bench-keep:
	cp bin/bench.txt $(KEPT)
	@if [ -f bin/peers.txt ]; then cp bin/peers.txt $(dir $(KEPT)); fi

# Measures kubectl, kustomize and kyaml as ratios to tykmesh. They are built first. The tools take
# turns, so that other load on the machine hits all of them.
bench-peers:
	@mkdir -p bin
	@{ $(MACHINE); for turn in 1 2 3 4 5 6; do \
		TYKMESH_BENCH_PEERS=1 $(GO) test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 300ms -timeout 30m ./cmd/tykmesh || exit 1; \
	done; } > bin/peers.txt || { cat bin/peers.txt; exit 1; }
	@$(BENCHSTAT) -col /tool bin/peers.txt
	@$(BENCHSTAT) -col /tool -format csv bin/peers.txt 2> /dev/null | awk -f testdata/bench/ratios.awk

# Writes the golden files. Read the diff before you commit it.
update:
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' cmd inject dashboard ca | xargs -n 1 dirname | sort -u | sed 's|^|./|') -update

demo: build
	@testdata/demo.sh bin/tykmesh

demo-standalone: build
	@testdata/demo-standalone.sh bin/tykmesh

# Serves a Dashboard and a CFSSL to try tykmesh with, until Ctrl-C. CA=DIR is a CA of ca init.
servers:
	@$(GO) run ./testdata/servers $(if $(CA),-ca $(CA))

# Compares with recorded runs of the original webhook, if they are beside the checkout.
parity: build
	$(GO) run -C ../shared/parity . -bin $(CURDIR)/bin/tykmesh

# Writes manual pages to bin/man, one for each command and topic, with the date of the commit. make
# release archives them.
man: build
	rm -rf bin/man
	$(STATIC) $(GO) run -C testdata/release ./man ../../bin/tykmesh ../../bin/man $(or $(shell git log -1 --format=%cs 2>/dev/null),1970-01-01)

# Writes what stands beside the binary in archives and packages to bin/share: the licences of all that
# it is linked from (NOTICES), completions, the schema of the configuration, compressed manual pages.
share: man
	rm -rf bin/share
	$(STATIC) $(GO) run -C testdata/release ./share ../../bin/tykmesh ../../bin/man ../../bin/share
	$(STATIC) $(GO) run -C testdata/release ./notices ../.. ../../bin/share/NOTICES

# Writes archives of static binaries for all systems, deb and rpm packages, checksums, SBOMs, the
# manifest for krew and a formula for Homebrew to bin/release; publishes nothing. goreleaser and its
# tools are built first: minutes the first time. goreleaser asks for a remote, which not every checkout
# has, and never uses it.
release:
	GOBIN=$(CURDIR)/bin $(STATIC) $(GO) install $(SBOM)
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://github.com/tykmesh/tykmesh \
		$(STATIC) $(GO) run $(GORELEASER) release --snapshot --clean
	$(STATIC) $(GO) tool -C testdata/release validate-krew-manifest -skip-install -manifest ../../bin/release/krew/tykmesh.yaml

# Signs the checksums with KEY: a P-256 key in PEM, which openssl signs with, or a key of cosign, which is
# built first. The signature and cosign.pub, the public key, are in bin/release then.
sign:
	@COSIGN="env $(STATIC) $(GO) run $(COSIGN)" testdata/release/sign.sh "$(KEY)" bin/release

# Shows that the commit gives the same archives, byte for byte, in another directory, time zone and
# umask. The other checkout is one of the first, because this one may get a commit meanwhile.
release-twice:
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; set -e; \
	git clone --quiet . "$$dir/one"; $(MAKE) -C "$$dir/one" release; \
	umask 077; git clone --quiet "$$dir/one" "$$dir/another"; TZ=Pacific/Auckland $(MAKE) -C "$$dir/another" release; \
	cd "$$dir"; cat one/bin/release/checksums.txt; \
	for file in checksums.txt krew/tykmesh.yaml homebrew/tykmesh.rb; do cmp "one/bin/release/$$file" "another/bin/release/$$file"; done

# Builds a container image of tykmesh alone, an OCI layout in bin/image, or pushes it to
# KO_DOCKER_REPO. The base image needs the certificates of public CAs, and nothing else. The licence
# notices are /var/run/ko/NOTICES in it: ko takes them from kodata.
image:
	@[ -n "$(KO_DEFAULTBASEIMAGE)" ] || { echo "name the base image: make image KO_DEFAULTBASEIMAGE=IMAGE" >&2; exit 2; }
	rm -rf bin/image
	@mkdir -p cmd/tykmesh/kodata
	$(STATIC) $(GO) run -C testdata/release ./notices ../.. ../../cmd/tykmesh/kodata/NOTICES
	trap 'rm -rf cmd/tykmesh/kodata' EXIT; VERSION=$(VERSION) $(STATIC) $(GO) run $(KO) build --bare --sbom none --image-user 65532:65532 --push=$(if $(KO_DOCKER_REPO),true,false) \
		--oci-layout-path bin/image ./cmd/tykmesh

# Builds that image on an empty base and runs it as the CronJob sample does. As root, because it needs
# a root directory of its own.
test-image:
	@testdata/image.sh

# Installs and runs what make release made, in a directory of its own: with dpkg, rpm, ruby and unzip.
test-packages:
	@testdata/release/packages.sh

# Installs the last commit with go install, from a module proxy in a directory.
test-install:
	TYKMESH_TEST_INSTALL=1 $(GO) test -C testdata/release -count=1 -timeout 30m -run '^TestInstall$$' .

clean:
	rm -rf bin
