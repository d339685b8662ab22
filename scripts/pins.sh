#!/usr/bin/env bash
# Resolve the pins anew: with hashes, for every platform, and without the address of any index.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv-tools/bin/uv)
. scripts/indexes.sh
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml "$@"; }
compile -o requirements/base.txt
compile --extra server -o requirements/server.txt
compile --extra server --group dev -o requirements/dev.txt
