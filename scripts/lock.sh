#!/usr/bin/env bash
# Writes the locks in requirements/ from pyproject.toml, with hashes, for Python 3.11 and newer at once. Locked versions
# stay where possible; --upgrade and --upgrade-package NAME, passed on to uv, raise them.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    local lock=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate --output-file "$lock" "$@"
}

# The build's requirements belong to "run", since the project is installed without build isolation.
.venv/bin/python -c '
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
    compile run pyproject.toml - "$@"
# One environment holds all parts, so each keeps to the versions of the parts before it.
compile test --group test --constraint requirements/run.txt "$@"
compile lint --group lint --constraint requirements/run.txt --constraint requirements/test.txt "$@"
compile demo --group demo --constraint requirements/run.txt --constraint requirements/test.txt "$@"
compile kerberos --group kerberos --constraint requirements/run.txt --constraint requirements/test.txt "$@"
compile postgresql --group postgresql --constraint requirements/run.txt --constraint requirements/test.txt "$@"
compile lock --group lock "$@"
compile image --group image "$@"
compile audit --group audit "$@"
compile fuzz --group fuzz "$@"
compile bench --group bench --constraint requirements/run.txt "$@"
compile mitmproxy --group mitmproxy "$@"
for release in 11 21 25; do compile "java-$release" --group "java-$release" --no-deps "$@"; done

if grep -n '://' requirements/*.txt; then
    echo "A lock names an address; locks must work with any package index." >&2
    exit 1
fi
