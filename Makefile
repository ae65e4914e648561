# make run    build everything, fill the demo district on the first start, open the portal
# make test   everything: both database engines, race, front end, browser
# make check  the inner loop: format, vet, lint, house rules, unit tests on SQLite
# make gen    write the API client and the generated docs from the rooms' declarations
# make bench  measure and write docs/benchmarks.md
# make demo   make the demo district anew in data/demo
SHELL := /bin/bash
DATA ?= data/demo
LISTEN ?= 127.0.0.1:8080
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# What is compiled does not depend on the folder, so every clone shares one cache.
export GOFLAGS += -trimpath

.PHONY: run test check gen bench demo build web setup clean

run: build
	@[ -e $(DATA)/qushu.db ] || ./bin/qushu demo --data $(DATA)
	./bin/qushu serve --data $(DATA) --listen $(LISTEN) --open

demo: build
	rm -rf $(DATA)
	./bin/qushu demo --data $(DATA)

build: web
	go build -ldflags "$(LDFLAGS)" -o bin/qushu ./cmd/qushu

# The front end is built again only when one of its files is newer than the last build.
web: web/dist/index.html
web/dist/index.html: web/package-lock.json $(shell find web/src web/public web/build web/index.html web/vite.config.ts web/package.json -type f 2>/dev/null)
	@scripts/setup build
	cd web && npm ci --no-audit --no-fund && npm run build
	@touch $@

check:
	@scripts/setup build
	@scripts/check

test:
	@scripts/setup test
	@scripts/test

gen: build
	@scripts/gen

bench: build
	@scripts/setup test
	@scripts/bench

clean:
	rm -rf bin web/dist/assets web/dist/index.html
