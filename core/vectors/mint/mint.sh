#!/usr/bin/env bash
# Mints core/vectors/*.json. `mint.sh outside` also mints jose.json and joserfc.json again, whose signatures differ each time.
# Needs the packages of requirements.txt, and for `outside` those of package.json (npm ci).
set -euo pipefail
cd "$(dirname "$0")"
python3 -m pip install --quiet --requirement requirements.txt
python3 attacks.py
if [ "${1:-}" = outside ]; then
    npm ci --silent --no-audit --no-fund
    node jose_mint.mjs
    python3 -W ignore joserfc_mint.py
fi
