# tykmesh: tcp to port 80 and 443 goes to the sidecar on port 15080 and 15443, and only this pod reaches port 9696, 15080, 15443.
set -eu

# The Kubernetes API, as every container knows it.
api4='' api6=''
case ${KUBERNETES_SERVICE_HOST-} in
*[!0-9A-Fa-f.:]*) echo "tykmesh: KUBERNETES_SERVICE_HOST is no address, so the API needs exempt CIDRs: $KUBERNETES_SERVICE_HOST" >&2 ;;
*:*) api6="-A TYKMESH -d $KUBERNETES_SERVICE_HOST -j RETURN" ;;
*.*) api4="-A TYKMESH -d $KUBERNETES_SERVICE_HOST -j RETURN" ;;
esac

ipv4="-A TYKMESH -m owner --uid-owner 10777 -j RETURN
-A TYKMESH -p tcp -d 127.0.0.2 --dport 80 -j REDIRECT --to-ports 15080
-A TYKMESH -p tcp -d 127.0.0.2 --dport 443 -j REDIRECT --to-ports 15443
$api4
-A TYKMESH -d 127.0.0.0/8 -j RETURN
-A TYKMESH -d 192.0.2.7/32 -j RETURN
-A TYKMESH -d 198.51.100.0/24 -j RETURN
-A TYKMESH -p tcp --dport 80 -j REDIRECT --to-ports 15080
-A TYKMESH -p tcp --dport 443 -j REDIRECT --to-ports 15443"

ipv6="-A TYKMESH -m owner --uid-owner 10777 -j RETURN
$api6
-A TYKMESH -d 2001:db8:51::/48 -j RETURN
-A TYKMESH -p tcp --dport 80 -j REDIRECT --to-ports 15080
-A TYKMESH -p tcp --dport 443 -j REDIRECT --to-ports 15443"

closed="-A TYKMESH ! -i lo -p tcp --dport 9696 -j DROP
-A TYKMESH ! -i lo -p tcp --dport 15080 -j DROP
-A TYKMESH ! -i lo -p tcp --dport 15443 -j DROP"

# put TOOL RULES: one transaction a table makes our chain anew. INPUT jumps to ours first, and once; OUTPUT jumps to ours once.
# Without rules for nat, a node need not have that table.
put() {
  again=$("$1" -w -t filter -C INPUT -p tcp -j TYKMESH 2>/dev/null && echo '-D INPUT -p tcp -j TYKMESH' || :)
  printf '%s\n' '*filter' ':TYKMESH - [0:0]' "$closed" "$again" '-I INPUT -p tcp -j TYKMESH' COMMIT | "$1-restore" -w --noflush || return 1
  if [ -z "$2" ]; then
    "$1" -w -t nat -F TYKMESH 2>/dev/null || :
    return 0
  fi
  jump=$("$1" -w -t nat -C OUTPUT -p tcp -j TYKMESH 2>/dev/null || echo '-A OUTPUT -p tcp -j TYKMESH')
  printf '%s\n' '*nat' ':TYKMESH - [0:0]' "$2" "$jump" COMMIT | "$1-restore" -w --noflush
}

# try TOOL RULES: with the first kind of the tool that works on this node.
try() {
  said=''
  for tool in "$1" "$1-nft" "$1-legacy"; do
    command -v "$tool-restore" >/dev/null || continue
    if out=$(put "$tool" "$2" 2>&1); then return 0; fi
    said="$said
$tool: $out"
  done
  return 1
}

# fail TOOL: says what to do, and what each kind of the tool said.
fail() {
  while read -r key value; do
    if [ "$key" = CapEff: ]; then capabilities=$value; fi
  done </proc/self/status
  if [ -z "$said" ]; then
    why="the image has no $1"
  elif [ $((0x$capabilities >> 12 & 1)) = 0 ]; then
    why='the container must run as root with the capability NET_ADMIN'
  else
    why='the kernel of the node needs nf_tables, or ip_tables and the container NET_RAW besides NET_ADMIN'
  fi
  printf '%s\n' "tykmesh: cannot set up $1: $why$said" >&2
  exit 1
}

export XTABLES_LOCKFILE=/dev/shm/xtables.lock # for iptables-legacy on a read-only root
try iptables "$ipv4" || fail iptables
with=$tool

# reached: has the pod an IPv6 address besides its own lo? Others on its link reach even a link-local one.
reached() {
  [ -e /proc/net/if_inet6 ] || return 1
  while read -r address index bits scope flags device; do
    if [ "$device" != lo ]; then return 0; fi
  done </proc/net/if_inet6
  return 1
}

if try ip6tables "$ipv6"; then
  with="$with, $tool"
elif reached; then
  fail ip6tables
else
  echo "tykmesh: IPv6 is not set up: ip6tables does not work, and the pod has no IPv6 address that others reach"
fi
echo "tykmesh: tcp to port 80 and 443 goes to the sidecar on port 15080 and 15443, and only this pod reaches port 9696, 15080, 15443 ($with)"
