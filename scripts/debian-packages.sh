#!/usr/bin/env bash
# Installs what scripts/debian-packages.txt names and this machine lacks; given names, looks at those packages alone.
# Never fails: whoever needs a package that is still missing skips, and says so.
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
    echo "Going on without ${missing[*]}: what needs them is skipped." >&2
fi

# squid's shared memory is there. In a chroot as debootstrap leaves it, it is root's alone; everywhere else, everybody's.
if [[ $EUID -eq 0 && -d /dev/shm && ! -k /dev/shm ]]; then chmod 1777 /dev/shm; fi
