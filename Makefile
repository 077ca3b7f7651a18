# What developers and CI run. `make test` is all that a change has to pass.

GO      ?= go
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# The linter is built from its own module, so that go.mod knows nothing of it.
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.11.4

GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The race detector needs a C compiler; without one the tests run all the same.
RACE = $(if $(shell command -v "$$($(GO) env CC)" 2>/dev/null),-race)

# How often each fuzz target runs, or how long: 1m. Its seeds run in every `go test`. A number, because go test takes the end of a short time
# for a failure now and then (golang/go#75804).
FUZZTIME ?= 2000x

# How the program and FerretDB are built. Vet and lint look at the same, so that nothing is compiled twice on a machine with an empty cache.
STATIC = CGO_ENABLED=0 GOFLAGS=-trimpath

.PHONY: build test format vet lint unit ferretdb fuzz soak vulncheck test-hosts test-cfssl test-validate test-rules test-cluster bench update demo parity clean

# One static binary that holds no path of the machine that built it.
build:
	$(STATIC) $(GO) build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tykmesh ./cmd/tykmesh

test:
	@for part in format vet lint unit fuzz; do \
		echo "== $$part"; start=$$(date +%s); \
		$(MAKE) --no-print-directory $$part || exit 1; \
		echo "== $$part: $$(($$(date +%s) - start)) s"; \
	done

format:
	@bad=$$(gofmt -l cmd inject dashboard ca testdata/ferretdb); if [ -n "$$bad" ]; then echo "gofmt differs:"; echo "$$bad"; exit 1; fi

vet:
	$(STATIC) $(GO) vet ./...
	$(STATIC) $(GO) vet -C testdata/ferretdb ./...

lint:
	$(STATIC) $(GO) run $(GOLANGCI) run ./...

unit: ferretdb
	$(GO) test $(RACE) -timeout 10m ./...

# Compiles what tests talk to as MongoDB, as they build it, before the time of any test counts.
ferretdb:
	$(STATIC) $(GO) build -C testdata/ferretdb -ldflags '-s -w' -o /dev/null .

# Every fuzz target of every package, one after the other: go test fuzzes only one at a time.
fuzz:
	@grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' cmd inject dashboard ca | sort | while IFS=: read -r file target; do \
		package=./$$(dirname $$file); target=$${target#func }; \
		echo "$$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$package || exit 1; \
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

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Writes what the golden files are compared with, where tests know the flag. Read the diff before you commit it.
update:
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' cmd inject dashboard ca | xargs -n 1 dirname | sort -u | sed 's|^|./|') -update

demo: build
	@testdata/demo.sh bin/tykmesh

# Recorded runs of the original webhook, for those who have them beside the checkout.
parity: build
	$(GO) run -C ../shared/parity . -bin $(CURDIR)/bin/tykmesh

clean:
	rm -rf bin
