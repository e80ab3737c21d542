#!/bin/sh
# Runs before nginx starts. Starts a watcher that reloads nginx when a certificate file changes. Old workers run until
# their last connection is closed, at most RELOAD_GRACE_SECONDS.
set -eu
operator_dir=${MOUNTED_TLS:-/etc/switchboard/tls}
local_dir=${LOCAL_TLS:-/certs}
client_ca=${MOUNTED_CLIENT_CA:-/etc/switchboard/client-ca}
scripts_dir=${SCRIPTS_DIR:-/docker-entrypoint.d}
seconds=${TLS_RELOAD_SECONDS:-10}
pid=${NGINX_PID:-/run/nginx.pid}

log() { echo "switchboard: $*"; }

case $seconds in
  *[!0-9.]* | .) log "TLS_RELOAD_SECONDS must be a number of seconds (it is $seconds); 0 turns reloading off" >&2 && exit 78 ;;
  *[!0.]*) ;;
  *) exit 0 ;;
esac

# Compares contents, because a file may be replaced, written in place or mounted anew with any date.
sum() {
  cat "$operator_dir/fullchain.pem" "$operator_dir/privkey.pem" "$local_dir/server.crt" "$local_dir/server.key" "$client_ca" 2>/dev/null | cksum
}

# Keeps the certificate in use after any error, because one half of a pair may be written before the other. The next
# change starts another attempt.
reload() {
  sh "$scripts_dir/35-certificates.sh" >/dev/null || return 0
  if output=$(nginx -t -q -c "${NGINX_CONF:-/etc/nginx/nginx.conf}" 2>&1); then
    kill -HUP "$(cat "$pid")" && log 'certificate reloaded'
  else
    log "cannot reload the certificate, keeping the one in use: $(echo "$output" | head -n 1)" >&2
  fi
}

watch() {
  seen=$(sum || true)
  log "watching the certificate files every $seconds s"
  while sleep "$seconds"; do
    now=$(sum || true)
    [ "$now" != "$seen" ] || continue
    seen=$now
    reload || true
  done
}

if [ "${1:-}" = watch ]; then watch; else sh "$0" watch & fi
