# Everything is set up once: what is there and not older than what it was made from is left alone.

NODE := sh scripts/node.sh
TOOLS := .tools

.PHONY: help run demo-traffic test lint clients build bench bench-short soak setup node opa

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: setup ## serve the example world on 127.0.0.1:8181
	@exec $(NODE) src/main.ts

test: setup $(TOOLS)/bin/regal $(TOOLS)/bin/fsck ## run every test
	@sh scripts/install-prometheus.sh
	@sh scripts/install-permit-python.sh
	@$(NODE) scripts/test.ts

lint: setup $(TOOLS)/bin/regal ## types, lint and Rego checks only
	@$(NODE) scripts/test.ts --lint

clients: setup ## make clients of /openapi.json by five generators, compile them and ask by them; some minutes the first time
	@$(NODE) scripts/openapi-clients.ts

demo-traffic: setup ## fill the decision log with example traffic, for the reports
	@$(NODE) scripts/demo-traffic.ts

build: setup ## check facts and rules, build the policy bundle
	@$(NODE) src/cli/main.ts build

bench: setup ## measure beside OPA and Cerbos; an hour and a half, writes bench/RESULTS.md; ONLY=evidence, ONLY=others: a part
	@sh scripts/install-bench.sh
	@PATH="$$PWD/.tools/bin:$$PATH" $(NODE) bench/run.ts $(if $(ONLY),--only $(ONLY))

bench-short: setup ## the same tables from short rounds; writes nothing
	@sh scripts/install-bench.sh
	@PATH="$$PWD/.tools/bin:$$PATH" $(NODE) bench/run.ts --short

soak: setup ## the fault loops at full length, a quarter of an hour; SEED=… repeats one
	@$(NODE) scripts/soak.ts $(LOOPS)

setup: node_modules/.package-lock.json opa ## Node 24, packages, the pinned OPA

# Node 24 as an npm package, where the machine's own is older; it is no dependency of the library.
# Asked every time, not stamped: the machine's node may change.
node:
	@$(NODE) --version >/dev/null 2>&1 || sh scripts/install-node.sh

# npm writes this file last.
node_modules/.package-lock.json: package-lock.json | node
	npm ci --ignore-scripts --engine-strict=false --no-audit --no-fund --loglevel=error
	@touch $@

# Looked for every time, fetched or built only when there is none.
opa: | node
	@$(NODE) src/opa/toolchain.ts >/dev/null

# Written in Go: Regal lints the rules, fsck checks the log as any reader of tlog-tiles does. Without Go they are left
# out, and counted as skipped; when one can't be built, that is a failed test.
PACKAGE_regal := github.com/open-policy-agent/regal
PACKAGE_fsck := github.com/transparency-dev/tessera/cmd/fsck
$(TOOLS)/bin/regal $(TOOLS)/bin/fsck: $(TOOLS)/bin/%: tools/%/go.mod tools/%/go.sum
	@rm -f $@ && mkdir -p $(TOOLS)/bin
	@if command -v go >/dev/null 2>&1; then \
	  echo 'building $* (up to a minute the first time) …'; \
	  (cd tools/$* && GOFLAGS= GOWORK=off go build -o ../../$@.part $(PACKAGE_$*)) && mv $@.part $@ || echo '$* could not be built' >&2; \
	else echo 'Go is not installed: $* is left out'; fi
