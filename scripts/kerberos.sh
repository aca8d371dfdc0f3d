#!/usr/bin/env bash
# Builds python-gssapi, which the extra "kerberos" names, into .venv: it has no wheels, so it takes a C compiler and the
# headers of Python and Kerberos. Never fails: tests of Kerberos are skipped where it is missing, and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
# One at a time, as in environment.sh.
exec 9<requirements
flock 9

made_from=$(sha256sum .venv/stamp-run requirements/kerberos.txt)
if [[ $made_from == "$(cat .venv/stamp-kerberos 2>/dev/null)" ]]; then exit; fi

echo "Installing requirements/kerberos.txt"
install=(.venv/bin/pip install --disable-pip-version-check --quiet --require-hashes)
# First what builds it, so that building downloads nothing unlocked: all but the lines from its name to its last hash.
if "${install[@]}" -r <(sed '/^gssapi/,/[^\\]$/d' requirements/kerberos.txt) &&
    "${install[@]}" --no-build-isolation -r requirements/kerberos.txt; then
    echo "$made_from" >.venv/stamp-kerberos
else
    echo "Going on without Kerberos: its tests are skipped." >&2
fi
