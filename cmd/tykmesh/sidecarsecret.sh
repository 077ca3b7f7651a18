# Makes the Secret {{.Name}}, from which sidecars take what no manifest may hold, in: {{join .Namespaces ", "}}.
# It is for sh, and may run again. The values come from variables, stand on no command line, and are in files only as long as it runs:
#
#   TYK_GW_SECRET        "secret" in the gateways' tyk.conf: one for all gateways of this Dashboard
#   TYK_GW_NODESECRET    "shared_node_secret" in the Dashboard's tyk_analytics.conf, which is "node_secret" in tyk.conf
#
# and if there are such,
#
#   TYK_GW_STORAGE_PASSWORD    the password of Redis: "password" of "storage" in tyk.conf
#   TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET    "private_certificate_encoding_secret" of "security" in tyk_analytics.conf
#                              and tyk.conf, with which private keys are encrypted; without it they are with TYK_GW_SECRET
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

# Injector.enableMeshTLS is on, and with it the port where Kubernetes asks whether a sidecar is ready. This is its certificate. No client verifies
# it, and each run makes another one, which sidecars take when they start.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN={{.Name}} \
  -keyout "$files/key" -out "$files/{{.Certificate}}"
cat "$files/key" >> "$files/{{.Certificate}}"
rm "$files/key"
{{- end}}
{{range .Namespaces}}
kubectl create secret generic {{$.Name}} --namespace {{.}} --from-file="$files" --dry-run=client -o yaml | kubectl apply -f -
{{- end}}
