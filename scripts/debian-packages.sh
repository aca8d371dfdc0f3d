#!/usr/bin/env bash
# Installs the packages of scripts/debian-packages.txt that this machine lacks; with arguments, only those of that name.
# Never fails: tests that need a missing package are skipped and say so.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # squid's folder, which is not on an ordinary user's PATH

is_present() {
    if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

missing=()
while read -r package shown_by _; do
    if [[ $# -gt 0 && " $* " != *" $package "* ]] || is_present "$shown_by"; then continue; fi
    missing+=("$package")
done < <(grep -v '^#' scripts/debian-packages.txt)

if [[ ${#missing[@]} -gt 0 ]] && ! scripts/apt-install.sh "${missing[@]}"; then
    echo "Continuing without ${missing[*]}: what needs them is skipped." >&2
fi

# squid needs shared memory. debootstrap leaves /dev/shm to root alone; everywhere else every user may write there.
if [[ $EUID -eq 0 && -d /dev/shm && ! -k /dev/shm ]]; then chmod 1777 /dev/shm; fi
