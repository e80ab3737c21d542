#!/bin/sh
# Runs before nginx starts. Checks the values that the configuration contains, because nginx may read a wrong one otherwise
# than the application does. Writes the optional features into files that the configuration includes: what stands in front,
# listening addresses, limits by the application's settings, and client certificates.
set -euf # f: no value is a file pattern
export LC_ALL=C
run=${TLS_DIR:-/run/tls}
client_ca=${MOUNTED_CLIENT_CA:-/etc/switchboard/client-ca} # TLS_CLIENT_CA of the host

log() { echo "switchboard: $*"; }
fail() { log "$@" >&2 && exit 78; }
# Succeeds where the whole of a value matches an extended regular expression.
matches() { printf '%s' "$1" | tr '\n' '\001' | grep -Eqx -e "$2"; }

mkdir -p "$run"
rm -f "$run/client-ca.conf" "$run/handshakes.conf" "$run/handshake-limit.conf" "$run/address-limits.conf"

# The same rule as in the application. A segment of dots would never match, because clients and nginx resolve it.
segment='/([A-Za-z0-9_~-]|[.][.]?[A-Za-z0-9_~-]|[.][.][.])[A-Za-z0-9._~-]*'
matches "$WS_PATH" "($segment)+" || fail "WS_PATH must be a path such as /wss, without a trailing slash (it is $WS_PATH)"
matches "$HTTP_BASE" "/|($segment)+" ||
  fail "HTTP_BASE must be / or a path such as /chat, without a trailing slash (it is $HTTP_BASE)"
{ matches "$HTTPS_PORT" '[1-9][0-9]{0,4}' && [ "$HTTPS_PORT" -le 65535 ]; } ||
  fail "HTTPS_PORT must be a port from 1 to 65535 (it is $HTTPS_PORT)"
[ -z "${IDLE_TIMEOUT:-}" ] || matches "$IDLE_TIMEOUT" '[1-9][0-9]{0,8}(ms|s|m|h)?' ||
  fail "IDLE_TIMEOUT must be a time such as 75s or 2m (it is $IDLE_TIMEOUT)"

# What stands in front: balancers that FRONT_PROXIES names. `$reported_by` is how a connection's sender reports the
# client: `http` by headers, `tcp` by the PROXY protocol, and `none` where the sender is not named.
address() {
  printf '%s\n' "$1" | awk -F/ '
    function ipv4(text,   parts, count, i) {
      count = split(text, parts, ".")
      for (i = 1; i <= count; i++) if (parts[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || parts[i] > 255) return 0
      return count == 4
    }
    function ipv6(text,   parts, count, i, groups, gaps) {
      if (text !~ /^[0-9A-Fa-f:]*$/ || text ~ /:::/ || text ~ /^:[^:]/ || text ~ /[^:]:$/) return 0
      if (tolower(text) ~ /^[0:]+ffff:/) return 0 # an IPv4 address in its IPv6 form matches no IPv4 connection
      count = split(text, parts, ":")
      for (i = 1; i <= count; i++) if (length(parts[i]) > 4) return 0; else if (parts[i] != "") groups++
      gaps = gsub(/::/, "", text)
      # nginx refuses seven groups before the gap.
      return gaps == 0 ? groups == 8 : gaps == 1 && (groups < 7 || groups == 7 && parts[1] == "")
    }
    { bits = NF == 1 ? 0 : $2 }
    END { exit !(NF <= 2 && bits ~ /^(0|[1-9][0-9]?[0-9]?)$/ && (ipv4($1) ? bits <= 32 : ipv6($1) && bits <= 128)) }
  '
}
case ${PROXY_PROTOCOL:-off} in
  off) reported_by=http header=X-Forwarded-For listen_option='' ;;
  on) reported_by=tcp header=proxy_protocol listen_option=' proxy_protocol' ;;
  *) fail "PROXY_PROTOCOL must be on or off (it is $PROXY_PROTOCOL)" ;;
esac
# shellcheck disable=SC2046 # a list of words, on purpose
set -- $(printf '%s' "${FRONT_PROXIES:-}" | tr ',' ' ')
for network in "$@"; do
  address "$network" || fail "FRONT_PROXIES must list addresses or networks such as 10.0.0.0/8 (it contains $network)"
done
case ${TLS_AT:-nginx} in
  nginx) ;;
  balancer)
    [ $# -gt 0 ] || fail 'TLS_AT=balancer needs FRONT_PROXIES, the addresses of the load balancer that ends TLS'
    [ -z "${TLS_CLIENT_CA:-}" ] || fail 'TLS_CLIENT_CA needs TLS_AT=nginx, because only the end of TLS sees a certificate'
    log 'TLS ends at the load balancer; port 80 serves FRONT_PROXIES'
    ;;
  *) fail "TLS_AT must be nginx or balancer (it is $TLS_AT)" ;;
esac
[ "$reported_by" = http ] || [ $# -gt 0 ] ||
  fail 'PROXY_PROTOCOL=on needs FRONT_PROXIES, the addresses of the load balancer that sends the header'
{
  for network in "$@"; do echo "set_real_ip_from $network;"; done
  printf 'real_ip_header %s;\nreal_ip_recursive on;\n' "$header"
  echo 'geo $realip_remote_addr $reported_by {'
  echo '  default none;'
  for network in "$@"; do echo "  $network $reported_by;"; done
  echo '}'
} >"$run/front.conf"
[ $# -eq 0 ] || log "client addresses from $header of $*"

# Limits an address by the application's settings of the same names. Handshakes and requests have a burst of four seconds; nginx
# does not count the first one as burst. Connections are those with a request or an open WebSocket without a token. Their limit
# is twice the application's number, so that requests have room beside the sessions.
number() { # NAME VALUE UNIT
  matches "$2" '0|[1-9][0-9]{0,9}' || fail "$1 must be a whole number of $3 (it is $2); 0 turns the limit off"
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
# Sets no limit over 65535, which is the highest that nginx takes.
if [ "$connections" != 0 ] && [ "$connections" -le 32767 ]; then
  echo "limit_conn_zone \$limit_connections zone=connections:10m;" >>"$run/handshakes.conf"
  printf 'limit_conn connections %s;\nlimit_conn_status 429;\n' $((connections * 2)) >>"$run/address-limits.conf"
fi

# Limits that follow the application's settings of the same names, so that the application ends what is too slow or too long,
# by its own rules. nginx ends what the application cannot see: a request before it has its headers, and either side when it
# has vanished.
heartbeat=${HEARTBEAT_MS:-25000}
handshake_timeout=${HANDSHAKE_TIMEOUT_MS:-10000}
response_timeout=${RESPONSE_TIMEOUT_MS:-30000}
header_bytes=${MAX_HEADER_BYTES:-16384}
sessions=${MAX_CONNECTIONS:-0}
reload_grace=${RELOAD_GRACE_SECONDS:-3600}
number HEARTBEAT_MS "$heartbeat" milliseconds
[ "$heartbeat" != 0 ] || fail 'HEARTBEAT_MS must be at least 1'
number HANDSHAKE_TIMEOUT_MS "$handshake_timeout" milliseconds
number RESPONSE_TIMEOUT_MS "$response_timeout" milliseconds
number MAX_HEADER_BYTES "$header_bytes" bytes
matches "$sessions" '0|[1-9][0-9]{0,15}' || fail "MAX_CONNECTIONS must be a whole number of connections (it is $sessions)"
number RELOAD_GRACE_SECONDS "$reload_grace" seconds
# Prints a multiple of a time of the application; a day where the application has no limit.
multiple() { # FACTOR MILLISECONDS
  [ "$2" != 0 ] || set -- 1 86400000
  echo "$(($1 * $2))ms"
}
{
  echo "client_header_timeout $(multiple 1 "$handshake_timeout");"
  echo "client_body_timeout $(multiple 2 "$handshake_timeout");"
  # One line as long as all headers may be, and room for a longer one, which the application then refuses.
  echo "large_client_header_buffers 4 $((header_bytes + 8192));"
  echo "proxy_read_timeout $(multiple 2 "$response_timeout");"
  echo "proxy_send_timeout $(multiple 10 "$response_timeout");"
  # Between two writes. A slow client frees the system's buffer in steps of a megabyte, for which the application waits at
  # most eight periods longer.
  echo "send_timeout $(multiple 10 "$response_timeout");"
} >"$run/limits.conf"
{
  # A live WebSocket always has a ping within three heartbeats. Towards the client see above.
  echo "proxy_read_timeout ${IDLE_TIMEOUT:-$(multiple 3 "$heartbeat")};"
  echo "send_timeout $(multiple 10 "$heartbeat");"
  # The application does not read from a session for as long as that session reads slowly.
  echo "proxy_send_timeout $(multiple 1 0);"
} >"$run/websocket-limits.conf"
# A WebSocket takes two connections of a worker, and a worker may get all of them. A worker allocates 400 bytes for each
# connection at its start, hence the highest number.
if [ "$sessions" = 0 ]; then connections=32768; else connections=$((2 * sessions + 1024)); fi
[ "$connections" -le 262144 ] || connections=262144
echo "worker_connections $connections;" >"$run/events.conf"
{
  echo "worker_rlimit_nofile $((connections + 1024));"
  # Old workers serve their connections for so long after a reload.
  [ "$reload_grace" = 0 ] || echo "worker_shutdown_timeout ${reload_grace}s;"
} >"$run/workers.conf"

# Listens on IPv6 beside a plain port, where there is IPv6. Without it Docker hands over IPv6 clients under its own address.
listen() { # ADDRESS OPTIONS
  echo "listen $1 default_server$2$listen_option;"
  ! matches "$1" '[0-9]+' || [ ! -e /proc/net/if_inet6 ] || echo "listen [::]:$1 default_server$2$listen_option;"
}
{
  listen "$HTTP_LISTEN" ''
  listen "$HTTPS_LISTEN" ' ssl'
  # The health check uses the Unix socket, because it sends no PROXY header; only this container reaches the socket.
  echo "listen unix:$run/health.sock ssl;"
} >"$run/listen.conf"

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
