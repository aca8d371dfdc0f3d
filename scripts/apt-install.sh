#!/usr/bin/env bash
# Installs the named Debian packages, as root or with passwordless sudo; otherwise prints the command to type and fails.
# Starts none of their services, now or at the next boot: squid's would take port 3128.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    echo "There is no apt-get here. Install what Debian calls: $*"
    exit 1
fi >&2
if [[ $EUID -ne 0 ]]; then
    if sudo -n true 2>/dev/null; then exec sudo -n "$0" "$@"; fi
    echo "Only root may install packages. Type as root:"
    echo "    apt-get update && apt-get install --no-install-recommends $*"
    echo "That also starts the services of some of them (prometheus, squid, haproxy, podman), which are needed as programs"
    echo "only. To stop one: systemctl disable --now NAME"
    exit 1
fi >&2

# One at a time: the first to end would remove the policy from the others.
exec 9</usr/sbin
flock 9
# While policy-rc.d exits with 101, an installation starts no service. An existing one is the administrator's and stays.
# Ours is linked into place whole, and only ours is removed. Signals wait for apt-get, so it never runs without a policy.
policy=/usr/sbin/policy-rc.d
ours=$(mktemp "$policy.XXXXXX")
trap 'if [[ $policy -ef $ours ]]; then rm -f "$policy"; fi; rm -f "$ours"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
printf '#!/bin/sh\nexit 101\n' >"$ours"
chmod 755 "$ours"
if ! ln "$ours" "$policy" 2>/dev/null; then echo "Keeping the existing $policy" >&2; fi

# What apt-get and dpkg print, some hundred lines, is shown only where they fail.
log=$(mktemp)
trap 'rm -f "$log"; if [[ $policy -ef $ours ]]; then rm -f "$policy"; fi; rm -f "$ours"' EXIT
run_apt() {
    if ! "${apt[@]}" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
}

# The units that start at boot, as far as systemd is here; it need not run. Where there is none, Debian 13's systemctl
# fails.
enabled_units() {
    if command -v systemctl >/dev/null; then
        { systemctl --root=/ list-unit-files --state=enabled --no-legend || true; } | awk '{print $1}' | sort
    fi
}
before=$(enabled_units)

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
# A new machine has no package lists, an old one stale lists. A repository that fails may not be the one that matters.
echo "Updating the package lists"
run_apt update || echo "apt-get update failed; continuing with the present lists" >&2
echo "Installing Debian packages: $*"
run_apt install --yes --no-install-recommends "$@"

# Those of the packages named, and of the packages that came with them.
mapfile -t units < <(comm -13 <(echo "$before") <(enabled_units))
if [[ ${#units[@]} -gt 0 ]]; then systemctl --quiet --root=/ disable "${units[@]}"; fi
