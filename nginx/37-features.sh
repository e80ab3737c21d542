#!/bin/sh
# Runs before nginx starts. Writes the optional features into files that the configuration includes: listening addresses,
# the handshake rate of an address, the PROXY protocol and client certificates.
set -eu
run=${TLS_DIR:-/run/tls}
client_ca=${MOUNTED_CLIENT_CA:-/etc/switchboard/client-ca} # TLS_CLIENT_CA of the host

log() { echo "switchboard: $*"; }
fail() { log "$@" >&2 && exit 78; }

mkdir -p "$run"
rm -f "$run/proxy-protocol.conf" "$run/client-ca.conf" "$run/handshakes.conf" "$run/handshake-limit.conf"

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

# The same limit as in the application: a burst of four seconds' worth. nginx does not count the first request as burst.
rate=${HANDSHAKES_PER_SECOND:-50}
case $rate in
  *[!0-9]* | 0?*) fail "HANDSHAKES_PER_SECOND must be a whole number of handshakes (it is $rate); 0 turns the limit off" ;;
  0) ;;
  *)
    echo "limit_req_zone \$binary_remote_addr zone=handshakes:10m rate=${rate}r/s;" >"$run/handshakes.conf"
    printf 'limit_req zone=handshakes burst=%s nodelay;\nlimit_req_status 429;\n' $((rate * 4 - 1)) >"$run/handshake-limit.conf"
    ;;
esac

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
