# `make` alone lists the targets. Another stack than the demo: STACK=name make up

STACK ?= demo
LABS = .venv/bin/proxmox-labs
SCRIPTS = toolchain/activate toolchain/bootstrap toolchain/host-python toolchain/live-packages simulator/live/systemctl $(wildcard .ci/*)

.DEFAULT_GOAL = help
.PHONY: help setup up preview refresh down live yaml test lint docs site bench clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12
	@echo "STACK=$(STACK); there are: $(patsubst stacks/Pulumi.%.yaml,%,$(wildcard stacks/Pulumi.*.yaml))"

setup: ## get everything that is needed into this checkout and the user's cache
	@toolchain/bootstrap

up: setup ## create or change what the stack describes
	@$(LABS) up --stack $(STACK)

preview: setup ## show what `make up` would do
	@$(LABS) preview --stack $(STACK)

refresh: setup ## take what was changed on the hosts by hand into the stack's state
	@$(LABS) refresh --stack $(STACK)

down: setup ## destroy what the stack has created
	@$(LABS) down --stack $(STACK)

live: ## install what live guests need (Debian's packages, as root)
	@toolchain/live-packages

yaml: setup ## get what programs in Pulumi's YAML need (where it has to be built, about a minute)
	@.venv/bin/python -m toolchain.yaml_host

test: setup ## run all tests
	.venv/bin/pytest -n auto --dist worksteal

lint: setup ## check format, style, types, scripts and workflows
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	@if PATH="$$PWD/.venv/bin:$$PATH" command -v shellcheck >/dev/null; then \
		echo shellcheck $(SCRIPTS); PATH="$$PWD/.venv/bin:$$PATH" shellcheck $(SCRIPTS); \
	fi
	.venv/bin/zizmor --offline --quiet --no-progress .github/workflows
	PATH="$$PWD/.venv/bin:$$PATH" .venv/bin/python -m toolchain.workflows

docs: setup ## write what is generated: the resources' reference, the labs' pictures, the stacks' schema
	$(LABS) docs

site: setup ## build the documents as a site, .site/index.html (its search takes a web server)
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet

bench: setup ## measure: fifty machines through the real engine, and the simulator with ten thousand guests
	.venv/bin/python -m benchmarks.guests
	.venv/bin/python -m benchmarks.simulator_size

clean: ## remove what set-up made here; the stacks' state and the simulators stay
	rm -rf .venv .toolchain .pytest_cache .mypy_cache .ruff_cache .hypothesis
