# What developers and CI run. `make test` is all that a change has to pass.

GO      ?= go
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# The linter is built from its own module, so that go.mod knows nothing of it.
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.11.4

# The race detector needs a C compiler; without one the tests run all the same.
RACE = $(if $(shell command -v "$$($(GO) env CC)" 2>/dev/null),-race)

# How often each fuzz target runs, or how long: 1m. Its seeds run in every `go test`. A number, because go test takes the end of a short time
# for a failure now and then (golang/go#75804).
FUZZTIME ?= 2000x

# The environment in which ca/catest builds FerretDB.
FERRETDB = CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly

.PHONY: build test format vet lint unit ferretdb fuzz bench update demo parity clean

# One static binary that holds no path of the machine that built it.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tykmesh ./cmd/tykmesh

test:
	@for part in format vet lint unit fuzz; do \
		echo "== $$part"; start=$$(date +%s); \
		$(MAKE) --no-print-directory $$part || exit 1; \
		echo "== $$part: $$(($$(date +%s) - start)) s"; \
	done

format:
	@bad=$$(gofmt -l cmd inject dashboard ca testdata/ferretdb); if [ -n "$$bad" ]; then echo "gofmt differs:"; echo "$$bad"; exit 1; fi

vet:
	$(GO) vet ./...
	$(FERRETDB) $(GO) vet -C testdata/ferretdb -trimpath ./...

lint:
	$(GO) run $(GOLANGCI) run ./...

unit: ferretdb
	$(GO) test $(RACE) -timeout 10m ./...

# Compiles what tests talk to as MongoDB, as they build it, before the time of any test counts.
ferretdb:
	$(FERRETDB) $(GO) build -C testdata/ferretdb -trimpath -ldflags '-s -w' -o /dev/null .

# Every fuzz target of every package, one after the other: go test fuzzes only one at a time.
fuzz:
	@for package in $$($(GO) list ./...); do \
		targets=$$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); \
		for target in $$targets; do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$package || exit 1; \
		done; \
	done

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
