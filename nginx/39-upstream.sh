#!/bin/sh
# Runs before nginx starts. Writes the addresses of the application into a file that the configuration includes, and starts a
# watcher that writes the file anew and reloads nginx when they change. APP is a list of
#   unix:/run/switchboard         the sockets 0.sock to 15.sock of a folder, those that exist
#   unix:/run/switchboard/0.sock  one socket
#   app:3000, [2001:db8::5]:3000  a host and a port
# A name is resolved by the C library, so by /etc/hosts and the name servers of /etc/resolv.conf. nginx itself never
# resolves, so no request waits for a name server. While a name cannot be resolved, its last addresses stay in use.
# A reload leaves a worker behind until its last WebSocket ends. So an address stays in use until it was absent for 15 checks,
# because a name server may answer a part of the addresses in turn, and two reloads are at least 5 checks apart.
set -euf
APP=${APP:-unix:/run/switchboard}
run=${TLS_DIR:-/run/tls}
target=$run/upstream.conf
seconds=${APP_CHECK_SECONDS:-2}
keep=15 # checks
gap=5
pid=${NGINX_PID:-/run/nginx.pid}
export RES_OPTIONS='timeout:1 attempts:1' # the watcher asks again soon

log() { echo "switchboard: $*"; }
fail() { log "$@" >&2 && exit 78; }

check() { # ENTRY
  echo "$1" | grep -Eq '^(unix:/[A-Za-z0-9._/-]+|([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})$' ||
    fail "APP must list unix:/FOLDER, unix:/FOLDER/NAME.sock or HOST:PORT (it contains $1)"
  case $1 in unix:*) return ;; esac
  case ${1##*:} in 0*) port=0 ;; *) port=${1##*:} ;; esac
  { [ "$port" -ge 1 ] && [ "$port" -le 65535 ]; } || fail "APP: a port is from 1 to 65535 (it contains $1)"
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

# Prints the addresses of a host, IPv4 ones where it has any, and those absent for a short time. A file has them with the number
# of checks since they were seen. Marks a host that cannot be resolved. Fails where a file cannot be written.
addresses() { # HOST PORT
  known=$run/addresses-$1-$2
  if { found=$(getent ahostsv4 "$1") || found=$(getent ahosts "$1"); } && [ -n "$found" ]; then
    {
      echo "$found" | awk '{ print $1, 0 }'
      [ ! -e "$known" ] || awk -v keep="$keep" '$2 < keep { print $1, $2 + 1 }' "$known"
    } | sort -k 1,1 -k 2,2n | awk '$1 != last { print; last = $1 }' >"$known.new" && mv "$known.new" "$known" || return 1
  else
    printf '%s ' "$1" >>"$run/unresolved.new" || return 1
  fi
  [ ! -e "$known" ] || while read -r address _; do
    case $address in *:*) server "[$address]:$2" ;; *) server "$address:$2" ;; esac
  done <"$known"
}

# Prints the servers of APP. An upstream needs one; without an address it gets a server that is down. Fails as `addresses` does.
none="server unix:$run/none.sock down;"
servers() {
  rm -f "$run/unresolved.new" || return 1
  list=$(for entry in $APP; do
    case $entry in
      unix:*) sockets "${entry#unix:}" ;;
      \[*) server "$entry" ;;
      *) addresses "${entry%:*}" "${entry##*:}" || exit 1 ;;
    esac
  done) || return 1
  echo "${list:-$none}"
}

# Logs each change of the names that cannot be resolved. The health check of the container looks for the file.
report() {
  before=$(cat "$run/unresolved" 2>/dev/null || true)
  now=$(cat "$run/unresolved.new" 2>/dev/null || true)
  if [ -n "$now" ]; then mv "$run/unresolved.new" "$run/unresolved"; else rm -f "$run/unresolved"; fi || return 1
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

# Replaces the file as a whole, because the watcher of certificates may have nginx read it at any time.
write() { # LIST
  echo "$1" >"$target.new" && mv "$target.new" "$target"
}

# Logs a fault that lasts once.
complain() { # TEXT
  [ "$1" = "$fault" ] || log "$1" >&2
  fault=$1
}

reload() {
  if output=$(nginx -t -q -c "${NGINX_CONF:-/etc/nginx/nginx.conf}" 2>&1); then
    kill -HUP "$(cat "$pid")" && show
  else
    complain "cannot reload the addresses of the application: $(echo "$output" | head -n 1)" && return 1
  fi
}

# Repeats an attempt that failed, because nginx may not have started yet.
watch() {
  served=$(cat "$target")
  since=$gap # the last reload, in checks
  fault=''
  log "watching the addresses of the application every $seconds s"
  while sleep "$seconds"; do
    since=$((since + 1))
    if ! list=$(servers) || ! report; then
      complain "cannot write to $run, keeping the addresses of the application"
    elif [ "$list" = "$served" ]; then
      fault=''
    elif [ "$since" -ge "$gap" ] || [ "$served" = "$none" ]; then
      if ! write "$list"; then
        complain "cannot write $target, keeping the addresses of the application"
      elif reload; then
        served=$list since=0 fault=''
      fi
    fi
  done
}

if [ "${1:-}" = watch ]; then watch; fi
[ -z "${RESOLVER:-}" ] || log "RESOLVER is not used: name servers are those of /etc/resolv.conf" >&2
for entry in $APP; do check "$entry"; done
mkdir -p "$run"
rm -f "$run/unresolved"
list=$(servers)
write "$list"
report
show
[ "${1:-}" = once ] || sh "$0" watch &
