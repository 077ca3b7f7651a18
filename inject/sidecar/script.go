package sidecar

import (
	"fmt"
	"strings"
)

// Script sets the rules up with iptables: what sh -c runs in an image with a POSIX shell, iptables
// and ip6tables. It takes iptables as it is, and where that does not work on a node, iptables-nft
// or iptables-legacy, as far as the image has them. Root with the capability NET_ADMIN is enough,
// with a read-only root and no_new_privs; iptables-legacy wants NET_RAW besides, and a lock file
// that can be written (iptables(8)).
//
// A chain of our own is emptied and filled in one transaction with the jump to it
// (iptables-restore(8)). So the rules of a family are there in full or not at all, and however
// often it runs, after whatever settings, none is there twice and none is left over.
//
// All lets through what KUBERNETES_SERVICE_HOST names (Kubernetes documentation, Accessing the
// Kubernetes API from a Pod). Some clusters set a host name there (Gardener documentation,
// APIServerSNI environment variable injection). That is reported and nothing more: the name's
// address of today may be another's tomorrow. With All, IPv6 must work where the pod has an IPv6
// address that others reach.
func (r Rules) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# tykmesh: %s.\nset -eu\n", r.does())
	if r.Intercept == All {
		b.WriteString(findAPI)
	}

	v4, v6 := families()[0], families()[1]
	fmt.Fprintf(&b, "\nipv4=\"%s\"\n", strings.Join(r.chain(v4, "$api4"), "\n"))
	if r.Intercept == All {
		fmt.Fprintf(&b, "\nipv6=\"%s\"\n", strings.Join(r.chain(v6, "$api6"), "\n"))
	}

	b.WriteString(useTools)
	if r.Intercept == All {
		b.WriteString(setUpIPv6)
	} else {
		b.WriteString(clearIPv6)
	}

	fmt.Fprintf(&b, "echo \"tykmesh: %s ($with)\"\n", r.does())

	return b.String()
}

// chain returns a family's rules for iptables-restore. api is the shell's word for the rule of the
// Kubernetes API, which may be empty.
func (r Rules) chain(f family, api string) (rules []string) {
	add := func(match, target string) { rules = append(rules, "-A TYKMESH "+match+" -j "+target) }
	toSidecar := fmt.Sprintf("REDIRECT --to-ports %d", r.listenPort())
	if r.Intercept == All {
		add(fmt.Sprintf("-m owner --uid-owner %d", r.UID), "RETURN")
	}

	if r.Intercept != None && f.mesh {
		add("-p tcp -d "+MeshAddress+" --dport 80", toSidecar)
		add("-p tcp -d "+MeshAddress+" --dport 443", toSidecar)
	}

	if r.Intercept != All {
		return rules
	}

	rules = append(rules, api)
	for _, p := range r.exempt(f) {
		add("-d "+p.String(), "RETURN")
	}

	for _, port := range r.captured() {
		add("-p tcp --dport "+port, toSidecar)
	}

	return rules
}

// The parts of the script. No tab may stand in them, because `kubectl get -o yaml` would print one
// long quoted line, and no $$ and no $(NAME), because Kubernetes takes them for its own (Kubernetes
// documentation, Define a Command and Arguments for a Container).
const (
	findAPI = `
# The Kubernetes API, as every container knows it.
api4='' api6=''
case ${KUBERNETES_SERVICE_HOST-} in
*[!0-9A-Fa-f.:]*) echo "tykmesh: KUBERNETES_SERVICE_HOST is no address, so the API needs exempt CIDRs: $KUBERNETES_SERVICE_HOST" >&2 ;;
*:*) api6="-A TYKMESH -d $KUBERNETES_SERVICE_HOST -j RETURN" ;;
*.*) api4="-A TYKMESH -d $KUBERNETES_SERVICE_HOST -j RETURN" ;;
esac
`

	useTools = `
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
`

	setUpIPv6 = `
# reached: has the pod an IPv6 address that is more than a link's or its own?
reached() {
  [ -e /proc/net/if_inet6 ] || return 1
  while read -r address index bits scope flags device; do
    if [ "$scope" = 00 ] && [ "$device" != lo ]; then return 0; fi
  done </proc/net/if_inet6
  return 1
}

if try ip6tables "$ipv6"; then
  with="$with, $tool"
elif reached; then
  fail ip6tables
else
  echo "tykmesh: IPv6 is not redirected: ip6tables does not work, and the pod has no IPv6 address that others reach"
fi
`

	clearIPv6 = `"ip6${tool#ip}" -w -t nat -F TYKMESH 2>/dev/null || : # rules of other settings
`
)
