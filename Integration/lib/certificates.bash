# Certificates and keys for TLS, as QEMU, nbdkit and libnbd lay them out.

# make_authority DIR: an authority that can sign certificates, in DIR.
make_authority() {
  mkdir -p "$1"
  request_certificate "$1/ca" "/CN=authority of $1"
}

# make_certificate AUTHORITY ROLE DIR NAME [ALTERNATIVE_NAME...]: ROLE (server or client) calls itself
# NAME, in DIR together with the authority's certificate.
make_certificate() {
  local authority=$1 role=$2 directory=$3 name=$4
  shift 4
  mkdir -p "$directory"
  cp "$authority/ca-cert.pem" "$directory/"
  local alternatives
  alternatives=$(IFS=,; echo "$*")
  request_certificate "$directory/$role" "/CN=$name" -CA "$authority/ca-cert.pem" \
    -CAkey "$authority/ca-key.pem" -addext basicConstraints=critical,CA:FALSE \
    ${alternatives:+-addext "subjectAltName=$alternatives"}
}

# date_certificate AUTHORITY DIR ROLE FROM UNTIL: the certificate in DIR is signed anew, and is valid from
# FROM until UNTIL, which date(1) understands.
date_certificate() {
  local from until subject
  from=$(date -u --date "$4" +%Y%m%d%H%M%SZ)
  until=$(date -u --date "$5" +%Y%m%d%H%M%SZ)
  subject=$(openssl x509 -in "$2/$3-cert.pem" -noout -subject -nameopt compat)
  openssl req -new -key "$2/$3-key.pem" -subj "${subject#subject=}" -out request.pem
  touch "$1/database"
  printf '%s\n' '[ca]' 'default_ca=c' '[c]' "database=$1/database" 'policy=p' 'rand_serial=yes' \
    'unique_subject=no' 'default_md=sha256' "new_certs_dir=$1" '[p]' 'commonName=supplied' \
    >"$1/configuration"
  openssl ca -batch -config "$1/configuration" -cert "$1/ca-cert.pem" -keyfile "$1/ca-key.pem" \
    -in request.pem -out "$2/$3-cert.pem" -notext -startdate "$from" -enddate "$until" \
    2>openssl.log || die "$(cat openssl.log)"
}

# request_certificate PREFIX SUBJECT [OPTION...]: PREFIX-key.pem and PREFIX-cert.pem.
request_certificate() {
  local prefix=$1 subject=$2
  shift 2
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj "$subject" \
    -keyout "$prefix-key.pem" -out "$prefix-cert.pem" "$@" 2>openssl.log ||
    die "$(cat openssl.log)"
  chmod 600 "$prefix-key.pem"
}
