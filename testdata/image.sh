#!/usr/bin/env bash
# Builds the container image on a base that holds nothing, in a registry of its own, and runs it as the sample of a CronJob does: without a shell,
# as a user of no name, on a root that nobody may write to. It needs root.
# usage: testdata/image.sh
set -euo pipefail

cd "$(dirname "$0")/.."
folder=$(mktemp -d -t tykmesh-image.XXXXXX)
registry=
trap 'kill $registry 2> /dev/null; rm -rf "$folder"' EXIT

failed() { echo "failed: $*" >&2; exit 1; }

crane() { "$folder/crane" "$@" 2> "$folder/said" || failed "crane $*: $(cat "$folder/said")"; }

CGO_ENABLED=0 GOFLAGS=-trimpath GOBIN=$folder go install github.com/google/go-containerregistry/cmd/crane@v0.22.1
"$folder/crane" registry serve --address 127.0.0.1:0 2> "$folder/log" &
registry=$!
while port=$(sed -n 's/.*serving on port //p' "$folder/log"); [ -z "$port" ]; do
	kill -0 $registry 2> /dev/null || failed "$(cat "$folder/log")"
	sleep 0.1
done

base=127.0.0.1:$port/base image=127.0.0.1:$port/tykmesh
tar -cf "$folder/nothing.tar" -T /dev/null
for arch in amd64 arm64; do
	crane append --new_layer "$folder/nothing.tar" --new_tag "$base:$arch" > /dev/null
	crane mutate --set-platform "linux/$arch" --tag "$base:$arch" "$base:$arch" > /dev/null
done
crane index append --manifest "$base:amd64" --manifest "$base:arm64" --tag "$base" > /dev/null
make image KO_DEFAULTBASEIMAGE="$base" KO_DOCKER_REPO="$image" VERSION=v1.2.3

for arch in amd64 arm64; do
	config=$(crane config --platform "linux/$arch" "$image")
	echo "$config"
	for want in '"architecture":"'$arch'"' '"User":"65532:65532"' '"Entrypoint":["/ko-app/tykmesh"]'; do
		[[ $config == *"$want"* ]] || failed "linux/$arch has no $want"
	done
done
path=$(sed -n 's/.*"\(PATH=[^"]*\)".*/\1/p' <<< "$config")

# contained COMMAND...: runs a command as a container would that has this image.
contained() {
	unshare --mount bash -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec env -i "$1" "$(command -v chroot)" --userspec=65532:65532 --groups= "$0" "${@:2}"' \
		"$root" "$path" "$@" 2>&1
}

root=$folder/root
mkdir -p "$root/etc/tykmesh"
crane export --platform "linux/$(go env GOARCH)" "$image" - | tar -x -C "$root"
[ "$(contained /ko-app/tykmesh version)" = "tykmesh v1.2.3" ] || failed "version says $(contained /ko-app/tykmesh version)"
go version -m "$root/ko-app/tykmesh" | awk '$1 == "dep" { print $2 "@" $3 }' | while read -r module; do
	grep -q "^$module: LICENSE" "$root/var/run/ko/NOTICES" || failed "/var/run/ko/NOTICES has no licence of $module"
done

# What the CronJob is given: nobody listens at that address, which the program finds out only after it has read everything.
cat > "$root/etc/tykmesh/tykmesh.yaml" <<- 'END'
	Tyk: {url: "http://127.0.0.1:9", secret: "file:dashboard.key", org: 5e9d9544a1dcd60001d0ed20}
	Injector: {createRoutes: true, enableMeshTLS: true}
	Sidecar: {dashboard: "http://dashboard.tyk:3000", redis: "redis.tyk:6379"}
	CA: {addr: "http://127.0.0.1:9", key: 0123456789abcdef}
END
echo key > "$root/etc/tykmesh/dashboard.key"
chown root:65532 "$root"/etc/tykmesh/*
chmod 440 "$root"/etc/tykmesh/*
command=$(sed -n 's/^ *command: //p' testdata/samples/certs-renew-cronjob.yaml | tr -d '[],"')
[ -n "$command" ] || failed "the CronJob has no command"
# shellcheck disable=SC2086 # words
said=$(contained $command) && failed "$command: $said"
echo "$said"
[[ $said == *"connection refused"* ]] || failed "$command: $said"
echo "the image does what the CronJob wants of it"
