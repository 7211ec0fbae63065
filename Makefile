# Everything is set up by its own target, once: a stamp is older than what it was made from, or nothing happens.

NODE := sh scripts/node.sh
TOOLS := .tools

.PHONY: help run test lint setup build bench soak

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

run: setup ## serve the example world on 127.0.0.1:8181
	@$(NODE) src/main.ts

test: setup $(TOOLS)/regal.stamp ## run every test
	@$(NODE) scripts/test.ts

lint: setup $(TOOLS)/regal.stamp ## types, lint and Rego checks only
	@$(NODE) scripts/test.ts --lint

build: setup ## check facts and rules, build the policy bundle
	@$(NODE) src/cli/main.ts build

bench: setup ## measure; writes bench/RESULTS.md
	@$(NODE) bench/run.ts

soak: setup ## the fault loops at full length
	@SLUICE_SOAK=10 $(NODE) node_modules/jest/bin/jest.js test/server test/log

setup: $(TOOLS)/node.stamp $(TOOLS)/modules.stamp $(TOOLS)/opa.stamp ## Node 24, packages, the pinned OPA

# Node 24 as an npm package, where the machine's own is older; it is no dependency of the library.
$(TOOLS)/node.stamp: scripts/node.sh
	@mkdir -p $(TOOLS)
	@sh scripts/node.sh --version >/dev/null 2>&1 || sh scripts/install-node.sh
	@touch $@

$(TOOLS)/modules.stamp: package-lock.json $(TOOLS)/node.stamp
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(TOOLS)/opa.stamp: src/opa/toolchain.ts $(TOOLS)/modules.stamp
	@$(NODE) scripts/opa.ts
	@touch $@

# Regal lints the rules; without Go it is left out, and counted as skipped.
$(TOOLS)/regal.stamp: tools/regal/go.mod tools/regal/go.sum
	@if command -v go >/dev/null 2>&1; then \
	  echo 'building regal …' && mkdir -p $(TOOLS)/bin && \
	  (cd tools/regal && go build -o ../../$(TOOLS)/bin/regal github.com/open-policy-agent/regal); \
	else echo 'Go is not installed: regal is left out'; fi
	@touch $@
