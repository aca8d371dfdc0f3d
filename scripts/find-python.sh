#!/usr/bin/env bash
# Prints the path of the newest Python, 3.11 or newer, that can make an environment. If PYTHON is set, only that one is
# tried. Debian has the venv module in a separate package; if no Python has it, it is installed for the newest.
set -euo pipefail
cd "$(dirname "$0")/.."

# Prints "whole" or "bare", the minor version and the path of the interpreter itself, even in an activated environment:
# that environment may be the one to replace.
describe() {
    "$1" -I -c '
import importlib.util, os, sys
assert sys.version_info >= (3, 11)
state = "whole" if importlib.util.find_spec("ensurepip") else "bare"
print(state, "%d.%d" % sys.version_info[:2], os.path.realpath(sys._base_executable))' 2>/dev/null
}

# Sets state, version and path to the newest that is whole, else to the newest.
search() {
    local candidate found
    state=none
    for candidate in "${candidates[@]}"; do
        found=$(describe "$candidate") || continue
        if [[ $state == none || $found == whole* ]]; then read -r state version path <<<"$found"; fi
        if [[ $state == whole ]]; then break; fi
    done
}

# The locks are made for these versions; without any of them, a newer python3 is used.
candidates=(python3.14 python3.13 python3.12 python3.11 python3)
if [[ -n ${PYTHON:-} ]]; then candidates=("$PYTHON"); fi

search
if [[ $state == bare ]]; then
    echo "Python $version ($path) cannot make an environment yet; that takes the package python$version-venv." >&2
    scripts/apt-install.sh "python$version-venv" >&2
    search
fi
case $state in
    whole) echo "$path" ;;
    bare)
        echo "Python $version ($path) still lacks ensurepip; name another one: PYTHON=/path/to/python3" >&2
        exit 1
        ;;
    none)
        echo "No Python 3.11 or newer among: ${candidates[*]}" >&2
        echo "Install one (Debian 12, Ubuntu 24.04 and later: python3 and python3-venv; Ubuntu 22.04: python3.11" >&2
        echo "and python3.11-venv), or name one: PYTHON=/path/to/python3" >&2
        exit 1
        ;;
esac
