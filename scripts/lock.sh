#!/usr/bin/env bash
# Writes the locks in requirements/ from pyproject.toml, with hashes, for Python 3.11 and newer at once. Versions locked
# already stay where they can; --upgrade or --upgrade-package NAME, handed to uv, moves them.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    local lock=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate --output-file "$lock" "$@"
}

# The build's own requirements belong to "run": the project is installed without build isolation.
.venv/bin/python -c '
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
    compile run pyproject.toml - "$@"
# One environment holds them all, so each part keeps to the versions of those before it.
compile test --group test --constraint requirements/run.txt "$@"
compile lint --group lint --constraint requirements/run.txt --constraint requirements/test.txt "$@"
compile kerberos --group kerberos --constraint requirements/run.txt --constraint requirements/test.txt "$@"
compile lock --group lock "$@"
compile image --group image "$@"
for release in 11 21 25; do compile "java-$release" --group "java-$release" --no-deps "$@"; done

if grep -n '://' requirements/*.txt; then
    echo "A lock names an address; it must work with whatever package index the reader's pip uses." >&2
    exit 1
fi
