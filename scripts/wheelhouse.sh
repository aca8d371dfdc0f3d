#!/usr/bin/env bash
# Gathers in build/wheelhouse all that the Dockerfile installs: the packages of requirements/run.txt and image.txt, by hash,
# and the project's own wheel. They are for the image's Python and processor, not for this machine's:
#   PYTHON_VERSION=3.13   the Python of the base image; by default that of the Dockerfile
#   ARCH=aarch64          as `uname -m` says it there; by default this machine's
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
python_version=${PYTHON_VERSION:-$(sed -n "s/^ARG PYTHON_VERSION=//p" Dockerfile)}
arch=${ARCH:-$(uname -m)}
wheelhouse=build/wheelhouse

# Every glibc from the oldest that wheels are made for to that of Debian 12.
platforms=(--platform "manylinux2014_$arch")
for minor in {17..36}; do platforms+=(--platform "manylinux_2_${minor}_$arch"); done

echo "Gathering $wheelhouse for Python $python_version on $arch"
rm -rf "$wheelhouse" build/lib build/bdist.*
# pip would evaluate the locks' markers for this machine's Python. Without markers it downloads everything locked, and
# the image installs what it needs of that.
for lock in run image; do
    sed 's/ ; .*\\$/ \\/' "requirements/$lock.txt" |
        .venv/bin/pip download --quiet --dest "$wheelhouse" --require-hashes --no-deps --only-binary :all: \
            --implementation cp --python-version "$python_version" "${platforms[@]}" --requirement /dev/stdin
done
.venv/bin/pip wheel --quiet --wheel-dir "$wheelhouse" --no-deps --no-build-isolation .
