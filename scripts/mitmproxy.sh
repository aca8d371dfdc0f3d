#!/usr/bin/env bash
# Installs requirements/mitmproxy.txt into an environment of its own, build/mitmproxy: it pins versions that the gate and its
# tests have newer. Never fails: tests that need it are skipped and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
# One at a time, as in environment.sh.
exec 9<requirements
flock 9

lock=requirements/mitmproxy.txt
target=build/mitmproxy
python=$(scripts/find-python.sh)
made_from="$(pwd -P), $("$python" -VV), $(sha256sum "$lock")"
if [[ $made_from == "$(cat "$target/stamp" 2>/dev/null)" ]]; then exit; fi

echo "Installing mitmproxy into $target"
rm -rf "$target"
if "$python" -m venv "$target" && "$target/bin/pip" install --disable-pip-version-check --no-input --quiet \
    --require-hashes -r "$lock"; then
    echo "$made_from" >"$target/stamp"
else
    rm -rf "$target"
    echo "Continuing without mitmproxy: its tests are skipped." >&2
fi
