# Latchkey: make run, make test. `make help` lists the rest.
SHELL := /bin/bash
# The npm package node carries a supported Node.js, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export REDOCLY_TELEMETRY := off
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true

FUNCTIONS := $(notdir $(patsubst %/,%,$(wildcard functions/*/)))
# Without net/rpc, which Lambda's first Go runtime used, and without HTTP/2,
# which neither the Runtime API nor DynamoDB speaks: 140 KB of each zip.
BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 -ldflags '-s -w'
PORT ?= 8080
DATA_DIR ?= .data
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOTESTSUM := gotest.tools/gotestsum@v1.13.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
OASDIFF := github.com/oasdiff/oasdiff@v1.36.0

.PHONY: help
help: ## what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

node_modules/.package-lock.json: package.json web/package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB := $(shell find web/src -type f) web/index.html web/vite.config.ts web/tsconfig.json
build/web/index.html: node_modules/.package-lock.json $(WEB)
	@tsc -p web && vite build --logLevel warn web

.PHONY: build
build: build/web/index.html ## build the dashboard, and the functions for this machine, into build
	@mkdir -p build/local
	@for f in $(FUNCTIONS); do $(BUILD) -o build/local/$$f/bootstrap ./functions/$$f || exit 1; done

.PHONY: run
run: node_modules/.package-lock.json build ## the whole service on this machine (PORT=8080, DATA_DIR=.data)
	@go build -o build/latchkey ./infra/local/latchkey
	@exec build/latchkey dev -port $(PORT) -data $(DATA_DIR)

.PHONY: invoke
invoke: node_modules/.package-lock.json build ## one function on a sample event: FN=invite EVENT=events/invite.json
	@go run ./infra/local/invoke -function "$(FN)" -event "$(EVENT)"

# Up to three tests that fail are run once more, and listed: databases, Node.js
# and the functions share two cores.
.PHONY: test
test: node_modules/.package-lock.json build lint ## every test
	@command -v cfn-lint >/dev/null || echo 'cfn-lint is not installed (pip install cfn-lint): the template is not linted'
	@mkdir -p build && rm -f build/flaky.txt
	go run $(GOTESTSUM) --format pkgname-and-test-fails --jsonfile build/tests.json --rerun-fails=1 --rerun-fails-max-failures=3 --rerun-fails-run-root-test --rerun-fails-report build/flaky.txt --packages ./... -- -timeout 20m
	@if test -s build/flaky.txt; then echo 'Failed once and passed then, each of them a defect to find:'; cat build/flaky.txt; fi
	@echo 'The tests that took longest:'; go run $(GOTESTSUM) tool slowest --num 15 --jsonfile build/tests.json
	@$(MAKE) --no-print-directory test-web

.PHONY: test-web
test-web: build ## the dashboard in Chromium, against the stack as make run runs it
	@openapi-typescript openapi.yaml --check -o web/src/openapi.d.ts >/dev/null || { echo 'openapi.yaml has changed: run make golden'; exit 1; }
	@go build -o build/latchkey ./infra/local/latchkey
	@if command -v chromium >/dev/null; then CHROMIUM=$$(command -v chromium) playwright test -c web; else echo 'Chromium is not installed (apt-get install chromium): the tests in web/tests are left out'; fi

.PHONY: demo
demo: node_modules/.package-lock.json ## fill the stack that make run runs with a workspace of 200 people (PORT=8080)
	@PORT=$(PORT) node web/demo.ts

.PHONY: screenshots
screenshots: build ## take the README's pictures anew
	@go build -o build/latchkey ./infra/local/latchkey
	@mkdir -p docs/screenshots && SCREENSHOTS=1 playwright test -c web screenshots

.PHONY: race
race: node_modules/.package-lock.json build ## every test but the cloud's, under the race detector
	go test -race $$(go list ./... | grep -v infra/cloud) -timeout 20m

OPERATIONS ?= 5000
SEED ?= 0
FOR ?= 0s
.PHONY: soak
soak: node_modules/.package-lock.json build ## random loads while everything fails (OPERATIONS=5000 SEED=0 FOR=0s), 20,000 bad requests, mail under failure (an hour)
	go test ./tests/history -count 1 -v -timeout 0 -args -severe -crashes 10 -operations $(OPERATIONS) -seed $(SEED) -for $(FOR)
	go test ./tests/access -run TestBadRequests -count 1 -v -timeout 60m -args -requests 20000
	go test ./infra/local/soak -count 1 -v -timeout 60m -args -people 2000 -faults 3m -limit 15m -burst 10000 | grep -v '^{'

.PHONY: sbom
sbom: ## bills of materials (CycloneDX) of the Go modules and the npm packages, in build/sbom, and their licenses
	go mod verify
	@mkdir -p build/sbom
	go run $(CYCLONEDX) mod -json -licenses -noserial -notimestamp -output build/sbom/go.cdx.json
	npm sbom --package-lock-only --sbom-format cyclonedx >build/sbom/npm.cdx.json
	@go run ./infra/sbom build/sbom/go.cdx.json build/sbom/npm.cdx.json

.PHONY: release
release: node_modules/.package-lock.json build/web/index.html sbom ## what a release consists of, into build/release
	@go run ./infra/release -out build/release

# The second build has a clone, packages and a cache of its own.
.PHONY: release-check
release-check: release ## build the last commit's release twice and compare, bit for bit (half an hour)
	@test -z "$$(git status --porcelain)" || { echo 'Commit first: the second build is of the last commit.'; exit 1; }
	@again=$$(mktemp -d) && trap 'rm -rf "$$again"' EXIT && git clone -q . "$$again/latchkey" \
		&& GOCACHE="$$again/cache" $(MAKE) --no-print-directory -C "$$again/latchkey" release \
		&& diff build/release/SHA256SUMS "$$again/latchkey/build/release/SHA256SUMS" \
		&& echo "Both builds are the same, bit for bit: $$(wc -l <build/release/SHA256SUMS) files."

.PHONY: vuln
vuln: ## known vulnerabilities in what the code calls (needs the network: vuln.go.dev), and in the npm packages
	go run $(GOVULNCHECK) ./...
	npm audit --audit-level=high

FUZZTIME ?= 1m
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (1m); their seeds run in make test
	@for p in $$(go list ./shared/... ./functions/... ./infra/blueprint/...); do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; go test $$p -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) || exit 1; \
		done; \
	done

.PHONY: smoke
smoke: ## a journey against any deployment: API=https://… (OUT=figures.md, EXPIRE=1 on the laptop)
	@go run ./tests/smoke -api "$(API)" $(if $(OUT),-out "$(OUT)") $(if $(EXPIRE),-expire)

.PHONY: lint
lint: node_modules/.package-lock.json ## gofmt, go vet, staticcheck, tsc, the contract and its reference
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'gofmt would change these files: run gofmt -w on them'; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	tsc -p web
	@cspell --no-progress --no-summary || { echo 'Correct the spelling, or add a term to words.txt'; exit 1; }
	@mkdir -p build
	@$(BREAKING) >build/breaking.txt || { cat build/breaking.txt; echo 'CONTRIBUTING.md says what to do about a breaking change'; exit 1; }
	@redocly lint --extends recommended --max-problems 1000 openapi.yaml 2>build/redocly.log || { cat build/redocly.log; exit 1; }
	@! grep -iE '[1-9][0-9]* warning' build/redocly.log || { cat build/redocly.log; exit 1; }
	@$(call MAIL,build/mail.html) && cmp build/mail.html shared/email/templates/mail.html || { echo 'shared/email/templates is not what shared/email/mjml says: run make mail'; exit 1; }
	@$(call MAILCODE,build/compiled.go) && cmp build/compiled.go shared/email/compiled.go || { echo 'shared/email/compiled.go is not what shared/email/templates says: run make mail'; exit 1; }
	@$(call REFERENCE,build/reference.html) && cmp -s build/reference.html docs/api/index.html || { echo 'docs/api is not what openapi.yaml says: run make docs'; exit 1; }

# The contract against the last release's, kept beside its template.
CONTRACT := infra/cloud/testdata/contract
BREAKING = go run $(OASDIFF) breaking $$(ls infra/cloud/testdata/released/*.yaml | sort -V | tail -1) openapi.yaml \
	--severity-levels $(CONTRACT)/severity.txt --err-ignore $(CONTRACT)/breaking.txt --fail-on ERR --format singleline --color never

# One file with everything in it, so that it opens without a server or a network:
# the name of its maker, which would be loaded, is written instead.
LOGO := https://cdn\.redoc\.ly/redoc/logo-mini(-full)?\.svg
NAME := data:image/svg+xml,%3Csvg xmlns=%27http://www.w3.org/2000/svg%27 width=%2745%27 height=%2712%27%3E%3Ctext y=%2710%27 font-family=%27sans-serif%27 font-size=%2711%27 fill=%27gray%27%3ERedocly%3C/text%3E%3C/svg%3E
REFERENCE = redocly build-docs openapi.yaml --title 'Latchkey API' --inlineBundle -o $(1) >build/redocly.log 2>&1 && sed -E -i "s~$(LOGO)~$(NAME)~g" $(1)
# html/template drops comments, and Outlook on Windows reads its tables from them.
MAIL = mjml shared/email/mjml/mail.mjml --config.validationLevel skip --noStdoutFileComment -s | sed -e "s/-->/{{endcomment}}/g" -e "s/<!--/{{comment}}/g" >$(1)
MAILCODE = go run ./shared/email/templates >$(1)
.PHONY: mail
mail: node_modules/.package-lock.json ## the HTML of mails, from shared/email/mjml, and the code from that
	@$(call MAIL,shared/email/templates/mail.html)
	@mkdir -p build && $(call MAILCODE,build/compiled.go) && cp build/compiled.go shared/email/compiled.go

.PHONY: mail-preview
mail-preview: ## every mail in every language, as pages and pictures, in build/mail-preview
	@go run ./infra/local/mailpreview

.PHONY: docs
docs: node_modules/.package-lock.json ## docs/api: the reference of the HTTP API, from openapi.yaml
	@mkdir -p build docs/api
	@$(call REFERENCE,docs/api/index.html) || { cat build/redocly.log; exit 1; }

docs/node_modules/.package-lock.json: docs/package.json docs/package-lock.json
	@npm ci --prefix docs --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: docs-site
docs-site: node_modules/.package-lock.json docs/node_modules/.package-lock.json ## the documentation as a static site, in build/docs-site
	@docs/node_modules/.bin/vitepress build docs >build/docs-site.log 2>&1 || { cat build/docs-site.log; exit 1; }

.PHONY: docs-site-test
docs-site-test: docs-site ## its links, axe-core, 320 px, the search
	@playwright test -c docs/.vitepress

# The Node.js that better-sqlite3 is built for: the npm package node has no headers.
SYSTEM_NODE = $(firstword $(foreach d,$(subst :, ,$(PATH)),$(if $(findstring node_modules,$(d)),,$(wildcard $(d)/node))))
bench/rival/node_modules/.package-lock.json: bench/rival/package-lock.json
	@cd bench/rival && PATH="$(dir $(SYSTEM_NODE)):$$PATH" npm_config_nodedir=$(abspath $(dir $(SYSTEM_NODE))..) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: bench-build
bench-build: node_modules/.package-lock.json build
	@for p in infra/local/bench/hello infra/local/bench/bare bench/firstcall; do $(BUILD) -o build/local/$$(basename $$p)/bootstrap ./$$p || exit 1; done
	@go build -o build/latchkey ./infra/local/latchkey
	@go build -o build/bench ./bench

.PHONY: bench
bench: bench-build sizes bench/rival/node_modules/.package-lock.json ## docs/performance.md, measured anew (8 minutes on a quiet machine)
	env -u AWS_CA_BUNDLE build/bench -out docs/performance.md

# Not BEFORE, which is the file of make diff.
BENCH_BEFORE := cb76f44
.PHONY: bench-before
bench-before: bench-build ## bench/before.json, what docs/performance.md compares with
	@git worktree add -f build/before $(BENCH_BEFORE)
	@mkdir -p build/before/build/local && ln -sfn $(CURDIR)/node_modules build/before/node_modules
	@cp -r build/web build/before/build/ && cp -r build/local/hello build/local/bare build/before/build/local/
	@cd build/before && for f in $(FUNCTIONS); do $(BUILD) -o build/local/$$f/bootstrap ./functions/$$f || exit 1; done
	@cd build/before && go build -o build/latchkey ./infra/local/run
	cd build/before && env -u AWS_CA_BUNDLE $(CURDIR)/build/bench -only events,calls,start -figures $(CURDIR)/bench/before.json >/dev/null
	@git worktree remove -f build/before

.PHONY: bench-units
bench-units: node_modules/.package-lock.json build ## capacity of each operation, many at once, rendering
	go test -run '^$$' -bench Capacity -benchtime 3x ./infra/local/bench
	go test -run '^$$' -bench 'Thousand|FiveHundred' -benchtime 1x -timeout 20m ./infra/local/bench
	go test -run '^$$' -bench . -benchmem ./shared/...

.PHONY: costs
costs: node_modules/.package-lock.json build ## measure 1,000 invitations, and write docs/cost.md from that
	go test -run '^$$' -bench '^BenchmarkThousandInvitations$$' -benchtime 1x -timeout 20m ./infra/local/bench -args -measured $(CURDIR)/infra/cloud/testdata/measured.json
	go test ./infra/cloud -run TestCost -update

.PHONY: sizes
sizes: ## zip size of each function as it is deployed (arm64)
	@for f in $(FUNCTIONS); do mkdir -p build/arm64/$$f && GOOS=linux GOARCH=arm64 $(BUILD) -o build/arm64/$$f/bootstrap ./functions/$$f && rm -f build/arm64/$$f.zip && (cd build/arm64/$$f && zip -q -9 ../$$f.zip bootstrap) && printf '%-10s %7d bytes\n' $$f $$(stat -c %s build/arm64/$$f.zip); done

ARGS ?=
.PHONY: bootstrap synth diff deploy destroy
# With an assembly of its own, since the app would ask for settings first.
bootstrap: node_modules/.package-lock.json ## prepare an account and region for CDK, once (ARGS=--profile=…)
	@cdk bootstrap --app infra/bootstrap $(ARGS)
synth: node_modules/.package-lock.json build/web/index.html ## the CloudFormation template, into cdk.out (ARGS="-c latchkey:sender=…")
	@cdk synth --quiet $(ARGS)
diff: synth ## what a deployment would change, in sentences (BEFORE=template.json compares with a file)
	@go run ./infra/changes $(if $(BEFORE),-before $(BEFORE))
deploy: node_modules/.package-lock.json build/web/index.html ## deploy to the AWS account of your credentials (FIRST=1 for the first time)
	@$(if $(FIRST),cdk deploy $(ARGS) -c latchkey:unprotected=true)
	@cdk deploy $(ARGS)
destroy: synth ## delete the stack; says before what stays
	@go run ./infra/changes -kept
	@cdk destroy --app cdk.out

.PHONY: golden
golden: docs mail ## write what is generated anew: samples, matrix, template, costs, tables in the docs
	go test ./infra/local/sample -run TestFilesAreCurrent -update
	go test ./infra/blueprint -run TestReadme -update
	go test ./infra -run TestTableOfSettings -update
	go test ./infra/cloud -run 'TestSnapshot|TestMatrix|TestCost' -update
	go test ./shared/email -run TestGolden -update
	go run ./bench/scale -write
	@openapi-typescript openapi.yaml -o web/src/openapi.d.ts >/dev/null

.PHONY: clean
clean: ## remove what was built, but not the data
	rm -rf build cdk.out
