#!/bin/sh
# Makes a local certificate authority and certificates signed by it. Used by `npm run certs`, the nginx container and
# the tests. Needs a POSIX shell and openssl 3, and no privileges.
set -euf # f: a wildcard such as *.example.com is a host name, not a file pattern
export LC_ALL=C

usage() {
  cat <<'USAGE'
usage: make-certs.sh [--host NAME]... [--client NAME]... [--out DIR] [--days N] [--force]

  --host NAME    a name of the server: example.com, '*.example.com', 10.0.0.5 or 2001:db8::1; may be repeated
                 (default: localhost 127.0.0.1 ::1)
  --client NAME  also make NAME.crt and NAME.key, a client certificate; may be repeated
  --out DIR      the output folder (default: ./certs)
  --days N       validity of new certificates, 1 to 825 (default: 397)
  --force        replace the files of the server and the named clients; keep the authority

Writes ca.crt, ca.key, server.crt and server.key. Existing files are kept, and an existing authority is used.
USAGE
}

log() { printf 'make-certs: %s\n' "$*"; } # not echo, which interprets backslashes in a path
# Ends the script with a code of sysexits.h: 64 bad usage, 69 openssl missing, 73 cannot write, 65 bad file.
fail() {
  code=$1 && shift
  log "$@" >&2
  exit "$code"
}

# Prints a host as an entry of subjectAltName, DNS:… or IP:…; prints nothing for an invalid host.
san() {
  name=$1 awk '
    function ipv4(text,   parts, count, i) {
      count = split(text, parts, ".")
      for (i = 1; i <= count; i++) if (parts[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || parts[i] > 255) return 0
      return count == 4
    }
    function ipv6(text,   parts, count, i, groups, gaps) {
      if (text !~ /:.*:/ || text ~ /:::/ || text ~ /^:[^:]/ || text ~ /[^:]:$/) return 0
      gaps = gsub(/::/, ":-:", text)
      count = split(text, parts, ":")
      for (i = 1; i <= count; i++) {
        if (parts[i] == "-" || parts[i] == "") continue
        if (i == count && ipv4(parts[i])) groups++
        else if (parts[i] !~ /^[0-9A-Fa-f][0-9A-Fa-f]?[0-9A-Fa-f]?[0-9A-Fa-f]?$/) return 0
        groups++
      }
      return gaps == 0 ? groups == 8 : gaps == 1 && groups < 8
    }
    function dns(text,   parts, count, i) {
      if (length(text) > 253) return 0
      count = split(text, parts, ".")
      # Reject a wildcard directly under a top-level domain, because no client accepts one.
      if (parts[1] == "*" && count < 3 || parts[count] ~ /^[0-9]+$/) return 0
      for (i = parts[1] == "*" ? 2 : 1; i <= count; i++)
        if (length(parts[i]) > 63 || parts[i] !~ /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/) return 0
      return 1
    }
    BEGIN {
      host = ENVIRON["name"]
      if (ipv4(host) || ipv6(host)) print "IP:" host
      else if (dns(host)) print "DNS:" tolower(host)
    }'
}

names='' hosts='' clients='' out=./certs days=397 force=no
while [ $# -gt 0 ]; do
  option=$1
  case $option in
    --force) force=yes && shift && continue ;;
    --help | -h) usage && exit 0 ;;
    --host | --client | --out | --days) ;;
    *) usage >&2 && fail 64 "$option: unknown option" ;;
  esac
  [ $# -gt 1 ] && [ -n "$2" ] || fail 64 "$option: needs a value"
  value=$2 && shift 2
  case $option in
    --host)
      entry=$(san "$value")
      [ -n "$entry" ] || fail 64 "--host $value: not a DNS name, a wildcard like *.example.com, or an IP address" \
        "(no scheme, port or path; an international name in its xn-- form)"
      case $names, in *",$entry,"*) continue ;; esac
      names=$names,$entry hosts="$hosts $value"
      ;;
    --client)
      case $value in
        # In any case, because some file systems do not distinguish CA.key and ca.key.
        [Cc][Aa] | [Ss][Ee][Rr][Vv][Ee][Rr]) fail 64 "--client $value: the file $value.key is reserved; choose another name" ;;
        [!A-Za-z0-9]* | *[!A-Za-z0-9._@-]*) fail 64 "--client $value: letters, digits and . _ @ - only" ;;
      esac
      [ ${#value} -le 64 ] || fail 64 "--client $value: at most 64 characters"
      clients="$clients $value"
      ;;
    --out) out=$value ;;
    --days)
      case $value in 0* | *[!0-9]* | ????*) value=0 ;; esac
      # Apple's systems accept at most 825 days, even from an authority that the user trusts.
      { [ "$value" -ge 1 ] && [ "$value" -le 825 ]; } || fail 64 "--days: must be a whole number from 1 to 825"
      days=$value
      ;;
  esac
done
[ -n "$names" ] || names=,DNS:localhost,IP:127.0.0.1,IP:::1
names=${names#,} hosts=${hosts# }
common=${hosts%% *}
# A common name has at most 64 characters. Clients check subjectAltName instead.
{ [ -n "$common" ] && [ ${#common} -le 64 ]; } || common=Switchboard

command -v openssl >/dev/null || fail 69 'the openssl command is missing; install it with your package manager'
case $out in -*) out=./$out ;; esac
mkdir -p "$out" && [ -w "$out" ] || fail 73 "$out: cannot write; choose another folder with --out"
umask 077 # create private keys readable by their owner alone
work=$(mktemp -d "$out/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Use this configuration, so that the machine's openssl.cnf has no effect.
cat >"$work/openssl.cnf" <<CONFIG
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $names
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONFIG

# Runs openssl quietly; prints its last message only on failure.
ssl() { openssl "$@" 2>"$work/output" || fail 70 "openssl $1 failed: $(tail -n 1 "$work/output")"; }
serial() { echo "0x01$(openssl rand -hex 15)"; } # positive, unique, and 120 random bits as browsers ask for
new_key() { ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$1.key"; }

# Returns whether a pair exists. Fails for half a pair, which is neither used nor completed.
have() {
  [ -e "$out/$1.crt" ] || [ -e "$out/$1.key" ] || return 1
  { [ -e "$out/$1.crt" ] && [ -e "$out/$1.key" ]; } ||
    fail 73 "$out has only one of $1.crt and $1.key; restore the missing file, or remove the other"
}

# Fails unless the key matches the certificate, for any kind of key.
check_key() {
  ssl x509 -in "$out/$1.crt" -noout -pubkey >"$work/a"
  ssl pkey -in "$out/$1.key" -pubout >"$work/b"
  cmp -s "$work/a" "$work/b" || fail 65 "$out/$1.key is not the key of $out/$1.crt"
}

# Fails unless the authority signed a certificate that has not expired; the error ends with the remedy.
check_certificate() { # FILE REMEDY
  openssl verify -partial_chain -trusted "$out/ca.crt" "$1" >"$work/output" 2>&1 ||
    fail 65 "$out/ca.crt does not verify ${1##*/}: $(sed -n '/.* lookup: */{s///p;q;}' "$work/output"); $2"
}

# Keeps an existing pair, if it is valid.
keep() {
  check_key "$1"
  check_certificate "$out/$1.crt" 'use --force for a new one'
  log "kept $out/$1.crt"
}

# Installs a finished pair, the key first, so that a certificate never lacks its key.
publish() {
  chmod 644 "$work/$1.crt"
  mv -f "$work/$1.key" "$out/$1.key" && mv -f "$work/$1.crt" "$out/$1.crt"
  log "wrote $out/$1.crt and $out/$1.key"
}

make_authority() {
  new_key ca
  # The random part distinguishes the authorities of several installations in a browser's list.
  ssl req -x509 -new -sha256 -config "$work/openssl.cnf" -extensions ca -days 3650 -set_serial "$(serial)" \
    -subj "/O=Switchboard/CN=Switchboard local CA $(openssl rand -hex 4)" -key "$work/ca.key" -out "$work/ca.crt"
  publish ca
}

check_authority() {
  check_key ca # the authority may be a company's own
  openssl x509 -in "$out/ca.crt" -noout -checkend $((days * 86400)) >"$work/output" 2>&1 ||
    fail 65 "$out/ca.crt expires in fewer than $days days; use a lower --days, or remove ca.crt and ca.key for a new one"
}

# sign NAME SECTION COMMON-NAME
sign() {
  new_key "$1"
  ssl req -new -sha256 -config "$work/openssl.cnf" -subj "/CN=$3" -key "$work/$1.key" -out "$work/$1.csr"
  ssl x509 -req -sha256 -in "$work/$1.csr" -CA "$out/ca.crt" -CAkey "$out/ca.key" -set_serial "$(serial)" \
    -days "$days" -extfile "$work/openssl.cnf" -extensions "$2" -out "$work/$1.crt"
  check_certificate "$work/$1.crt" 'ca.crt must be the certificate of an authority'
  publish "$1"
}

# Prints the hosts of --host that the existing server certificate is not valid for.
uncovered() {
  for host in $hosts; do
    # For a wildcard, check any name under it.
    case $(san "$host") in
      IP:*) answer=$(openssl x509 -in "$out/server.crt" -noout -checkip "$host") ;;
      *) answer=$(openssl x509 -in "$out/server.crt" -noout -checkhost "$(echo "$host" | sed 's/^\*/any/')") ;;
    esac
    case $answer in *'does match'*) ;; *) printf ' %s' "$host" ;; esac
  done
}

trust() {
  cat <<TRUST

To trust these certificates on a device, import $out/ca.crt (never ca.key):
  Chromium  chrome://certificate-manager > Custom > Import; or on Linux, with the package libnss3-tools:
            mkdir -p ~/.pki/nssdb && certutil -d sql:\$HOME/.pki/nssdb -A -t C,, -n switchboard -i $out/ca.crt
  Firefox   Settings > Privacy & Security > View Certificates > Authorities > Import
  system    Debian, Ubuntu: sudo cp $out/ca.crt /usr/local/share/ca-certificates/switchboard.crt && sudo update-ca-certificates
            macOS: sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain $out/ca.crt
            Windows: certutil -addstore -f Root $out/ca.crt
  Postman   Settings > Certificates > CA certificates
  Node.js   NODE_EXTRA_CA_CERTS=$out/ca.crt
TRUST
}

if have ca; then check_authority; else make_authority; fi

missing=''
if [ "$force" = no ] && have server; then
  keep server
  missing=$(uncovered)
else
  sign server server "$common"
fi

for client in $clients; do
  if [ "$force" = no ] && have "$client"; then keep "$client"; else sign "$client" client "$client"; fi
done

[ -z "$missing" ] || fail 73 "$out/server.crt is not for$missing; use --force for a new one with the hosts of --host"
trust
