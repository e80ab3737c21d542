#!/bin/sh
# Runs in the container of certbot: gets one certificate for ACME_HOSTS, renews it in time, and puts the newest where nginx
# looks. nginx answers the authority's questions from /var/www/acme and takes up what is put into /tls.
set -eu
webroot=${ACME_DIR:-/var/www/acme}
live=${ACME_LIVE:-/etc/letsencrypt/live}/switchboard
tls=${ACME_TLS:-/tls}

say() { echo "switchboard: $*"; }

set -f
hosts=''
for host in $ACME_HOSTS; do hosts="$hosts --domain $host"; done

# Replaces a file in one step: nginx never reads half of one.
place() {
  cmp -s "$live/$1" "$tls/$1" && return
  install -m 0600 "$live/$1" "$tls/$1.new" && mv "$tls/$1.new" "$tls/$1"
}

while :; do
  # shellcheck disable=SC2086 # a list of words, on purpose
  if certbot certonly --webroot --webroot-path "$webroot" --cert-name switchboard $hosts --server "$ACME_SERVER" \
    --email "$ACME_EMAIL" --agree-tos --no-eff-email --non-interactive --keep-until-expiring --expand --quiet; then
    place fullchain.pem
    place privkey.pem
    pause=43200
  else
    # The authority counts failures: five an hour for one name.
    say 'no certificate this time; the next try is in an hour' >&2
    pause=3600
  fi
  sleep "$pause" &
  wait $!
done
