# Two commands are all you need: `make run` and `make test`.

BIN := target/debug/helios

.DEFAULT_GOAL := help
.PHONY: help run build test bench needs

help:
	@echo "make run    build Helios and start it with a made-up shop stream (data in ./helios-data)"
	@echo "make test   run everything that must hold, real servers included"
	@echo "make bench  measure ingest, freshness and queries on this machine"

run: build
	@exec $(BIN) demo

build: needs
	@if [ ! -x $(BIN) ]; then echo "Building Helios: about 400 crates, once; some ten minutes on two cores. Later starts take a second."; fi
	@cargo build --bin helios

test: needs
	@tests/run

bench: build
	@$(BIN) bench ingest && $(BIN) bench freshness && $(BIN) bench query

needs:
	@tests/needs
