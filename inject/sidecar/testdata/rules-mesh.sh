# tykmesh: tcp to 127.0.0.2 port 80 and 443 goes to the sidecar on port 8080.
set -eu

ipv4="-A TYKMESH -p tcp -d 127.0.0.2 --dport 80 -j REDIRECT --to-ports 8080
-A TYKMESH -p tcp -d 127.0.0.2 --dport 443 -j REDIRECT --to-ports 8080"

# put TOOL RULES: one transaction makes our chain anew and lets OUTPUT jump to it, once.
put() {
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
"ip6${tool#ip}" -w -t nat -F TYKMESH 2>/dev/null || : # rules of other settings
echo "tykmesh: tcp to 127.0.0.2 port 80 and 443 goes to the sidecar on port 8080 ($with)"
