#!/usr/bin/env bash
# Prepare a checkout: a virtual environment with pinned packages, and the front-end files. Repeated only when its
# inputs changed. Needs git, make and Python 3.11 or newer with venv (or uv).
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never
stamp=.setup/stamp
mkdir -p .setup

inputs() { cat pyproject.toml requirements/dev.txt dashboards/package.json dashboards/package-lock.json scripts/setup.sh scripts/indexes.sh 2>/dev/null | sha256sum; }
wanted=$(inputs)
if [ -x .venv/bin/assets ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
  exit 0
fi

began=$SECONDS
step() { printf 'setup: %-48s' "$1"; from=$SECONDS; }
done_() { printf ' %3d s\n' $((SECONDS - from)); }

python=""
for name in python3 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$name; break; fi
done
if command -v uv >/dev/null; then
  uv=uv
else
  [ -n "$python" ] || { echo "setup: Python 3.11 or newer is needed (Debian: apt install python3 python3-venv)" >&2; exit 1; }
  step "uv, in .venv-tools"
  if [ ! -x .venv-tools/bin/uv ]; then
    "$python" -m venv .venv-tools || { echo "setup: python3-venv is missing (Debian: apt install python3-venv)" >&2; exit 1; }
    .venv-tools/bin/python -m pip install --quiet --disable-pip-version-check uv
  fi
  uv=.venv-tools/bin/uv
  done_
fi
. scripts/indexes.sh

step "virtual environment .venv"
[ -x .venv/bin/python ] || "$uv" venv --quiet ${python:+--python "$(command -v "$python")"} .venv
done_
step "pinned packages"
VIRTUAL_ENV=.venv "$uv" pip sync --quiet --compile-bytecode --require-hashes requirements/dev.txt
done_
step "this project"
VIRTUAL_ENV=.venv "$uv" pip install --quiet --no-deps -e .
# Once here, not at each start where PYTHONDONTWRITEBYTECODE is set: that would be a second of every process.
.venv/bin/python -m compileall -q src
done_
step "front-end files"
.venv/bin/python scripts/vendor.py || echo "setup: the pages work without them, only less lively"
done_
printf '%s' "$wanted" > "$stamp"
echo "setup: done in $((SECONDS - began)) s"
