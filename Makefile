# Two commands are all you need: `make run` and `make test`.

BIN := target/debug/helios

.DEFAULT_GOAL := help
.PHONY: help run build app test bench needs

# What the web app is built from; it is built anew when one of these is newer.
APP_SOURCES := $(shell find ui -type d \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)

help:
	@echo "make run    build Helios and start it with a made-up shop stream (data in ./helios-data)"
	@echo "make test   run everything that must hold, real servers included"
	@echo "make bench  measure Helios beside chDB and DuckDB on this machine (about two hours)"

run: build
	@exec $(BIN) demo

build: needs app
	@if [ ! -x $(BIN) ]; then echo "Building Helios: some 500 crates, once; about twelve minutes on two cores. Later starts take a second."; fi
	@cargo build --bin helios

# The binary carries the web app, and works without it: a page then says how to build it.
app:
	@if ! command -v npm >/dev/null; then echo "Node is not installed: starting without the web app (install Node 20.19 or newer to have it)."; \
	elif ! $(MAKE) --no-print-directory ui/dist/index.html; then echo "The web app was not built (see above): starting without it."; fi

ui/dist/index.html: ui/node_modules/.package-lock.json $(APP_SOURCES)
	@echo "Building the web app."
	@npm --prefix ui run --silent build

ui/node_modules/.package-lock.json: ui/package-lock.json
	@npm --prefix ui ci --no-audit --no-fund --loglevel=error
	@touch $@

test: needs app
	@tests/run

# The released builds of the others are optimised, so Helios is too: its release build takes some 25 minutes on two cores, once.
bench: needs app
	@cargo build --release --bin helios
	@bench/run --out docs/bench

needs:
	@tests/needs
