#!/usr/bin/env bash
# Prints the path of the newest Python, 3.11 or newer, that can make an environment; PYTHON, if set, is the only choice.
# Debian keeps what `python3 -m venv` needs in a package of its own; where no Python has it, the newest is given it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Prints "whole" or "bare", the minor version and the path. The path is that of the interpreter itself even where an
# environment is activated, since that environment may be the one about to be replaced.
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

# The locks are made for these; a newer python3 is taken where there is none of them.
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
