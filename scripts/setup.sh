#!/usr/bin/env bash
# Prepare a checkout: a virtual environment with pinned packages, and the front-end files. Repeated only when its
# inputs changed. Needs git, make and Python 3.11 or newer with venv (or uv).
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never
stamp=.setup/stamp
mkdir -p .setup

inputs() { cat pyproject.toml requirements/dev.txt dashboards/package.json dashboards/package-lock.json scripts/setup.sh 2>/dev/null | sha256sum; }
wanted=$(inputs)
if [ -x .venv/bin/assets ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
  exit 0
fi

began=$SECONDS
step() { printf 'setup: %-48s' "$1"; from=$SECONDS; }
done_() { printf ' %3d s\n' $((SECONDS - from)); }

# pip's own index settings are handed on, so that an installation behind a mirror needs no settings of ours.
hand_on() { # pip's name, uv's variable
  local value
  value=$("$1" -m pip config get "$2" 2>/dev/null || true)
  if [ -n "$value" ] && [ -z "${!3:-}" ]; then export "$3=$(printf '%s' "$value" | tr '\n' ' ')"; fi
}

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
if [ -n "$python" ] && "$python" -m pip --version >/dev/null 2>&1; then
  hand_on "$python" global.index-url UV_DEFAULT_INDEX
  hand_on "$python" global.extra-index-url UV_INDEX
  hand_on "$python" global.cert SSL_CERT_FILE
fi
# Certificates of the machine, where it has any: an intranet has its own authority.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"; fi
# A local index that does not exist is passed over by pip and an error for uv.
if [ -n "${UV_INDEX:-}" ]; then
  kept=""
  for index in $UV_INDEX; do case $index in file://*) [ -d "${index#file://}" ] && kept="$kept $index" ;; *) kept="$kept $index" ;; esac; done
  export UV_INDEX="${kept# }"
  [ -n "$UV_INDEX" ] || unset UV_INDEX
fi

# pip asks all its indexes and takes what fits best; uv would stop at the first that knows a name, at whatever version.
# What is taken is held to the hashes of requirements/, so no index can put its own in the place of ours.
export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"

step "virtual environment .venv"
[ -x .venv/bin/python ] || "$uv" venv --quiet ${python:+--python "$(command -v "$python")"} .venv
done_
step "pinned packages"
VIRTUAL_ENV=.venv "$uv" pip sync --quiet --require-hashes requirements/dev.txt
done_
step "this project"
VIRTUAL_ENV=.venv "$uv" pip install --quiet --no-deps -e .
done_
step "front-end files"
.venv/bin/python scripts/vendor.py || echo "setup: the pages work without them, only less lively"
done_
printf '%s' "$wanted" > "$stamp"
echo "setup: done in $((SECONDS - began)) s"
