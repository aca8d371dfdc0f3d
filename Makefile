# The commands of this repository; `make help` lists them. What takes more than a line or two is a script in scripts/.
#   PYTHON=/path/to/python3   the interpreter to use; by default the newest one found (3.11 or newer)
#   ARGS='...'                arguments for the command: make serve ARGS='--config gate.toml', make test ARGS='-k head'
#   AT_ONCE=''                one test after the other, in one process: make test AT_ONCE='' ARGS='-x -k head'
export PYTHON
# Where this is set, as in some containers, each of the tests' many gates would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE
AT_ONCE = --numprocesses=3 --no-loadscope-reorder

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: serve demo test fuzz soak lint format catalogs pictures command-line bench speed-page wheels image audit sbom lock clean help

serve: ## install what is missing and run the gate
	@scripts/environment.sh run
	@.venv/bin/licensegate serve $(ARGS)

demo: ## show a gate at work, with stand-ins for Cisco, on this host alone
	@scripts/environment.sh run
	@scripts/environment.sh demo
	@.venv/bin/licensegate demo $(ARGS)

test: ## install what the tests need and run them; COVERAGE=--cov counts what ran and holds the floor
	@scripts/environment.sh test
	@scripts/debian-packages.sh
	@scripts/java-runtimes.sh
	@scripts/mitmproxy.sh
	@scripts/kerberos.sh
	.venv/bin/pytest --timeout=120 $(AT_ONCE) $(ARGS) $(COVERAGE)

fuzz: ## try bytes from outside on every parser; SECONDS=120 for all together, TARGET=request-head for one
	@scripts/environment.sh test
	@scripts/environment.sh fuzz || echo "atheris cannot be installed here" >&2
	@PYTHONPATH=tests .venv/bin/python -P -m fuzz --seconds $(or $(SECONDS),120) --target "$(TARGET)" $(ARGS)

soak: ## good, bad and slow clients over every door, and then every book has to agree; SECONDS=120
	@scripts/environment.sh test
	@PYTHONPATH=tests .venv/bin/python -P -m soak --seconds $(or $(SECONDS),120) $(ARGS)

lint: ## check style, layout, types and shell scripts
	@scripts/environment.sh test
	@scripts/environment.sh lint
	@.venv/bin/python scripts/types_tree.py
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy --package licensegate
	.venv/bin/mypy tests bench/run.py
	@if [ -e .venv/bin/shellcheck ]; then set -x; .venv/bin/shellcheck scripts/*.sh .ci/run; \
	else echo "Shell scripts not checked: there is no shellcheck for this machine." >&2; fi

format: ## format the code and fix what ruff can fix
	@scripts/environment.sh lint
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

catalogs: ## bring the translations in language/ up to date with the texts, and list what has none
	@scripts/environment.sh test
	@.venv/bin/python scripts/catalogs.py

pictures: ## take the pictures of the pages in docs/pictures/ again
	@scripts/environment.sh test
	@scripts/debian-packages.sh chromium fonts-inter fonts-noto-cjk openssl pngquant
	@.venv/bin/python scripts/pictures.py

command-line: ## write the manual page and the shell completions again
	@scripts/environment.sh test
	@.venv/bin/python scripts/command_line.py

bench: ## measure the gate beside squid, tinyproxy, HAProxy and a bare relay; ARGS=--short for a minute, ARGS=--help for more
	@scripts/environment.sh test
	@scripts/debian-packages.sh openssl squid tinyproxy-bin haproxy gcc postgresql
	.venv/bin/python bench/run.py $(ARGS)

speed-page: ## write what the last whole `make bench` has found into docs/speed.md, and draw its plots
	@scripts/environment.sh test
	@scripts/own-environment.sh bench
	@.venv/bin/python scripts/speed_page.py build/bench.json
	@build/bench/bin/python bench/plots.py build/bench.json docs/pictures/speed.png

wheels: ## gather the wheels that a host without a network is installed from; with extras: EXTRAS="kerberos postgresql"
	@scripts/environment.sh run
	@scripts/wheelhouse.sh --for-host

image: ## build the container image; BASE=debian:13-slim PYTHON_VERSION=3.13 EXTRAS='kerberos postgresql ca-certificates' change it
	@scripts/environment.sh run
	@scripts/wheelhouse.sh
	@scripts/image.sh

audit: ## look for known vulnerabilities in what is locked; needs a network
	@scripts/audit.sh audit

sbom: ## write build/sbom.json: what the gate is made of, in CycloneDX
	@scripts/audit.sh sbom

lock: ## write requirements/ from pyproject.toml; ARGS=--upgrade moves to the newest versions
	@scripts/environment.sh lock
	@scripts/lock.sh $(ARGS)

clean: ## remove everything these commands made
	rm -rf .venv build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

help: ## list these commands
	@sed -n 's/^\([a-z-]*\): ## \(.*\)/make \1\t\2/p' Makefile | expand -t 20
