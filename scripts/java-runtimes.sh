#!/usr/bin/env bash
# Installs the Java runtime of each requirements/java-*.txt into build/java/11 and so on: they are versions of one
# package, so one environment cannot hold them all. Never fails: tests of a missing runtime are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
# One at a time, as in environment.sh.
exec 9<requirements
flock 9

for lock in requirements/java-*.txt; do
    release=${lock#requirements/java-}
    release=${release%.txt}
    target=build/java/$release
    made_from=$(sha256sum "$lock")
    if [[ $made_from == "$(cat "$target/stamp" 2>/dev/null)" ]]; then continue; fi

    echo "Installing Java $release into $target"
    rm -rf "$target"
    if .venv/bin/pip install --disable-pip-version-check --quiet --no-deps --require-hashes --only-binary :all: \
        --target "$target" -r "$lock"; then
        echo "$made_from" >"$target/stamp"
    else
        rm -rf "$target"
        echo "Continuing without Java $release: its tests are skipped." >&2
    fi
done
