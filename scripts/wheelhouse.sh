#!/usr/bin/env bash
# Gathers in build/wheelhouse all that the Dockerfile installs: the packages of requirements/run.txt and image.txt, by hash,
# and the project's own wheel. They are for the image's Python and processor, not for this machine's:
#   PYTHON_VERSION=3.13   the Python of the base image; by default that of the Dockerfile
#   ARCH=aarch64          as `uname -m` says it there; by default this machine's
#   EXTRAS='demo kerberos postgresql'   gathers their locks too: proxy.py, the source of gssapi and what builds it, psycopg
# With --for-host gssapi is compiled as well, for a host without a compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
python_version=${PYTHON_VERSION:-$(sed -n "s/^ARG PYTHON_VERSION=//p" Dockerfile)}
arch=${ARCH:-$(uname -m)}
wheelhouse=build/wheelhouse
locks=(run image)

for extra in ${EXTRAS:-}; do
    case $extra in
        demo | kerberos | postgresql) locks+=("$extra") ;;
        ca-certificates) ;; # a package of the image's distribution
        *)
            echo "Unknown in EXTRAS: $extra. Known: demo, kerberos, postgresql, ca-certificates." >&2
            exit 1
            ;;
    esac
done

# Every glibc from the oldest that wheels are made for to that of Debian 12.
platforms=(--platform "manylinux2014_$arch")
for minor in {17..36}; do platforms+=(--platform "manylinux_2_${minor}_$arch"); done

# pip would evaluate the lock's markers for this machine's Python. Without markers it downloads everything locked, and
# the installation takes what it needs of that.
download() {
    sed 's/ ; .*\\$/ \\/' "requirements/$1.txt" |
        .venv/bin/pip download --quiet --dest "$wheelhouse" --require-hashes --no-deps --only-binary :all: \
            --implementation cp --python-version "$python_version" "${platforms[@]}" --requirement /dev/stdin "${@:2}"
}

# pip runs the build script of a source to read its metadata. So that this downloads nothing unlocked, what builds it is
# installed first; and with these variables the script does not look for Kerberos on this machine.
download_kerberos() {
    sed '/^gssapi/,/[^\\]$/d' requirements/kerberos.txt |
        .venv/bin/pip install --quiet --require-hashes --requirement /dev/stdin
    GSSAPI_SUPPORT_DETECT=false GSSAPI_LINKER_ARGS='' GSSAPI_COMPILER_ARGS='' GSSAPI_KRB5CONFIG=true \
        download kerberos --no-binary gssapi --no-build-isolation
}

compile_for_host() {
    local here
    here="Python $(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') on $(uname -m)"
    if [[ $here == "Python $python_version on $arch" ]]; then
        scripts/gssapi-wheel.sh "$wheelhouse" .venv/bin/python
    else
        echo "gssapi is not compiled: it is for Python $python_version on $arch, and this is $here. Before the"
        echo "installation run scripts/gssapi-wheel.sh $wheelhouse on the host, or on a machine like it."
    fi
}

echo "Gathering $wheelhouse for Python $python_version on $arch"
rm -rf "$wheelhouse" build/lib build/bdist.*
for lock in "${locks[@]}"; do
    if [[ $lock == kerberos ]]; then download_kerberos; else download "$lock"; fi
done
.venv/bin/pip wheel --quiet --wheel-dir "$wheelhouse" --no-deps --no-build-isolation .
if [[ ${1:-} == --for-host && " ${locks[*]} " == *" kerberos "* ]]; then compile_for_host; fi
