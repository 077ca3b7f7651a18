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
//
// Closed ports need a second table, filter, and IPv6 wherever the pod has any address of it that is
// not its own lo: others on the same link reach a link-local one.
func (r Rules) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# tykmesh: %s.\nset -eu\n", r.does())
	if r.Intercept == All {
		b.WriteString(findAPI)
	}

	v4, v6, both := families()[0], families()[1], r.Intercept == All || r.closes()
	fmt.Fprintf(&b, "\nipv4=\"%s\"\n", strings.Join(r.chain(v4, "$api4"), "\n"))
	if both {
		fmt.Fprintf(&b, "\nipv6=\"%s\"\n", strings.Join(r.chain(v6, "$api6"), "\n"))
	}

	if r.closes() {
		fmt.Fprintf(&b, "\nclosed=\"%s\"\n", strings.Join(r.drops(), "\n"))
		b.WriteString(putBoth)
	} else {
		b.WriteString(put)
	}

	b.WriteString(useTools)
	switch {
	case r.closes():
		b.WriteString(closeIPv6)
	case both:
		b.WriteString(setUpIPv6)
	default:
		b.WriteString(clearIPv6)
	}

	fmt.Fprintf(&b, "echo \"tykmesh: %s ($with)\"\n", r.does())

	return b.String()
}

// chain returns a family's redirections for iptables-restore. api is the shell's word for the rule
// of the Kubernetes API, which may be empty.
func (r Rules) chain(f family, api string) (rules []string) {
	add := func(match, target string) { rules = append(rules, "-A TYKMESH "+match+" -j "+target) }
	redirect := func(match string, ports ...string) {
		for _, port := range ports {
			add("-p tcp "+match+"--dport "+port, fmt.Sprintf("REDIRECT --to-ports %d", r.toSidecar(port)))
		}
	}

	if r.Intercept == All {
		add(fmt.Sprintf("-m owner --uid-owner %d", r.UID), "RETURN")
	}

	if r.Intercept != None && f.mesh {
		redirect("-d "+MeshAddress+" ", "80", "443")
	}

	if r.Intercept != All {
		return rules
	}

	rules = append(rules, api)
	for _, p := range r.exempt(f) {
		add("-d "+p.String(), "RETURN")
	}

	redirect("", r.captured()...)

	return rules
}

// drops returns the rules that close ports, for both families: one for each port, because nodes may
// lack the module multiport.
func (r Rules) drops() (rules []string) {
	for _, port := range r.closed() {
		rules = append(rules, "-A TYKMESH ! -i lo -p tcp --dport "+port+" -j DROP")
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

	put = `
# put TOOL RULES: one transaction makes our chain anew and lets OUTPUT jump to it, once.
put() {
  jump=$("$1" -w -t nat -C OUTPUT -p tcp -j TYKMESH 2>/dev/null || echo '-A OUTPUT -p tcp -j TYKMESH')
  printf '%s\n' '*nat' ':TYKMESH - [0:0]' "$2" "$jump" COMMIT | "$1-restore" -w --noflush
}
`

	putBoth = `
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
`

	useTools = `
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

	closeIPv6 = `
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
`
)
