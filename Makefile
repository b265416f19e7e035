# make run    build what is needed and start Xinqiao on this machine
# make test   everything that must hold: Rust, catalog, web, browser, other people's SDKs
# make bench  ratios against the machine's own limit
# make attack what strangers would try: a campaign of forgeries, the time of refusals, attacks on a running gateway
# make budget what the generated SDK costs to compile, against its budget
# make dist   one archive for this platform, web pages inside
# make book   the book in Chinese and English, reference included
# make doc    the documentation of every crate; a link that leads nowhere is an error
# make package  packs every crate that is published and builds each from its archive, away from the repository
# make semver what a release breaks, compared with the last one
#
# make run ARGS="--app http://127.0.0.1:3000/wx"    passes flags on
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: run test bench attack dist book doc package semver web need-build need-test rust-tests catalog-checks web-tests e2e interop lint budget clean

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
PROFILE ?= dev
FOLDER := $(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
BINARY := $(TARGET)/$(FOLDER)/xinqiao
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)

run: need-build web
	$(CARGO) build --profile $(PROFILE) -p xinqiao-cli
	exec $(BINARY) dev $(ARGS)

# The steps of `make test`, in the order in which failures are cheapest.
test: need-test
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	{ $(MAKE) --no-print-directory web-tests && $(MAKE) --no-print-directory rust-tests && \
	  $(MAKE) --no-print-directory catalog-checks && $(MAKE) --no-print-directory e2e && \
	  $(MAKE) --no-print-directory interop; } 2>&1 | tee "$$log" && code=0 || code=$$?; \
	bash scripts/count "$$log" || code=1; exit $$code

need-build:
	@bash scripts/need build

need-test:
	@bash scripts/need test

web: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json web/package.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run --silent build
	@touch $@

web-tests: web
	cd web && npm test --silent

rust-tests: web
	$(CARGO) test --workspace --quiet
	$(CARGO) test --quiet -p xinqiao-wire --features serde
	$(CARGO) test --quiet -p xinqiao-samples --features registry
	$(CARGO) build -p xinqiao-cli

catalog-checks:
	$(CARGO) xtask codegen --check
	$(CARGO) xtask catalog check
	$(CARGO) xtask check

e2e: web
	$(CARGO) build --profile $(PROFILE) -p xinqiao-cli
	bash scripts/with-dev $(BINARY) -- npm --prefix web run --silent e2e
	node web/e2e/real-names.mjs $(BINARY)

interop:
	$(CARGO) build --profile $(PROFILE) -p xinqiao-cli
	XINQIAO=$(abspath $(BINARY)) python3 interop/run

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	$(CARGO) clippy -p xinqiao-samples --all-targets --features registry --quiet -- -D warnings

bench: need-build web
# Built apart: the bench's own feature of the gateway must not end up in the binary that is measured.
	$(CARGO) build --release -p xinqiao-cli
	$(CARGO) build --release -p xinqiao-bench
	$(TARGET)/release/xinqiao-bench $(ARGS)

# Bounded, and goes on where it stopped; fuzzing by itself is fuzz/run. ATTACK="--cases 5000000" for more.
attack: need-build
	$(CARGO) build --profile quick -p xinqiao-cli
	$(CARGO) build --profile quick -p xinqiao-attack
	$(TARGET)/quick/xinqiao-attack campaign --state $(TARGET)/attack/campaign.json $(ATTACK)
	$(TARGET)/quick/xinqiao-attack timing
	XINQIAO=$(abspath $(TARGET)/quick/xinqiao) python3 interop/attack/run

budget:
	bash scripts/budget

dist: need-build web
	$(CARGO) build --release -p xinqiao-cli
	bash scripts/archive $(TARGET)/release/xinqiao

# Pages are written and their links followed; the builder is installed below the target folder if it is not there.
book:
	MDBOOK=$$(bash scripts/tool mdbook 0.5.4 --no-default-features --features search) && export MDBOOK && $(CARGO) xtask book

# With every feature: the task tables link into all products. The samples would only link everything once more.
doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --exclude xinqiao-samples --all-features --no-deps --quiet

package: web
	bash scripts/package $(ARGS)

semver:
	bash scripts/semver $(ARGS)

clean:
	$(CARGO) clean
	rm -rf web/dist web/node_modules interop/.cache dist
