#!/bin/sh
# Runs before nginx starts. Links the TLS certificate and key into TLS_DIR, where the configuration reads them: the
# operator's pair where TLS_CERT_DIR is set, else a pair of a local authority, which is made once and kept in a volume.
set -eu
run=${TLS_DIR:-/run/tls}
operator_dir=${MOUNTED_TLS:-/etc/switchboard/tls} # TLS_CERT_DIR of the host
local_dir=${LOCAL_TLS:-/certs}                    # a volume; files in it are never overwritten

log() { echo "switchboard: $*"; }
fail() { log "$@" >&2 && exit 78; }

link() {
  mkdir -p "$run"
  ln -sf "$1" "$run/fullchain.pem"
  ln -sf "$2" "$run/privkey.pem"
}

# Enables HSTS. Only an operator's certificate gets it, because browsers that remember HSTS for a local authority would be
# locked out once that authority is removed.
enable_hsts() {
  case ${HSTS_SECONDS:-63072000} in
    *[!0-9]* | 0?*) fail "HSTS_SECONDS must be a whole number of seconds (it is $HSTS_SECONDS); 0 turns HSTS off" ;;
    *[!0]*) printf "on 'max-age=%s';\n" "${HSTS_SECONDS:-63072000}" >"$run/hsts.map" ;;
  esac
}

rm -f "$run/hsts.map"
if [ -n "${ACME_HOSTS:-}" ] && [ ! -e "$operator_dir/privkey.pem" ]; then
  log "no certificate from certbot for $ACME_HOSTS yet; using a local certificate until then"
elif [ -n "${TLS_CERT_DIR:-}" ]; then
  for file in fullchain.pem privkey.pem; do
    [ ! -L "$operator_dir/$file" ] || [ -e "$operator_dir/$file" ] ||
      fail "cannot follow the link $TLS_CERT_DIR/$file, which leads out of the mounted folder;" \
        "set TLS_CERT_DIR to a folder that holds the files themselves (cp -L)"
    [ -r "$operator_dir/$file" ] ||
      fail "cannot read $TLS_CERT_DIR/$file; TLS_CERT_DIR must hold fullchain.pem and privkey.pem"
  done
  link "$operator_dir/fullchain.pem" "$operator_dir/privkey.pem"
  enable_hsts
  log "TLS certificate: $TLS_CERT_DIR"
  exit 0
fi

set -f
hosts=''
for host in ${TLS_HOSTS:-localhost 127.0.0.1 ::1}; do hosts="$hosts --host $host"; done
# shellcheck disable=SC2086 # a list of words, on purpose
if output=$(sh "${MAKE_CERTS:-/usr/local/bin/make-certs}" --out "$local_dir" $hosts 2>&1); then
  log "TLS certificate: local authority, for ${TLS_HOSTS:-localhost 127.0.0.1 ::1}"
elif [ -e "$local_dir/server.crt" ] && [ -e "$local_dir/server.key" ]; then
  # Serve the old certificate, because the operator decides when it is replaced.
  log "$output" >&2
  log "to replace the certificate: docker compose exec nginx make-certs --force --out $local_dir$hosts" >&2
else
  fail "$output"
fi
openssl x509 -in "$local_dir/server.crt" -noout -checkend 2592000 >/dev/null ||
  log "the local certificate expires within 30 days;" \
    "to renew the certificate: docker compose exec nginx make-certs --force --out $local_dir$hosts" >&2
link "$local_dir/server.crt" "$local_dir/server.key"
log "local authority: $local_dir/ca.crt; to copy it: docker compose cp nginx:$local_dir/ca.crt ca.crt"
log "to trust the authority: import ca.crt into the browser or system, or use curl --cacert ca.crt, NODE_EXTRA_CA_CERTS=ca.crt"
