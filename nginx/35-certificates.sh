#!/bin/sh
# Runs in the container before nginx starts and puts two links into /run/tls, where the configuration looks: to the
# operator's certificate if there is one (TLS_CERT_DIR), else to one of our own making, kept in a volume.
set -eu
run=${TLS_DIR:-/run/tls}
theirs=${MOUNTED_TLS:-/etc/switchboard/tls} # TLS_CERT_DIR of the host
ours=${LOCAL_TLS:-/certs}                   # a volume: made once, never overwritten

say() { echo "switchboard: $*"; }
fail() { say "$@" >&2 && exit 78; }

link() {
  mkdir -p "$run"
  ln -sf "$1" "$run/fullchain.pem"
  ln -sf "$2" "$run/privkey.pem"
}

# Only who has a certificate that browsers trust may have them remember that this name is never served without one: a local
# authority that is thrown away would lock them out.
promise() {
  case ${HSTS_SECONDS:-63072000} in
    *[!0-9]*) fail "HSTS_SECONDS must be a whole number of seconds (it is $HSTS_SECONDS); 0 is no promise" ;;
    *[!0]*) printf "on 'max-age=%s';\n" "${HSTS_SECONDS:-63072000}" >"$run/hsts.map" ;;
  esac
}

rm -f "$run/hsts.map"
if [ -n "${ACME_HOSTS:-}" ] && [ ! -e "$theirs/privkey.pem" ]; then
  say "certbot has no certificate for $ACME_HOSTS yet; until it has one:"
elif [ -n "${TLS_CERT_DIR:-}" ]; then
  for file in fullchain.pem privkey.pem; do
    [ ! -L "$theirs/$file" ] || [ -e "$theirs/$file" ] ||
      fail "$TLS_CERT_DIR/$file is a link that leads out of this folder, where the container cannot follow;" \
        "give TLS_CERT_DIR a folder that holds the files themselves (cp -L)"
    [ -r "$theirs/$file" ] || fail "TLS_CERT_DIR is set, but $TLS_CERT_DIR/$file is missing or cannot be read"
  done
  link "$theirs/fullchain.pem" "$theirs/privkey.pem"
  promise
  say "TLS with the certificate in $TLS_CERT_DIR"
  exit 0
fi

set -f
hosts=''
for host in ${TLS_HOSTS:-localhost 127.0.0.1 ::1}; do hosts="$hosts --host $host"; done
# shellcheck disable=SC2086 # a list of words, on purpose
if said=$(sh "${MAKE_CERTS:-/usr/local/bin/make-certs}" --out "$ours" $hosts 2>&1); then
  say "TLS with a certificate of a local authority for ${TLS_HOSTS:-localhost 127.0.0.1 ::1}"
elif [ -e "$ours/server.crt" ] && [ -e "$ours/server.key" ]; then
  # An old certificate serves better than none; the operator decides when it is replaced.
  say "$said" >&2
  say "to replace it: docker compose exec nginx make-certs --force --out $ours$hosts" >&2
else
  fail "$said"
fi
openssl x509 -in "$ours/server.crt" -noout -checkend 2592000 >/dev/null ||
  say "the certificate ends within 30 days; to renew it:" \
    "docker compose exec nginx make-certs --force --out $ours$hosts" >&2
link "$ours/server.crt" "$ours/server.key"
say "the authority is $ours/ca.crt; copy it out with: docker compose cp nginx:$ours/ca.crt ca.crt"
say "then trust it in your browser or system, or for one program: curl --cacert ca.crt, NODE_EXTRA_CA_CERTS=ca.crt"
