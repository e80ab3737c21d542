#!/bin/sh
# Runs before nginx starts. Gives nginx the secret by which the application recognises it. Without the secret nginx serves
# too, but the application trusts no header about client addresses.
set -euf
export LC_ALL=C
secret_file=${MOUNTED_PROXY_SECRET:-/run/proxy-secret/secret}
target=${TLS_DIR:-/run/tls}/proxy-secret.conf

log() { echo "switchboard: $*" >&2; }

rm -f "$target"
if [ ! -r "$secret_file" ]; then
  for entry in ${APP:-unix:}; do
    case $entry in unix:*) continue ;; esac # file permissions stand for the secret
    log "cannot read the proxy secret $secret_file; the application at $entry sees the address of nginx for every client"
  done
  exit 0
fi
# The same rule as in the application: spaces and line ends around the secret do not belong to it. No other character is
# dropped, because the application would then compare another secret.
secret=$(tr '\000\t\r\n' '\001   ' <"$secret_file" | sed 's/^ *//; s/ *$//')
valid='[]!#%&()*+,./0-9:<=>?@A-Z[^_`a-z|~-]{32,512}'
if ! printf '%s\n' "$secret" | grep -Eqx "$valid"; then
  log "the proxy secret $secret_file must hold 32 to 512 letters, digits or any of !#%&()*+,-./:<=>?@[]^_\`|~"
  exit 78
fi
umask 077
printf "set \$proxy_secret '%s';\n" "$secret" >"$target"
