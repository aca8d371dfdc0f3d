#!/usr/bin/env bash
# Builds the container image from the Dockerfile and build/wheelhouse, and tags it licensegate:VERSION and :latest.
#   BASE=debian:13-slim   the image to build on; its Python must be the PYTHON_VERSION the wheels were gathered for
#   ARCH=aarch64          as in wheelhouse.sh; this machine must be able to run it
#   EXTRAS='kerberos postgresql ca-certificates'   the first two if wheelhouse.sh has gathered them, and the distribution's
#                         root certificates
#   BUILDER=podman        docker, podman or buildah; by default the first of these that works here
set -euo pipefail
cd "$(dirname "$0")/.."

find_builder() {
    if docker info >/dev/null 2>&1; then echo docker; return; fi
    for command in podman buildah; do
        if command -v "$command" >/dev/null; then echo "$command"; return; fi
    done
    echo "Building the image needs docker (with its engine running), podman or buildah; none was found." >&2
    exit 1
}

builder=${BUILDER:-$(find_builder)}
wheel=(build/wheelhouse/licensegate-*.whl)
if [[ ! -e ${wheel[0]} ]]; then
    echo "build/wheelhouse has no wheel of the gate; run make wheels." >&2
    exit 1
fi
version=$(basename "${wheel[0]}" | cut -d- -f2)
revision=$(git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null || echo unknown)

options=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision")
if [[ -n ${BASE:-} ]]; then options+=(--build-arg "BASE=$BASE"); fi
if [[ -n ${PYTHON_VERSION:-} ]]; then options+=(--build-arg "PYTHON_VERSION=$PYTHON_VERSION"); fi
if [[ -n ${EXTRAS:-} ]]; then options+=(--build-arg "EXTRAS=$EXTRAS"); fi
case ${ARCH:-} in
    "") ;;
    x86_64) options+=(--platform linux/amd64) ;;
    aarch64) options+=(--platform linux/arm64) ;;
    *) options+=(--platform "linux/$ARCH") ;;
esac
# The OCI format, the default of these two, has no HEALTHCHECK.
if [[ $(basename "$builder") != docker ]]; then options+=(--format docker); fi

echo "Building licensegate:$version with $builder"
if ! "$builder" build "${options[@]}" --tag "licensegate:$version" --tag licensegate:latest .; then
    echo "No image was built. Without access to a registry, set BASE= to a base image that is here (docs/operations.md)." >&2
    exit 1
fi
