#!/usr/bin/env bash
# Unpacks and installs what make release made, as users do, and runs it: archives, deb and rpm packages, the formula. Nothing outside a
# directory of its own is changed. It needs dpkg, openssl, rpm, ruby and unzip, and uses lintian and mandoc if they are there.
# usage: testdata/release/packages.sh
set -euo pipefail
shopt -s extglob nullglob

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../bin/release"
folder=$(mktemp -d -t tykmesh-packages.XXXXXX)
trap 'rm -rf "$folder"' EXIT

failed() { echo "failed: $*" >&2; exit 1; }

arch=$(go env GOARCH)
version=$(basename tykmesh_*_linux_"$arch".tar.gz "_linux_$arch.tar.gz")
version=${version#tykmesh_}

# runs BINARY: checks that it is the released program.
runs() { [ "$("$1" version)" = "tykmesh v$version" ] || failed "$1 version prints $("$1" version)"; }

# notices FILE BINARY: checks that the notices have the licence of each module that Go recorded in a binary.
notices() {
	go version -m "$2" | awk '$1 == "dep" { print $2 "@" $3 }' | while read -r module; do
		grep -q "^$module: LICENSE" "$1" || failed "$1 has no licence of $module, which is in $2"
	done
}

# completes PATH: checks the program that kubectl runs for completion.
completes() {
	PATH=$1:$PATH kubectl_complete-tykmesh inj 2> /dev/null | grep '^inject' > /dev/null || failed "kubectl_complete-tykmesh in $1 does not complete"
}

echo "== checksums"
sha256sum --check --quiet checksums.txt
for file in tykmesh_*; do
	if [ -f "$file" ]; then grep -q " $file\$" checksums.txt || failed "checksums.txt does not have $file"; fi
done

echo "== archives"
for archive in tykmesh_*.tar.gz tykmesh_*.zip; do
	to=$folder/${archive%.tar.gz}
	mkdir -p "$to"
	case $archive in
		*.zip) unzip -q "$archive" -d "$to" ;;
		*) tar -x --no-same-owner -C "$to" -f "$archive" ;;
	esac
	for file in LICENSE NOTICES README.md tykmesh.schema.json man/tykmesh.1 man/tykmesh-inject.1 \
		completions/{tykmesh.bash,_tykmesh,tykmesh.fish,tykmesh.ps1,kubectl_complete-tykmesh}; do
		[ -s "$to/$file" ] || failed "$archive has no $file"
	done
	notices "$to/NOTICES" "$to"/tykmesh?(.exe)
done
unpacked=$folder/tykmesh_${version}_linux_$arch
runs "$unpacked/tykmesh"
"$unpacked/tykmesh" config schema | cmp - "$unpacked/tykmesh.schema.json"
"$unpacked/tykmesh" completion bash | cmp - "$unpacked/completions/tykmesh.bash"
bash -c ". '$unpacked/completions/tykmesh.bash'"
if command -v mandoc > /dev/null; then mandoc -T lint -W warning "$unpacked"/man/*.1; fi

# installed ROOT: checks what a package puts under a root directory.
installed() {
	local root=$1 page
	runs "$root/usr/bin/tykmesh"
	[ "$(readlink "$root/usr/bin/kubectl-tykmesh")" = tykmesh ] || failed "$root: kubectl-tykmesh is no link to tykmesh"
	runs "$root/usr/bin/kubectl-tykmesh"
	completes "$root/usr/bin"
	for page in "$unpacked"/man/*.1; do
		gzip -dc "$root/usr/share/man/man1/$(basename "$page").gz" | cmp - "$page"
	done
	cmp "$root/usr/share/bash-completion/completions/tykmesh" "$unpacked/completions/tykmesh.bash"
	cmp "$root/usr/share/fish/vendor_completions.d/tykmesh.fish" "$unpacked/completions/tykmesh.fish"
	cmp "$root"/usr/share/zsh/*/_tykmesh "$unpacked/completions/_tykmesh"
	cmp "$root/usr/share/tykmesh/tykmesh.schema.json" "$unpacked/tykmesh.schema.json"
	cmp "$root/usr/share/doc/tykmesh/copyright" "$unpacked/NOTICES"
}

echo "== deb"
deb=tykmesh_${version}_linux_$arch.deb
dpkg-deb --info "$deb"
dpkg-deb --contents "$deb"
mkdir -p "$folder/deb/var/lib/dpkg"/{info,updates}
touch "$folder/deb/var/lib/dpkg"/{status,available}
dpkg --root="$folder/deb" --force-not-root --log="$folder/dpkg.log" --install "$deb"
installed "$folder/deb"
dpkg --root="$folder/deb" --force-not-root --log="$folder/dpkg.log" --remove tykmesh
[ ! -e "$folder/deb/usr/bin/tykmesh" ] || failed "$deb leaves its program"
if command -v lintian > /dev/null; then lintian --allow-root --fail-on error --suppress-tags copyright-file-contains-full-apache-2-license "$deb"; fi

echo "== rpm"
rpm=tykmesh_${version}_linux_$arch.rpm
rpm -qip "$rpm"
rpm -qlvp "$rpm"
mkdir "$folder/rpm"
rpm --root "$folder/rpm" --initdb
rpm --root "$folder/rpm" --install --nosignature --noplugins "$rpm"
installed "$folder/rpm"

echo "== formula"
ruby -c homebrew/tykmesh.rb
ruby "$here/formula.rb" homebrew/tykmesh.rb "$PWD" "$folder/brew"
runs "$folder/brew/bin/kubectl-tykmesh"
completes "$folder/brew/bin"
for file in share/man/man1/tykmesh.1 etc/bash_completion.d/tykmesh share/zsh/site-functions/_tykmesh share/fish/vendor_completions.d/tykmesh.fish \
	share/tykmesh/tykmesh.schema.json share/doc/tykmesh/NOTICES; do
	[ -s "$folder/brew/$file" ] || failed "the formula does not install $file"
done

echo "== SBOMs"
for document in *.cdx.json; do
	ruby -rjson -e 'bad = JSON.parse(File.read(ARGV[0]))["components"].reject { |c| c["name"] == "std" || c["licenses"] || c.dig("evidence", "licenses") }
		abort "failed: #{ARGV[0]}: no licence of #{bad.map { |c| c["name"] }.join(", ")}" unless bad.empty?' "$document"
done
CGO_ENABLED=0 GOFLAGS=-trimpath go run -C "$here" ./sbom "$PWD"/*.cdx.json

echo "== signature"
mkdir "$folder/signed"
cp checksums.txt "$folder/signed"
export COSIGN_PASSWORD=throwaway
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass env:COSIGN_PASSWORD -out "$folder/key.pem"
"$here/sign.sh" "$folder/key.pem" "$folder/signed"
(
	cd "$folder/signed" # where users verify it so
	base64 -d checksums.txt.sig > signature
	openssl dgst -sha256 -verify cosign.pub -signature signature checksums.txt
)
if "$here/sign.sh" "$folder/no.pem" "$folder/signed" 2> /dev/null; then failed "sign.sh signs without a key"; fi

echo "everything in bin/release installs and runs"
