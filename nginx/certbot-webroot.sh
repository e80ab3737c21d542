#!/bin/sh
# Runs in the certbot container. Gets one certificate for ACME_HOSTS, renews it in time, and installs it into /tls, which
# nginx watches. nginx serves the ACME challenges from /var/www/acme.
set -eu
webroot=${ACME_DIR:-/var/www/acme}
live=${ACME_LIVE:-/etc/letsencrypt/live}/switchboard
tls=${ACME_TLS:-/tls}

log() { echo "switchboard: $*"; }

set -f
hosts=''
for host in $ACME_HOSTS; do hosts="$hosts --domain $host"; done

# Replaces a file in one step, so that nginx never reads half of a file.
install_file() {
  cmp -s "$live/$1" "$tls/$1" && return
  install -m 0600 "$live/$1" "$tls/$1.new" && mv "$tls/$1.new" "$tls/$1"
}

while :; do
  # shellcheck disable=SC2086 # a list of words, on purpose
  if certbot certonly --webroot --webroot-path "$webroot" --cert-name switchboard $hosts --server "$ACME_SERVER" \
    --email "$ACME_EMAIL" --agree-tos --no-eff-email --non-interactive --keep-until-expiring --expand --quiet; then
    install_file fullchain.pem
    install_file privkey.pem
    pause=43200
  else
    # Wait, because the authority allows five failures an hour for one name.
    log 'certbot failed; next attempt in one hour' >&2
    pause=3600
  fi
  sleep "$pause" &
  wait $!
done
