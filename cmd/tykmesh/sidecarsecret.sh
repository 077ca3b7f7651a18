#!/bin/sh
# Creates the Secret {{.Name}}, from which sidecars read the values that no manifest may hold, in: {{join .Namespaces ", "}}.
# Run it with sh; it can run again. Set these variables first. Their values appear on no command line, and in files only while the script runs:
#
#   TYK_GW_SECRET        "secret" in tyk.conf of the gateways: one for all gateways of this Dashboard
#   TYK_GW_NODESECRET    "shared_node_secret" in tyk_analytics.conf of the Dashboard, which is "node_secret" in tyk.conf
#
# and these, if you use them:
#
#   TYK_GW_STORAGE_PASSWORD    the password of Redis: "password" of "storage" in tyk.conf
#   TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET    "private_certificate_encoding_secret" of "security" in tyk_analytics.conf
#                              and tyk.conf, which encrypts private keys; without it TYK_GW_SECRET does
set -eu
: "${TYK_GW_SECRET:?is not set; it is secret in tyk.conf of the gateways}"
: "${TYK_GW_NODESECRET:?is not set; it is shared_node_secret in tyk_analytics.conf of the Dashboard}"
umask 077
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
trap 'exit 1' HUP INT TERM

printf %s "$TYK_GW_SECRET" > "$files/{{.Secret}}"
printf %s "$TYK_GW_NODESECRET" > "$files/{{.NodeSecret}}"
[ -z "${TYK_GW_STORAGE_PASSWORD-}" ] || printf %s "$TYK_GW_STORAGE_PASSWORD" > "$files/{{.RedisPassword}}"
[ -z "${TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET-}" ] ||
  printf %s "$TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET" > "$files/{{.CertificateSecret}}"
{{- if .TLS}}

# Injector.enableMeshTLS is on, so the port that the kubelet probes for readiness uses TLS. This is its certificate. No client verifies it, and
# each run creates another one, which sidecars read when they start.
said=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN={{.Name}} \
  -keyout "$files/key" -out "$files/{{.Certificate}}" 2>&1 < /dev/null) || {
  printf '%s\n' "$said" >&2
  exit 1
}
cat "$files/key" >> "$files/{{.Certificate}}"
rm "$files/key"
{{- end}}
{{range .Namespaces}}
kubectl create secret generic {{$.Name}} --namespace {{.}} --from-file="$files" --dry-run=client -o yaml | kubectl apply -f -
{{- end}}
