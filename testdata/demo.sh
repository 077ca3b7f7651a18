#!/usr/bin/env bash
# Shows tykmesh at work in a few seconds, without a server: it makes a CA, puts two services on a mesh with the built-in sidecar,
# shows the result, and takes the services off the mesh again.
# usage: testdata/demo.sh TYKMESH
set -euo pipefail
shopt -s failglob

bin=$(realpath "$1")
samples=$(cd "$(dirname "$0")/samples" && pwd)
out=$(mktemp -d -t tykmesh-demo.XXXXXX)
cd "$out"

title() { printf '\n== %s\n' "$*"; }

tykmesh() { "$bin" "$@"; }

# show COMMAND...: prints a command as a reader would type it, and runs it.
show() {
	printf '$ %s\n' "$*"
	"$@" 2>&1
}

# field NAME FILE: a text in an API definition, which holds each of these names once.
field() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$2" | head -n 1; }

# The configuration is the one that config init prints. The sample sleep only calls other services, so no Service leads
# to it: the warning TM0021 is accepted.
tykmesh config init -q > tykmesh.yaml
export TYKMESH_INJECTOR_ACCEPT=TM0021

# With --local the CA lies in a directory; CFSSL would hold its key.
tykmesh ca init --algo ecdsa -n mesh --mesh-namespace demo -q > /dev/null
mkdir -p mesh/ca
cp ca-quickstart/ca.pem ca-quickstart/ca-key.pem mesh/ca/

# Two services, and their namespace: it allows the sidecar's init container, and holds the sidecar's secrets and the CA.
cat - ca-quickstart/k8s/ca-pem.yaml <(echo ---) "$samples/echo-and-sleep.yaml" > apps.yaml << 'END'
apiVersion: v1
kind: Namespace
metadata: {name: demo, labels: {pod-security.kubernetes.io/enforce: privileged}}
---
apiVersion: v1
kind: Secret
metadata: {name: tykmesh-sidecar, namespace: demo}
---
END

title "Inject two services. The directory mesh stands in for the Dashboard."
show tykmesh inject --local mesh -n demo -f apps.yaml -w meshed.yaml

title "Each service got two APIs: other sidecars serve its route, and its own sidecars pass requests to the app."
for api in mesh/apis/*.json; do
	host=$(field domain "$api" | sed 's/{host:\([a-z]*\).*/\1/') # the first of several: {host:mesh|...}
	printf '%-13s  https://%-18s  -> %s\n' "$(field slug "$api")" "$host$(field listen_path "$api")" "$(field target_url "$api")"
done

title "Injection adds lines to the manifests, and replaces these:"
diff apps.yaml meshed.yaml | grep '^<' || true
echo "($(diff apps.yaml meshed.yaml | grep -c '^>') lines added: $out/meshed.yaml)"

title "The mesh now:"
show tykmesh status --local mesh

title "A second run has nothing to do, and prints the same manifests."
tykmesh inject --local mesh -n demo -f apps.yaml -w again.yaml 2>&1 | tail -n 1
cmp meshed.yaml again.yaml

title "uninject restores the manifests byte for byte, and delete empties the Dashboard."
tykmesh uninject -q -f meshed.yaml | cmp apps.yaml -
tykmesh delete --local mesh -n demo -f apps.yaml --yes 2>&1 | tail -n 1
