#!/usr/bin/env bash
# Signs the checksums in a directory as cosign verify-blob --key wants it: base64 of an ECDSA signature over their SHA-256. openssl signs with a
# key in PEM; cosign, which COSIGN runs, with a key of its own or in a KMS. COSIGN_PASSWORD is the password of either. The signature is in no
# transparency log.
# usage: testdata/release/sign.sh KEY FOLDER
set -euo pipefail

failed() { echo "$*" >&2; exit 2; }

[ -n "${1:-}" ] || failed "name the key: make sign KEY=FILE"
key=$1 sums=$2/checksums.txt
[ -f "$sums" ] || failed "$2 has no checksums.txt: run make release"
[ -e "$key" ] || [[ $key == *://* ]] || failed "there is no key $key: make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -out $key"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# Neither key nor signature is in the directory unless both are right.
if [[ $key == *://* ]] || grep -qE 'BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY' "$key"; then
	${COSIGN:-cosign} public-key --key "$key" --outfile "$made/cosign.pub"
	${COSIGN:-cosign} sign-blob --yes --key "$key" --tlog-upload=false --output-signature "$made/checksums.txt.sig" "$sums"
else
	password=()
	if [ -n "${COSIGN_PASSWORD+set}" ]; then password=(-passin env:COSIGN_PASSWORD); fi
	openssl pkey -in "$key" "${password[@]}" -pubout -out "$made/cosign.pub"
	openssl pkey -pubin -in "$made/cosign.pub" -noout -text | grep -q 'NIST CURVE: P-256' || failed "$key is no key of the curve P-256: make one with openssl genpkey"
	openssl dgst -sha256 -sign "$key" "${password[@]}" "$sums" | base64 -w 0 > "$made/checksums.txt.sig"
fi
base64 -d "$made/checksums.txt.sig" > "$made/signature"
openssl dgst -sha256 -verify "$made/cosign.pub" -signature "$made/signature" "$sums" > "$made/said" || failed "$key: $(cat "$made/said")"

cp "$made/checksums.txt.sig" "$made/cosign.pub" "$2"
echo "signed: $sums.sig, by the key whose public part is $2/cosign.pub"
