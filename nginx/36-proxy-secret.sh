#!/bin/sh
# Runs in the container before nginx starts and gives nginx the secret by which the application knows it. Without the file
# nginx serves all the same, and the application believes nothing that a header says about an address.
set -eu
secret=${MOUNTED_PROXY_SECRET:-/run/proxy-secret/secret}
target=${TLS_DIR:-/run/tls}/proxy-secret.conf

rm -f "$target"
if [ ! -r "$secret" ]; then
  echo "switchboard: no proxy secret in $secret: the application will take every client for this proxy" >&2
  exit 0
fi
umask 077
printf "set \$proxy_secret '%s';\n" "$(tr -cd '0-9A-Za-z' <"$secret")" >"$target"
