# restreamd. `make` alone lists what can be done.

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
SOURCES  := cmd ingest recorder relay scripts
ARGS     ?=

# Pinned, so that a new linter breaks the build only when somebody asks for it.
LINT_VERSION := v2.15.0
LINT         := .bin/golangci-lint-$(LINT_VERSION)

.DEFAULT_GOAL := help
.PHONY: help run build test soak lint fmt bench fuzz fuzz-door demo clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Install ffmpeg if it is missing, build, and serve (ARGS="--config restreamd.yml")
	@scripts/install-ffmpeg.sh
	bin/restreamd serve $(ARGS)

# Static, so that it runs on any Linux, whatever its libc.
build: ## Build bin/restreamd
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION)" -o bin/restreamd ./cmd/restreamd

test: ## Run every test with the race detector, with real ffmpeg and GStreamer
	@scripts/install-test-deps.sh
	CGO_ENABLED=1 go test -race -count=1 -timeout 15m ./...

soak: ## Hold, flaps, kills and playlists at the length of a broadcast, and a real browser watching (40 min or more)
	@RESTREAMD_BROWSER=1 scripts/install-test-deps.sh
	RESTREAMD_LONG=1 RESTREAMD_BROWSER=1 CGO_ENABLED=1 go test -race -count=1 -v -timeout 60m ./cmd/restreamd -run 'Lost|Flap|Backup|Held|Browser|Slate|Hold|Playlist|Outlives|Nobody'

lint: $(LINT) ## Check formatting, go vet and golangci-lint
	@unformatted=$$(gofmt -l $(SOURCES)); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv .bin/golangci-lint $@

fmt: ## Format the Go code
	gofmt -w $(SOURCES)

bench: build ## Measure, the shipped binary beside what it is compared with
	@scripts/install-ffmpeg.sh
	RESTREAMD_BINARY=$(CURDIR)/bin/restreamd go test -count=1 -run '^$$' -bench . -benchtime 1x ./cmd/...
	go test -count=1 -run '^$$' -bench . ./relay ./relay/flv ./relay/httpflv ./ingest

fuzz: ## Run every fuzz target for 10 s
	@scripts/fuzz.sh 10s

fuzz-door: ## Fuzz what strangers can reach for 60 s each: sniffing, AMF, session, FLV
	@scripts/fuzz.sh 60s FuzzSniff FuzzAMF FuzzSession FuzzReader

demo: build ## Watch a show go to two platforms on this machine (DEMO_SECONDS=20)
	@scripts/install-ffmpeg.sh
	go run ./scripts/demo bin/restreamd

clean: ## Remove what was built; recordings and keys in data stay
	rm -rf bin .bin
