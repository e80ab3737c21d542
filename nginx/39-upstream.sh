#!/bin/sh
# Runs before nginx starts. Writes the addresses of the application into a file that the configuration includes, and starts a
# watcher that writes the file anew and reloads nginx when they change. APP is a list of
#   unix:/run/switchboard         the sockets 0.sock to 15.sock of a folder, those that exist
#   unix:/run/switchboard/0.sock  one socket
#   app:3000, [2001:db8::5]:3000  a host and a port
# A name is resolved by the C library, so by /etc/hosts and the name servers of /etc/resolv.conf. nginx itself never
# resolves, so no request waits for a name server. While a name cannot be resolved, its last addresses stay in use.
set -euf
APP=${APP:-unix:/run/switchboard}
run=${TLS_DIR:-/run/tls}
target=$run/upstream.conf
seconds=${APP_CHECK_SECONDS:-2}
pid=${NGINX_PID:-/run/nginx.pid}
export RES_OPTIONS='timeout:1 attempts:1' # the watcher asks again soon

log() { echo "switchboard: $*"; }
fail() { log "$@" >&2 && exit 78; }

check() { # ENTRY
  echo "$1" | grep -Eq '^(unix:/[A-Za-z0-9._/-]+|([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})$' ||
    fail "APP must list unix:/FOLDER, unix:/FOLDER/NAME.sock or HOST:PORT (it contains $1)"
}

server() { echo "server $1 max_fails=0;"; }

# Prints the sockets of an entry that exist. nginx logs the whole request line for a missing one, and nothing for a socket
# that refuses, such as that of a node that has ended.
sockets() { # PATH
  case $1 in
    *.sock) [ ! -S "$1" ] || server "unix:$1" ;;
    *)
      for slot in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        [ ! -S "${1%/}/$slot.sock" ] || server "unix:${1%/}/$slot.sock"
      done
      ;;
  esac
}

# Prints the addresses of a host, IPv4 ones where it has any. Marks a host that cannot be resolved.
addresses() { # HOST PORT
  known=$run/addresses-$1
  if { found=$(getent ahostsv4 "$1") || found=$(getent ahosts "$1"); } && [ -n "$found" ]; then
    echo "$found" | while read -r address _; do echo "$address"; done | sort -u >"$known.new"
    mv "$known.new" "$known"
  else
    printf '%s ' "$1" >>"$run/unresolved.new"
  fi
  [ ! -e "$known" ] || while read -r address; do
    case $address in *:*) server "[$address]:$2" ;; *) server "$address:$2" ;; esac
  done <"$known"
}

# Prints the servers of APP. An upstream needs one; without an address it gets a server that is down.
servers() {
  rm -f "$run/unresolved.new"
  list=$(for entry in $APP; do
    case $entry in
      unix:*) sockets "${entry#unix:}" ;;
      \[*) server "$entry" ;;
      *) addresses "${entry%:*}" "${entry##*:}" ;;
    esac
  done)
  echo "${list:-server unix:$run/none.sock down;}"
}

# Logs each change of the names that cannot be resolved. The health check of the container looks for the file.
report() {
  before=$(cat "$run/unresolved" 2>/dev/null || true)
  now=$(cat "$run/unresolved.new" 2>/dev/null || true)
  if [ -n "$now" ]; then mv "$run/unresolved.new" "$run/unresolved"; else rm -f "$run/unresolved"; fi
  [ "$now" != "$before" ] || return 0
  if [ -n "$now" ]; then
    log "cannot resolve ${now}of APP; using the last known addresses" >&2
  else
    log "resolved ${before}of APP again"
  fi
}

# Logs the addresses that nginx uses.
show() {
  list=$(sed -n 's/^server \(.*\) max_fails=0;$/\1/p' "$target")
  log "application: $(echo ${list:-none yet})"
}

reload() {
  if output=$(nginx -t -q -c "${NGINX_CONF:-/etc/nginx/nginx.conf}" 2>&1); then
    kill -HUP "$(cat "$pid")" && show
  else
    log "cannot reload the addresses of the application: $(echo "$output" | head -n 1)" >&2 && return 1
  fi
}

# Repeats an attempt that failed, because nginx may not have started yet.
watch() {
  served=$(cat "$target")
  log "watching the addresses of the application every $seconds s"
  while sleep "$seconds"; do
    list=$(servers)
    report
    [ "$list" != "$served" ] || continue
    echo "$list" >"$target"
    ! reload || served=$list
  done
}

if [ "${1:-}" = watch ]; then watch; fi
[ -z "${RESOLVER:-}" ] || log "RESOLVER is not used: name servers are those of /etc/resolv.conf" >&2
for entry in $APP; do check "$entry"; done
mkdir -p "$run"
rm -f "$run/unresolved"
servers >"$target"
report
show
[ "${1:-}" = once ] || sh "$0" watch &
