# make demo    build, make the demo city, settle a year of it, let its people live a month
# (everything is built together: a part by itself would ask other features of what it shares, and build that twice)
# make test    all tests, on SQLite and on a PostgreSQL of their own
# make check   format, lints, documentation, the order of the house
# make bench   speed, beside peers
# make lab-test LAB=folder  connector and program against a real OpenStack of one's own (see docs/ops/openstack.md)
# make api-fuzz the HTTP API held against its own document, as every role (see docs/ops/api.md)
# make release the binary to ship

SHELL := /bin/sh
CARGO ?= cargo
TOOLS := $(CURDIR)/.tools
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null || echo $(TOOLS)/bin/cargo-nextest)
export PATH := $(TOOLS)/bin:$(PATH)

.PHONY: demo build test check bench lab-test api-fuzz release setup-build setup-postgres setup-test

demo: build
	sh tests/demo.sh $(DEMO)

build: setup-build
	$(CARGO) build --locked --workspace

setup-build:
	@command -v $(CARGO) >/dev/null || { echo "需要 Rust 1.95（rustup 安装）"; exit 1; }
	@command -v cc >/dev/null || sh tests/install.sh gcc

setup-postgres:
	@sh tests/postgres.sh which >/dev/null 2>&1 || sh tests/install.sh postgresql

setup-test: setup-build setup-postgres
	@test -x "$(NEXTEST)" || $(CARGO) install --locked --root $(TOOLS) --version 0.9.143 cargo-nextest
	@sh tests/oidc/setup.sh

test: setup-test
	sh tests/run.sh

check: setup-build
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	$(CARGO) run --locked -q -p house

bench: setup-build setup-postgres
	bash benches/run.sh

lab-test: setup-test
	sh tests/lab.sh

api-fuzz: build
	sh tests/api_fuzz.sh

release: setup-build
	$(CARGO) build --locked --release -p yunheng
