#!/usr/bin/env bash
# Makes build/NAME, an environment of its own from requirements/NAME.txt, or brings it up to date: own-environment.sh NAME
set -euo pipefail
cd "$(dirname "$0")/.."
# One at a time, as in environment.sh.
exec 9<requirements
flock 9

name=$1
target=build/$name
python=$(scripts/find-python.sh)
made_from="$(pwd -P), $("$python" -VV), $(sha256sum "requirements/$name.txt")"
if [[ $made_from == "$(cat "$target/stamp" 2>/dev/null)" ]]; then exit; fi

echo "Installing requirements/$name.txt into $target"
rm -rf "$target"
if "$python" -m venv "$target" && "$target/bin/pip" install --disable-pip-version-check --no-input --quiet \
    --require-hashes -r "requirements/$name.txt"; then
    echo "$made_from" >"$target/stamp"
else
    rm -rf "$target"
    exit 1
fi
