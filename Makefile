# Inferometer: every daily command. `make help` lists them.
# All of them set up what they need first; the second time that costs seconds and no network.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# The same flags everywhere, so that the Go build cache is shared.
export CGO_CFLAGS := -O2 -g -Wno-deprecated-declarations
export CGO_ENABLED := 1
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

# Also in a checkout that belongs to another user, as containers have it.
GIT := git -c safe.directory='*'

TAGS        := sqlite_fts5
# With those of the tests that make test builds on its own, so that vet and lint see them too.
ALL_TAGS    := $(TAGS),realengine,acceptance,release,simulate
WINDOW_TAGS := desktop,production,webkit2_41,$(TAGS)
VERSION     := $(shell $(GIT) describe --tags --match 'v[0-9]*' --dirty 2>/dev/null | sed 's/^v//' | grep . || echo 0.1.0-dev)
COMMIT      := $(shell $(GIT) rev-parse --short=12 HEAD 2>/dev/null)
MODULE      := github.com/inferometer/inferometer
# -z lazy: the NVIDIA library is looked for at run time and may be absent.
LDFLAGS     := -s -w -extldflags=-Wl,-z,lazy -X $(MODULE)/app.Version=$(VERSION) -X $(MODULE)/app.Commit=$(COMMIT)

HEADLESS := build/bin/inferometer-headless
WINDOW   := build/bin/inferometer
E2E      := .cache/bin/inferometer-e2e
ENGINE_DIR := .engine
# ENGINE=native compiles the engine here; it stands beside the other one.
ENGINE_READY := $(ENGINE_DIR)/.ready$(if $(ENGINE),-$(ENGINE))
NODE_READY := frontend/node_modules/.package-lock.json
WEB      := frontend/dist/index.html
GO_FILES := $(shell find main.go app backend -type f -not -name '*_test.go' -not -path '*/testdata/*') go.mod go.sum
WEB_FILES := $(shell find frontend/src frontend/index.html frontend/*.ts frontend/*.js frontend/public -type f 2>/dev/null)
PACKAGES := . ./app/... ./backend/... ./build/...
TALLY    := .cache/bin/tally

.PHONY: help run engine setup build package check test lint fmt clean ready bench simulate \
        test-setup test-format test-vet test-go test-release test-real test-acceptance test-types \
        test-web test-browser test-window contract fuzz audit

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up what is missing and start Inferometer
	@build/run.sh

engine: $(ENGINE_READY) # for build/run.sh

setup: $(NODE_READY) $(ENGINE_READY) ## Fetch all dependencies, the engine and the starter model

build: $(WINDOW) $(HEADLESS) ## Build build/bin/inferometer (window) and inferometer-headless

package: build ## Make build/dist/inferometer_VERSION_ARCH.deb and a tar.gz for servers
	@build/linux/package.sh "$(VERSION)"

check: $(NODE_READY) ## Quick check before a commit: format, vet, unit tests, types
	@build/formatted.sh
	go vet -tags $(ALL_TAGS) $(PACKAGES)
	go test -tags $(TAGS) $(PACKAGES)
	cd frontend && npm run check && npm test

lint: $(NODE_READY) ## Run the slower linters (fetches golangci-lint the first time)
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run --build-tags $(ALL_TAGS) $(PACKAGES)
	cd frontend && npm run lint

fmt: ## Format the Go code
	gofmt -w main.go app backend build

bench: $(HEADLESS) ## Measure the program's own error and cost against the ground-truth server, then simulate (BENCH=flags: that part alone)
	@go build -o .cache/bin/groundtruth ./build/groundtruth
	@go build -tags $(TAGS) -o .cache/bin/bench ./build/bench
	@.cache/bin/bench -program $(HEADLESS) -groundtruth .cache/bin/groundtruth $(BENCH)
	@if [ -z "$(BENCH)" ]; then $(MAKE) --no-print-directory simulate; fi

contract: $(HEADLESS) .cache/contract/.ready ## Hold the program to its OpenAPI document with thousands of made requests (Python)
	@go build -o .cache/bin/groundtruth ./build/groundtruth
	@build/contract.sh $(HEADLESS) .cache/bin/groundtruth .cache/contract $(CONTRACT)

.cache/contract/.ready: build/contract.txt
	@echo "Fetching what the contract test is made of"
	@rm -rf .cache/contract && python3 -m venv .cache/contract
	@.cache/contract/bin/pip install -q --disable-pip-version-check -r build/contract.txt
	@touch $@

fuzz: ## Run every fuzzer for a short time each (FUZZ=1m for longer)
	@TIME=$(or $(FUZZ),10s) build/fuzz.sh $(TAGS) app backend

audit: $(NODE_READY) ## Look for known vulnerabilities and usual mistakes: govulncheck, npm audit, gosec
	@build/audit.sh $(TAGS)

simulate: ## Simulate comparisons, stopping, intervals and change points 2,000 times each, and print their error rates
	@go test -count=1 -tags simulate -run Simulation -v ./backend/stats/infer

pictures: build $(NODE_READY) $(ENGINE_DIR)/.ready ## Take the pictures of README and docs anew (ONLY=compare sweep trends runs)
	INFEROMETER_BIN="$(CURDIR)/$(HEADLESS)" npm --prefix frontend run pictures -- $(ONLY)

clean: ## Remove what was built; dependencies and the engine stay
	rm -rf build/bin build/dist .cache frontend/dist/assets frontend/dist/index.html

# ---- tests ---------------------------------------------------------------------------------

# Each suite runs to its end, whatever the others did; the last step counts them all and fails
# when one failed or left no result.
SUITES := setup format vet go release real acceptance types web browser window

test: ## Run every test, with its own set-up; ends with "N passed, N failed"
	@build/need.sh
	@$(MAKE) --no-print-directory $(TALLY)
	@rm -rf .cache/tests
	@for suite in $(SUITES); do $(MAKE) --no-print-directory test-$$suite || true; done
	@$(TALLY) sum $(SUITES)

test-setup: $(TALLY)
	@$(TALLY) run setup step $(MAKE) --no-print-directory ready

ready:
	@build/need.sh window fetch test
	@$(MAKE) --no-print-directory -k build $(E2E) setup

test-format: $(TALLY)
	@$(TALLY) run format exit build/formatted.sh

test-vet: $(TALLY)
	@$(TALLY) run vet exit go vet -tags $(ALL_TAGS) $(PACKAGES)

test-go: $(TALLY) ## Go tests with the race detector
	@$(TALLY) run go gotest go test -json -race -tags $(TAGS) -timeout 20m $(PACKAGES)

test-release: $(TALLY) $(WINDOW) $(HEADLESS) $(E2E) ## The release binaries are linked as they must be
	@$(TALLY) run release gotest go test -json -count=1 -tags release ./build/release

test-real: $(TALLY) .cache/real/models ## Tests that drive a true engine and model
	@INFEROMETER_ENGINE_DIR="$(CURDIR)/.cache/real" INFEROMETER_INSTALL_DIR="$(CURDIR)/$(ENGINE_DIR)" \
	  $(TALLY) run real gotest go test -json -count=1 -p 1 -tags $(TAGS),realengine -run Real \
	  $$(grep -rl --include=*_test.go '^//go:build.*realengine' app backend | xargs -n1 dirname | sort -u | sed 's|^|./|')

test-acceptance: $(TALLY) $(HEADLESS) $(ENGINE_READY) ## The finished program against its contract
	@INFEROMETER_BIN="$(CURDIR)/$(HEADLESS)" \
	  $(TALLY) run acceptance gotest go test -json -count=1 -tags $(TAGS),acceptance -timeout 20m ./build/acceptance/...

test-types: $(TALLY) $(NODE_READY)
	@$(TALLY) run types exit npm --prefix frontend run check

test-web: $(TALLY) $(NODE_READY) ## Unit tests of the interface
	@$(TALLY) run web vitest npm --prefix frontend test --

test-browser: $(TALLY) $(NODE_READY) $(HEADLESS) $(ENGINE_READY) ## The interface in a real browser against the real program
	@INFEROMETER_BIN="$(CURDIR)/$(HEADLESS)" $(TALLY) run browser node npm --prefix frontend run test:e2e

test-window: $(TALLY) $(NODE_READY) $(E2E) $(ENGINE_READY) ## The real window, driven through WebKit
	@INFEROMETER_E2E_BIN="$(CURDIR)/$(E2E)" $(TALLY) run window node npm --prefix frontend run test:window

# One engine and its models under fixed names, for tests that take a folder.
.cache/real/models: $(ENGINE_READY)
	@mkdir -p .cache/real
	@ln -sfn "$$(dirname "$$(find "$(CURDIR)/$(ENGINE_DIR)/engines" -not -path '*/.new-*' -name llama-server | sort | tail -1)")" .cache/real/bin
	@ln -sfn "$(CURDIR)/$(ENGINE_DIR)/models" .cache/real/models

# ---- files ---------------------------------------------------------------------------------

$(NODE_READY): frontend/package-lock.json
	@echo "Fetching what the interface is built with"
	@cd frontend && npm ci --no-audit --no-fund --no-update-notifier
	@touch $@

$(WEB): $(NODE_READY) $(WEB_FILES)
	@echo "Building the interface"
	@cd frontend && npm run --silent build -- --logLevel warn
	@touch $@ frontend/dist/.gitkeep

$(HEADLESS): $(GO_FILES) $(WEB)
	@echo "Building $@; the first time compiles everything"
	@go build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $@ .

$(WINDOW): $(GO_FILES) $(WEB)
	@build/need.sh window
	@echo "Building $@; the first time compiles everything"
	@go build -tags $(WINDOW_TAGS) -ldflags '$(LDFLAGS)' -o $@ .

# The window with WebKit's remote control; for tests, never shipped.
$(E2E): $(GO_FILES) $(WEB)
	@build/need.sh window
	@echo "Building $@; the first time compiles everything"
	@go build -tags $(WINDOW_TAGS),e2e -ldflags '$(LDFLAGS)' -o $@ .

$(ENGINE_READY): backend/library/catalogue.json | $(HEADLESS)
	@build/need.sh fetch $(ENGINE) || echo "Trying without the package registry."
	@$(HEADLESS) setup --dir $(ENGINE_DIR)
	@touch $@

$(TALLY): $(wildcard build/tally/*.go)
	@go build -o $@ ./build/tally
