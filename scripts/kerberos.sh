#!/usr/bin/env bash
# Builds python-gssapi, the extra "kerberos", into .venv. It has no wheels and needs a C compiler and the headers of Python
# and Kerberos. Never fails: without it, the Kerberos tests are skipped and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
# One at a time, as in environment.sh.
exec 9<requirements
flock 9

made_from=$(sha256sum .venv/stamp-run requirements/kerberos.txt)
if [[ $made_from == "$(cat .venv/stamp-kerberos 2>/dev/null)" ]]; then exit; fi

echo "Installing requirements/kerberos.txt"
install=(.venv/bin/pip install --disable-pip-version-check --quiet --require-hashes)
# Its build requirements first, so that the build downloads nothing unlocked: all lines but its own.
if "${install[@]}" -r <(sed '/^gssapi/,/[^\\]$/d' requirements/kerberos.txt) &&
    "${install[@]}" --no-build-isolation -r requirements/kerberos.txt; then
    echo "$made_from" >.venv/stamp-kerberos
else
    echo "Continuing without Kerberos: its tests are skipped." >&2
fi
