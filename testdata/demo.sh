#!/usr/bin/env bash
# The main job in one minute, without a server: put the guide's echo and sleep on a mesh, look at what was made, take them off.
# usage: testdata/demo.sh TYKMESH
set -euo pipefail
shopt -s failglob

tykmesh=$(realpath "$1")
cd "$(dirname "$0")/samples"
out=$(mktemp -d -t tykmesh-demo.XXXXXX)
mesh=$out/mesh

title() { printf '\n== %s\n' "$*"; }

# field NAME FILE: a text in an API definition, which holds each of these names once.
field() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$2" | head -n 1; }

inject() { "$tykmesh" inject --config tykmesh.yaml --local "$mesh" -f echo-and-sleep.yaml; }

title "1. Inject two services. Manifests go to standard output, the report comes here:"
echo "   tykmesh inject --config tykmesh.yaml --local $mesh -f echo-and-sleep.yaml > $out/meshed.yaml"
inject > "$out/meshed.yaml"

title "2. What it registered: two APIs a service (a Dashboard would hold them; --local keeps files)"
for api in "$mesh"/apis/*.json; do
	printf '   %-20s http(s)://%s%s  ->  %s\n' "$(basename "$api")" "$(field domain "$api")" "$(field listen_path "$api")" "$(field target_url "$api")"
done
echo "   in $mesh/apis"

title "3. What it issued: a certificate a service and one for the mesh, signed by a CA made for this folder"
for cert in "$mesh"/certs/*.pem; do
	name=$(basename "$cert")
	if command -v openssl > /dev/null; then
		printf '   %.30s...pem  %s\n' "$name" "$(openssl x509 -in "$cert" -noout -ext subjectAltName | tail -n 1 | sed 's/^ *//')"
	else
		echo "   $name"
	fi
done
echo "   in $mesh/certs; the CA is $mesh/ca/ca.pem"

title "4. What it changed in the manifest: lines are added; the inject annotation and the Service's port change where they stand"
diff -u --label echo-and-sleep.yaml --label meshed.yaml echo-and-sleep.yaml "$out/meshed.yaml" | sed 's/^/   /' || true

title "5. Run it again: nothing to do, the same bytes"
inject > "$out/again.yaml"
cmp "$out/meshed.yaml" "$out/again.yaml"
echo "   $out/again.yaml is the same"

title "6. What is on the mesh now: tykmesh status"
"$tykmesh" status --config tykmesh.yaml --local "$mesh" | sed 's/^/   /'

title "7. Take it back: uninject gives the input, byte for byte; delete would take away what was registered"
"$tykmesh" uninject -f "$out/meshed.yaml" > "$out/after.yaml"
cmp echo-and-sleep.yaml "$out/after.yaml"
echo "   $out/after.yaml is echo-and-sleep.yaml"
"$tykmesh" delete -n default --dry-run --config tykmesh.yaml --local "$mesh" -f echo-and-sleep.yaml | sed 's/^/   /'

title "Everything is in $out"
