#!/bin/sh
# Runs before nginx starts. Writes the optional features into files that the configuration includes: listening addresses,
# the handshake rate of an address, the PROXY protocol and client certificates.
set -eu
run=${TLS_DIR:-/run/tls}
client_ca=${MOUNTED_CLIENT_CA:-/etc/switchboard/client-ca} # TLS_CLIENT_CA of the host

log() { echo "switchboard: $*"; }
fail() { log "$@" >&2 && exit 78; }

mkdir -p "$run"
rm -f "$run/proxy-protocol.conf" "$run/client-ca.conf" "$run/handshakes.conf" "$run/handshake-limit.conf" "$run/address-limits.conf"

proxy_protocol=''
case ${PROXY_PROTOCOL:-off} in
  off) ;;
  on)
    proxy_protocol=' proxy_protocol'
    for network in ${PROXY_PROTOCOL_FROM:-10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7}; do
      case $network in *[!0-9A-Fa-f.:/]*) fail "PROXY_PROTOCOL_FROM must list addresses or networks (it contains $network)" ;; esac
      echo "set_real_ip_from $network;"
    done >"$run/proxy-protocol.conf"
    echo 'real_ip_header proxy_protocol;' >>"$run/proxy-protocol.conf"
    log "PROXY protocol required on every connection; trusted from ${PROXY_PROTOCOL_FROM:-private networks}"
    ;;
  *) fail "PROXY_PROTOCOL must be on or off (it is $PROXY_PROTOCOL)" ;;
esac

# Limits an address by the application's settings of the same names. Handshakes and requests have a burst of four seconds; nginx
# does not count the first one as burst. Connections are those with a request or an open WebSocket without a token. Their limit
# is twice the application's number, so that requests have room beside the sessions.
number() { # NAME VALUE UNIT
  case $2 in
    *[!0-9]* | 0?*) fail "$1 must be a whole number of $3 (it is $2); 0 turns the limit off" ;;
  esac
}
limit_rate() { # ZONE RATE FILE
  [ "$2" != 0 ] || return 0
  echo "limit_req_zone \$limit_address zone=$1:10m rate=${2}r/s;" >>"$run/handshakes.conf"
  printf 'limit_req zone=%s burst=%s nodelay;\nlimit_req_status 429;\n' "$1" $(($2 * 4 - 1)) >>"$run/$3"
}

handshakes=${HANDSHAKES_PER_SECOND:-50}
requests=${REQUESTS_PER_SECOND:-1000}
connections=${MAX_CONNECTIONS_PER_ADDRESS:-256}
number HANDSHAKES_PER_SECOND "$handshakes" handshakes
number REQUESTS_PER_SECOND "$requests" requests
number MAX_CONNECTIONS_PER_ADDRESS "$connections" connections
limit_rate handshakes "$handshakes" handshake-limit.conf
limit_rate requests "$requests" address-limits.conf
if [ "$connections" != 0 ]; then
  echo "limit_conn_zone \$limit_connections zone=connections:10m;" >>"$run/handshakes.conf"
  printf 'limit_conn connections %s;\nlimit_conn_status 429;\n' $((connections * 2)) >>"$run/address-limits.conf"
fi

echo "listen $HTTP_LISTEN default_server$proxy_protocol;" >"$run/http-listen.conf"
# The health check uses the Unix socket, because it sends no PROXY header; only this container reaches the socket.
printf 'listen %s ssl default_server%s;\nlisten unix:%s/health.sock ssl;\n' "$HTTPS_LISTEN" "$proxy_protocol" "$run" >"$run/https-listen.conf"

if [ -n "${TLS_CLIENT_CA:-}" ]; then
  [ -f "$client_ca" ] && [ -r "$client_ca" ] || fail "TLS_CLIENT_CA: cannot read $TLS_CLIENT_CA; the file must exist and be readable"
  openssl x509 -in "$client_ca" -noout 2>/dev/null || fail "TLS_CLIENT_CA: no certificate in $TLS_CLIENT_CA; the file must be a PEM certificate"
  cat >"$run/client-ca.conf" <<CONF
ssl_client_certificate $client_ca;
ssl_verify_client on;
ssl_verify_depth 4;
CONF
  log "client certificate required, signed by an authority in $TLS_CLIENT_CA"
fi
