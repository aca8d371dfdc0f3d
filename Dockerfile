# The gate as a container: a base image, its distribution's own Python, and in /opt/licensegate the gate with what it
# needs, installed from build/wheelhouse. `make image` fills that folder and then builds this (docs/operations.md).
# Where the base image has a python3 nothing is fetched, so that this builds without a network too. EXTRAS adds packages
# of the distribution and, for kerberos, a compiler to the build. apt needs a folder for its log, which slim bases may lack.
ARG BASE=debian:12-slim

FROM ${BASE} AS base
ARG EXTRAS
RUN packages=$(command -v python3 >/dev/null || echo python3); \
    for extra in $EXTRAS; do \
        case $extra in \
            ca-certificates) packages="$packages ca-certificates" ;; \
            kerberos) packages="$packages libgssapi-krb5-2" ;; \
            demo | postgresql) ;; \
            *) echo "Unknown in EXTRAS: $extra. Known: demo, kerberos, postgresql, ca-certificates." >&2; exit 1 ;; \
        esac; \
    done; \
    if [ -n "$packages" ]; then \
        mkdir -p /var/log/apt && apt-get -qq update \
        && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $packages \
        && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc /usr/share/man /usr/share/locale; \
    fi

# pip runs out of its wheel, here and nowhere else: the image that comes of this has none.
FROM base AS build
ARG PYTHON_VERSION=3.11
ARG EXTRAS
COPY build/wheelhouse /wheelhouse
COPY docs/licensegate.example.toml scripts/gssapi-wheel.sh /
RUN found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') \
    && if [ "$found" != "$PYTHON_VERSION" ]; then \
        echo "The base image has Python $found, the wheels are for $PYTHON_VERSION: make image PYTHON_VERSION=$found"; \
        exit 1; \
    fi >&2
RUN case " $EXTRAS " in *" kerberos "*) \
        mkdir -p /var/log/apt && apt-get -qq update \
        && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
            gcc libkrb5-dev python3-dev \
        && bash /gssapi-wheel.sh /wheelhouse ;; \
    esac
# Compiled once and for good: by default Python would look at each source again, whose time copying may have changed.
RUN extras=; for extra in $EXTRAS; do [ "$extra" = ca-certificates ] || extras="$extras,$extra"; done; \
    python3 -m venv --without-pip /opt/licensegate \
    && PYTHONPATH=$(echo /wheelhouse/pip-*.whl) /opt/licensegate/bin/python3 -m pip install --quiet --no-index \
        --find-links /wheelhouse --no-compile --no-cache-dir "licensegate${extras:+[${extras#,}]}" \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/licensegate/lib \
    && install -D --mode 644 /licensegate.example.toml /built/etc/licensegate/licensegate.toml \
    && install --directory /built/opt /built/usr/local/bin /built/var/lib \
    && install --directory --mode 770 --owner 10001 --group 0 /built/var/lib/licensegate \
    && mv /opt/licensegate /built/opt/ \
    && ln -s /opt/licensegate/bin/licensegate /built/usr/local/bin/licensegate

FROM base
COPY --from=build /built /

# A number, since Kubernetes can tell from it alone that it is not root. Its folder belongs to group 0 too: OpenShift runs
# the gate as a user of its own choice, in that group.
USER 10001:10001
WORKDIR /var/lib/licensegate
VOLUME /var/lib/licensegate
ENV LICENSEGATE_CONFIG=/etc/licensegate/licensegate.toml \
    STATE_DIRECTORY=/var/lib/licensegate \
    LICENSEGATE_ADMIN_DEFAULT=0.0.0.0:9130 \
    container=oci
EXPOSE 3128 8080 443 9130
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["licensegate", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["licensegate"]
CMD ["serve"]

ARG BASE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LicenseGate" \
    org.opencontainers.image.description="HTTPS forward proxy for Cisco Smart Licensing" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.base.name="${BASE}"
