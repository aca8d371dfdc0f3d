#!/usr/bin/env bash
# What the locks of the gate itself and of its extras hold, for people who have to judge it.
#   scripts/audit.sh sbom    writes build/sbom.json, a bill of materials in CycloneDX
#   scripts/audit.sh audit   looks for known vulnerabilities; needs a network, and says so where there is none
# The tools are in an environment of their own, build/audit, from requirements/audit.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/own-environment.sh audit
tools=build/audit

case $1 in
    sbom)
        PYTHONWARNINGS=ignore "$tools/bin/cyclonedx-py" requirements --pyproject pyproject.toml --output-reproducible \
            --output-file build/sbom.json requirements/run.txt
        echo "build/sbom.json: $(grep -c '"bom-ref"' build/sbom.json) components"
        ;;
    audit)
        status=0
        for lock in run kerberos postgresql demo; do
            echo "requirements/$lock.txt"
            found=$("$tools/bin/pip-audit" --disable-pip --require-hashes --progress-spinner off \
                --requirement "requirements/$lock.txt" 2>&1) || status=1
            if grep -q 'could not be audited\|Traceback\|Error\|Failed to' <<<"$found"; then
                echo "What is known to be vulnerable cannot be asked for here: the services that list it do not answer." >&2
                exit 3
            fi
            echo "$found"
        done
        exit "$status"
        ;;
esac
