#!/usr/bin/env bash
# Installs requirements/mitmproxy.txt into an environment of its own, build/mitmproxy: it pins versions that the gate and its
# tests have newer. Never fails: tests that need it are skipped and say so.
cd "$(dirname "$0")/.." || exit
scripts/own-environment.sh mitmproxy || echo "Continuing without mitmproxy: its tests are skipped." >&2
