# Sourced: where uv finds packages on this machine, from pip's own settings.
asked=${python:-python3} # whose pip

# pip's own index settings are handed on, so that an installation behind a mirror needs no settings of ours.
hand_on() { # pip's name, uv's variable
  local value
  value=$("$1" -m pip config get "$2" 2>/dev/null || true)
  if [ -n "$value" ] && [ -z "${!3:-}" ]; then export "$3=$(printf '%s' "$value" | tr '\n' ' ')"; fi
}

if command -v "$asked" >/dev/null && "$asked" -m pip --version >/dev/null 2>&1; then
  hand_on "$asked" global.index-url UV_DEFAULT_INDEX
  hand_on "$asked" global.extra-index-url UV_INDEX
  hand_on "$asked" global.cert SSL_CERT_FILE
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
