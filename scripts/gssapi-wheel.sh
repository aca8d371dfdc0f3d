#!/usr/bin/env bash
# Compiles gssapi from its source in a wheelhouse into a wheel beside it. What builds it is there too, so nothing is
# downloaded. Needs gcc and the headers of Python and Kerberos. The wheel fits this machine's distribution.
#   scripts/gssapi-wheel.sh build/wheelhouse [PYTHON]   PYTHON is the interpreter to compile for, by default python3
set -euo pipefail
wheelhouse=$(realpath "$1")
python=${2:-python3}

if ! compgen -G "$wheelhouse/gssapi-*.tar.gz" >/dev/null; then
    echo "$1 has no source of gssapi; run make wheels EXTRAS=kerberos." >&2
    exit 1
fi
has_headers='
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
missing=()
command -v gcc >/dev/null || missing+=(gcc)
command -v krb5-config >/dev/null || missing+=(libkrb5-dev)
"$python" -c "$has_headers" || missing+=(python3-dev)
if [[ ${#missing[@]} -gt 0 ]]; then
    echo "To compile gssapi, install the Debian packages ${missing[*]}." >&2
    exit 1
fi

echo "Compiling gssapi"
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$python" -m venv --without-pip "$environment"
PYTHONPATH=$(echo "$wheelhouse"/pip-*.whl)
export PYTHONPATH CFLAGS="${CFLAGS:-} -g0" # without debug symbols it is a quarter of the size
pip=("$environment/bin/python3" -m pip)
offline=(--quiet --no-index --find-links "$wheelhouse" --no-cache-dir)
"${pip[@]}" install "${offline[@]}" cython setuptools
"${pip[@]}" wheel "${offline[@]}" --no-deps --no-build-isolation --no-binary gssapi --wheel-dir "$wheelhouse" gssapi
