#!/bin/sh
# Runs in the container before nginx starts and leaves a watcher behind: when a certificate file has changed, nginx reads its
# configuration again. Its old workers go on until the last connection that they have is closed, so that none is dropped.
set -eu
theirs=${MOUNTED_TLS:-/etc/switchboard/tls}
ours=${LOCAL_TLS:-/certs}
client_ca=${MOUNTED_CLIENT_CA:-/etc/switchboard/client-ca}
here=${SCRIPTS_DIR:-/docker-entrypoint.d}
seconds=${TLS_RELOAD_SECONDS:-10}
pid=${NGINX_PID:-/run/nginx.pid}

say() { echo "switchboard: $*"; }

case $seconds in
  *[!0-9.]* | .) say "TLS_RELOAD_SECONDS must be a number of seconds (it is $seconds); 0 is never" >&2 && exit 78 ;;
  *[!0.]*) ;;
  *) exit 0 ;;
esac

# By what they hold and not by their dates: a file may be replaced, written in place or mounted anew.
sum() {
  cat "$theirs/fullchain.pem" "$theirs/privkey.pem" "$ours/server.crt" "$ours/server.key" "$client_ca" 2>/dev/null | cksum
}

# The certificate in use stays wherever something is wrong: half of a pair may be written before the other half, and the next
# change is looked at again.
take_up() {
  sh "$here/35-certificates.sh" >/dev/null || return 0
  if said=$(nginx -t -q -c "${NGINX_CONF:-/etc/nginx/nginx.conf}" 2>&1); then
    kill -HUP "$(cat "$pid")" && say 'took up the renewed certificate'
  else
    say "the certificate in use stays: $(echo "$said" | head -n 1)" >&2
  fi
}

watch() {
  seen=$(sum || true)
  say "a renewed certificate is taken up within $seconds s"
  while sleep "$seconds"; do
    now=$(sum || true)
    [ "$now" != "$seen" ] || continue
    seen=$now
    take_up || true
  done
}

if [ "${1:-}" = watch ]; then watch; else sh "$0" watch & fi
