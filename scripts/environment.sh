#!/usr/bin/env bash
# Makes .venv or brings it up to date: "run" for the gate itself; "demo", "test", "lint" or "lock" for what these need on
# top. A stamp names what its part was made from. It is written last, so a part without one was not finished. If a part was
# made from something else, the whole environment is made again.
set -euo pipefail
cd "$(dirname "$0")/.."
# One at a time: another run, or a child of an interrupted one, may still be writing.
exec 9<requirements
flock 9
part=$1
python=$(scripts/find-python.sh)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

made_from() {
    echo "$(pwd -P), $python, $("$python" -VV)"
    sha256sum pyproject.toml requirements/run.txt "requirements/$1.txt"
}

is_current() {
    [[ $(made_from "$1") == "$(cat ".venv/stamp-$1" 2>/dev/null)" ]]
}

install_locked() {
    echo "Installing requirements/$1.txt"
    .venv/bin/pip install --quiet --require-hashes -r "requirements/$1.txt"
}

if ! is_current run || { [[ -e .venv/stamp-$part ]] && ! is_current "$part"; }; then
    echo "Making .venv with $("$python" -V) ($python)"
    rm -rf .venv
    "$python" -m venv .venv
    install_locked run
    .venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
    made_from run >.venv/stamp-run
fi
if ! is_current "$part"; then
    install_locked "$part"
    made_from "$part" >".venv/stamp-$part"
fi
