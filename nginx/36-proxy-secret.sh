#!/bin/sh
# Runs before nginx starts. Gives nginx the secret by which the application recognises it. Without the secret nginx serves
# too, but the application trusts no header about client addresses.
set -eu
secret=${MOUNTED_PROXY_SECRET:-/run/proxy-secret/secret}
target=${TLS_DIR:-/run/tls}/proxy-secret.conf

rm -f "$target"
if [ ! -r "$secret" ]; then
  case ${APP:-unix:} in unix:*) exit 0 ;; esac # file permissions stand for the secret
  echo "switchboard: cannot read the proxy secret $secret; the application sees the address of nginx for every client" >&2
  exit 0
fi
umask 077
printf "set \$proxy_secret '%s';\n" "$(tr -cd '0-9A-Za-z' <"$secret")" >"$target"
