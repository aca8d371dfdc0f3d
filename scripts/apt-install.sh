#!/usr/bin/env bash
# Installs the named Debian packages, as root or through sudo where that asks for no password; otherwise prints the one
# line to type and fails. Their services do not run, now or after the next boot: squid's would take port 3128.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    echo "There is no apt-get here. Install by hand what Debian calls: $*"
    exit 1
fi >&2
if [[ $EUID -ne 0 ]]; then
    if sudo -n true 2>/dev/null; then exec sudo -n "$0" "$@"; fi
    echo "Only root may install packages. To be typed as root:"
    echo "    apt-get update && apt-get install --no-install-recommends $*"
    for service in prometheus squid; do
        if [[ " $* " == *" $service "* ]]; then
            echo "That starts $service, needed as a program only. To stop it again: systemctl disable --now $service"
        fi
    done
    exit 1
fi >&2

# One at a time: whoever ends first would take the policy away from the others.
exec 9</usr/sbin
flock 9
# While policy-rc.d says 101, installing starts nothing. One that is there already is the administrator's and stays;
# ours is linked into place whole, and only ours is removed. A signal waits for apt-get, so that it never runs without.
policy=/usr/sbin/policy-rc.d
ours=$(mktemp "$policy.XXXXXX")
trap 'if [[ $policy -ef $ours ]]; then rm -f "$policy"; fi; rm -f "$ours"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
printf '#!/bin/sh\nexit 101\n' >"$ours"
chmod 755 "$ours"
if ! ln "$ours" "$policy" 2>/dev/null; then echo "Keeping the $policy that is there" >&2; fi

echo "Installing Debian packages: $*"
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
# A bare machine has no lists and an old one stale lists. One repository that fails need not be the one that matters.
"${apt[@]}" update || echo "apt-get update failed; going on with the lists that are there" >&2
"${apt[@]}" install --yes --no-install-recommends "$@"

if command -v systemctl >/dev/null; then
    mapfile -t units < <(dpkg -L "$@" | sed -n 's#.*/systemd/system/\([^/]*\.service\)$#\1#p')
    if [[ ${#units[@]} -gt 0 ]]; then systemctl --quiet disable "${units[@]}"; fi
fi
