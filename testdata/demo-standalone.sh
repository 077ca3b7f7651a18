#!/usr/bin/env bash
# Shows a mesh without a Dashboard in a few seconds: it puts two services on it, without and with mutual TLS, shows what inject adds,
# and takes the services off the mesh again. It needs no server and no cluster.
# usage: testdata/demo-standalone.sh TYKMESH
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

# configure SAMPLE: makes the configuration of a sample, without its comment.
configure() {
	grep -v '^#' "$samples/standalone/$1" | sed '/./,$!d' > tykmesh.yaml
	cat tykmesh.yaml
}

# added FILE: the kinds and names of the objects that inject added to a stream.
added() {
	grep -A 5 '; tykmesh inject added it\.$' "$1" | sed -n 's/^kind: //p; s/^  name: //p' | while read -r kind && read -r name; do
		printf '%-9s  %s\n' "$kind" "$name"
	done
}

cp "$samples/echo.yaml" "$samples/sleep.yaml" .

title "This is the whole configuration. Sidecars are stock Tyk Gateways; there is no Dashboard, no licence and no Redis."
configure plain.yaml

title "Put two services on the mesh."
show tykmesh inject -n default -f echo.yaml -f sleep.yaml -w meshed.yaml

title "inject added these objects. A ConfigMap has the APIs of a sidecar, and a Service is a route."
added meshed.yaml

title "Routes are names of Services. A sidecar sends calls of http://mesh/NAME/PATH to the sidecars behind that Service:"
sed -n 's/.*"rewrite_to":"\([^"]*\)".*/\1/p' meshed.yaml | sort -u | sed 's|\$2$|/PATH|; s|\$1\.svc|NAME.NAMESPACE.svc|; s|\$1|NAME|' | while read -r to; do
	case $to in *NAMESPACE*) from=NAME.NAMESPACE ;; *) from=NAME ;; esac
	printf '%-31s  -> %s\n' "http://mesh/$from/PATH" "$to"
done
tykmesh status -q -f meshed.yaml

title "With a cluster, this would be the first call:"
echo 'kubectl apply -n default -f meshed.yaml'
echo 'kubectl exec -n default deploy/sleep -c sleep -- curl -s http://mesh/echo-svc'

title "Mutual TLS: each service gets a certificate of the CA, and sidecars accept no call without one."
tykmesh ca init -q --algo ecdsa > /dev/null
configure tls.yaml
show tykmesh inject -q -n default -f echo.yaml -f sleep.yaml -w mutual.yaml
show tykmesh certs secrets -n default -f echo.yaml -f sleep.yaml -w secrets.yaml

title "A second run changes nothing: no Secret is due, and the manifests are the same."
tykmesh certs secrets -n default -f echo.yaml -f sleep.yaml 2>&1 | tail -n 1
tykmesh inject -q -n default -f echo.yaml -f sleep.yaml | cmp mutual.yaml -

title "uninject restores the manifests byte for byte."
tykmesh uninject -q -f mutual.yaml | cmp <(cat echo.yaml <(echo ---) sleep.yaml) -
echo "The files are in $out."
