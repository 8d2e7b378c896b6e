#!/bin/sh
# Makes throw-away certificates for the tests: tests/mkcert.sh DIR
#
#   ca.pem             the CA to trust (other-ca.pem: one that issued nothing)
#   ec.pem ec.key      localhost, *.localhost, *.cos.localhost (OpenSSL takes no
#                      wildcard right below a top-level name), 127.0.0.1, ::1;
#                      P-256
#   rsa.pem rsa.key    the same with RSA-2048
#   expired.pem        ec.key's, expired; future.pem: not yet valid
#   wrong.pem          ec.key's, for wrong.example only
#   chain.pem chain.key  by an intermediate CA (inter.pem), leaf first
#   self.pem self.key  self-signed, no CA
set -eu
LC_ALL=C
export LC_ALL

mkdir -p "$1"
cd "$1"
exec 3>&2 2>mkcert.log
trap 'test $? -eq 0 || cat mkcert.log >&3' EXIT

ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

cat >ca.cnf <<'END'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = cosftpd test CA
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
serial = serial.txt
default_md = sha256
policy = any
email_in_dn = no
unique_subject = no
[any]
commonName = supplied
[v3_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[v3_leaf]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost, DNS:*.localhost, DNS:*.cos.localhost, IP:127.0.0.1, IP:::1
[v3_wrong]
basicConstraints = CA:FALSE
subjectAltName = DNS:wrong.example
END
: >index.txt
echo 1000 >serial.txt

# root NAME CN
root() {
	ec "$1.key"
	openssl req -x509 -new -config ca.cnf -key "$1.key" -subj "/CN=$2" \
	    -days 30 -extensions v3_ca -out "$1.pem"
}

# issue OUT KEY CN EXTENSIONS CA FROM TO
issue() {
	openssl req -new -config ca.cnf -key "$2" -subj "/CN=$3" -out tmp.csr
	openssl ca -batch -notext -config ca.cnf -cert "$5.pem" \
	    -keyfile "$5.key" -extensions "$4" -startdate "$6" -enddate "$7" \
	    -in tmp.csr -out "$1"
}

from=20200101000000Z
to=20491231235959Z
root ca "cosftpd test CA"
root other-ca "some other CA"
ec ec.key
ec chain.key
ec inter.key
ec self.key
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key

issue ec.pem ec.key localhost v3_leaf ca $from $to
issue rsa.pem rsa.key localhost v3_leaf ca $from $to
issue wrong.pem ec.key wrong.example v3_wrong ca $from $to
issue expired.pem ec.key localhost v3_leaf ca $from 20210101000000Z
issue future.pem ec.key localhost v3_leaf ca 20480101000000Z $to
issue inter.pem inter.key "cosftpd test intermediate" v3_ca ca $from $to
issue leaf.pem chain.key localhost v3_leaf inter $from $to
cat leaf.pem inter.pem >chain.pem
openssl req -x509 -new -config ca.cnf -key self.key -subj /CN=localhost \
    -days 30 -extensions v3_leaf -out self.pem
rm -f tmp.csr index.txt* serial.txt* ca.cnf [0-9A-F]*.pem
