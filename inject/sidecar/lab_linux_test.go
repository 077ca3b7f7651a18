package sidecar_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lab is a network of its own with a world outside, which every pod is connected to, one after the
// other.
//
//	pod: app on 80, sidecar on 8080 ── eth0 10.77.0.2, fd77::2 ──── 10.77.0.1, fd77::1 ── outside: all worldAddresses on 80, 443 and 8081
//	     and on 15080, 15443, 9696          fe80::77
type lab struct {
	t       *testing.T
	outside string // network namespace
	program string // this test, which also plays the servers and the callers
	pods    int
	table   string // what was measured, once it is printed
}

const (
	pod4, pod6 = "10.77.0.2", "fd77::2"
	podLink    = "fe80::77%pod"            // link-local, as the world outside reaches it
	api4, api6 = "10.96.0.1", "fd00:96::1" // the Kubernetes API's
)

// worldAddresses are somebody's, those of exemptions, and the Kubernetes API's.
func worldAddresses() []string {
	return []string{"203.0.113.10", "2001:db8::10", "192.0.2.7", "198.51.100.9", "2001:db8:51::9", api4, api6}
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this makes network namespaces, which only root may")
	}

	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	l := &lab{t: t, program: program, outside: fmt.Sprintf("tykmesh-%d-outside", os.Getpid())}
	for _, tool := range []string{"ip", "dash", "busybox", "setpriv", "unshare", "mount", "env", "nft", "xtables-nft-multi", "xtables-legacy-multi"} {
		l.path(tool)
	}

	l.namespace(t, l.outside)
	for _, a := range worldAddresses() {
		l.ip(t, "-n", l.outside, "address", "add", a, "dev", "lo")
	}

	l.serve(t, l.outside, "outside=:80", "outside=:443", "outside=:8081")

	return l
}

// path finds a tool, or says where Debian has it.
func (l *lab) path(tool string) string {
	path, err := exec.LookPath(tool)
	if err != nil {
		l.t.Fatalf("%v: apt-get install iptables nftables busybox dash iproute2 util-linux", err)
	}
	return path
}

// tools makes a folder that has iptables and ip6tables of a kind, and nothing else but what is
// added to it.
func (l *lab) tools(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	l.add(t, dir, kind, "")
	return dir
}

// add lays tools of a kind into a folder, under names that end in a suffix: iptables-legacy.
func (l *lab) add(t *testing.T, dir, kind, suffix string) {
	t.Helper()
	for _, name := range []string{"iptables", "ip6tables"} {
		for _, name := range []string{name + suffix, name + suffix + "-restore"} {
			if err := os.Symlink(l.path("xtables-"+kind+"-multi"), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// broken makes a folder with iptables as it is on a node whose kernel has no nf_tables. This kernel
// has.
func (l *lab) broken(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"iptables", "iptables-restore", "ip6tables", "ip6tables-restore"} {
		text := "#!/bin/sh\necho 'iptables: Failed to initialize nft: Protocol not supported' >&2\nexit 1\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}

	return dir
}

func (l *lab) ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// namespace makes a network namespace that lasts as long as the test.
func (l *lab) namespace(t *testing.T, name string) {
	t.Helper()
	l.ip(t, "netns", "add", name)
	t.Cleanup(func() { l.ip(t, "netns", "delete", name) })
	l.ip(t, "-n", name, "link", "set", "lo", "up")
}

// pod makes a new one, with IPv4 and IPv6 or, as in many clusters, with IPv4 alone.
func (l *lab) pod(t *testing.T, families ...string) string {
	t.Helper()
	l.pods++
	name := fmt.Sprintf("tykmesh-%d-pod%d", os.Getpid(), l.pods)
	l.namespace(t, name)
	l.ip(t, "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "pod", "netns", l.outside)
	t.Cleanup(func() { l.ip(t, "-n", name, "link", "delete", "eth0") })
	l.ip(t, "-n", l.outside, "link", "set", "pod", "up")
	l.ip(t, "-n", name, "link", "set", "eth0", "up")
	for _, family := range families {
		inside, gateway := pod4, "10.77.0.1"
		if family == "-6" {
			inside, gateway = pod6, "fd77::1"
		}

		bits := map[string]string{"-4": "/24", "-6": "/64"}[family]
		var once []string
		if family == "-6" {
			once = []string{"nodad"} // no other has it, and asking takes a second
		}

		l.ip(t, slices.Concat([]string{"-n", l.outside, "address", "add", gateway + bits, "dev", "pod"}, once)...)
		l.ip(t, slices.Concat([]string{"-n", name, "address", "add", inside + bits, "dev", "eth0"}, once)...)
		l.ip(t, "-n", name, family, "route", "add", "default", "via", gateway)
	}

	if slices.Contains(families, "-6") {
		l.ip(t, "-n", l.outside, "address", "add", "fe80::1/64", "dev", "pod", "nodad")
		l.ip(t, "-n", name, "address", "add", "fe80::77/64", "dev", "eth0", "nodad")
	}

	l.serve(t, name, "app=:80", "sidecar=:8080", "mesh-http=:15080", "mesh-https=:15443", "control=:9696")

	return name
}

// TestMain also plays servers and callers: each needs a process in a network namespace, callers one
// with their own uid.
func TestMain(m *testing.M) {
	role, args := os.Getenv("TYKMESH_RULES_ROLE"), os.Args[1:]
	var err error
	switch role {
	case "serve":
		err = serve(args)
	case "call":
		err = call(args)
	default:
		os.Exit(m.Run())
	}

	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// play is this program in a role.
func (l *lab) play(namespace, role string, args ...string) *exec.Cmd {
	cmd := exec.Command("ip", slices.Concat([]string{"netns", "exec", namespace, l.program}, args)...)
	cmd.Env = append(os.Environ(), "TYKMESH_RULES_ROLE="+role)
	return cmd
}

// serve starts servers that say their names. Each is NAME=ADDRESS.
func (l *lab) serve(t *testing.T, namespace string, servers ...string) {
	t.Helper()
	cmd := l.play(namespace, "serve", servers...)
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal("the servers do not listen: ", err)
	}
}

func serve(servers []string) error {
	for _, server := range servers {
		name, address, _ := strings.Cut(server, "=")
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}

		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(conn, name)
				conn.Close()
			}
		}()
	}

	fmt.Println("listening")
	_, err := io.Copy(io.Discard, os.Stdin) // until the test ends
	return err
}

// call asks who answers at addresses, as a user.
func (l *lab) call(t *testing.T, namespace string, uid int, addresses []string) map[string]string {
	t.Helper()
	return l.callFor(t, 10*time.Second, namespace, uid, addresses)
}

// callFor is call with another time after which a connection counts as dropped.
func (l *lab) callFor(t *testing.T, patience time.Duration, namespace string, uid int, addresses []string) map[string]string {
	t.Helper()
	cmd := l.play(namespace, "call", append([]string{strconv.Itoa(uid), patience.String()}, addresses...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()

	answers := map[string]string{}
	if err = errors.Join(err, json.Unmarshal(out, &answers)); err != nil {
		t.Fatalf("calls as %d: %v", uid, err)
	}

	return answers
}

func call(args []string) error {
	uid, err := strconv.Atoi(args[0])
	if err = errors.Join(err, syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
		return err
	}
	patience, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}

	addresses := args[2:]
	given := make([]string, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() { given[i] = ask(address, patience) })
	}
	all.Wait()

	answers := map[string]string{}
	for i, address := range addresses {
		answers[address] = given[i]
	}

	return json.NewEncoder(os.Stdout).Encode(answers)
}

func ask(address string, patience time.Duration) string {
	conn, err := net.DialTimeout("tcp", address, patience)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "dropped"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "refused"
	}
	if err != nil {
		return err.Error()
	}

	defer conn.Close()
	name, err := io.ReadAll(conn)
	if err != nil {
		return err.Error()
	}

	return string(name)
}

// container runs a command as the init container runs: with a read-only root, no_new_privs, and no
// capability but those named.
func (l *lab) container(namespace, capabilities string, env []string, command ...string) (string, error) {
	const readOnly = `mount -o remount,bind,ro / && mount -t tmpfs -o ro none /run && mount -t tmpfs none /dev/shm && exec "$@"`
	args := []string{"netns", "exec", namespace, l.path("unshare"), "-m", "/bin/sh", "-c", readOnly, "sh",
		l.path("setpriv"), "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all" + capabilities, l.path("env"), "-i"}
	var out bytes.Buffer
	cmd := exec.Command("ip", slices.Concat(args, env, command)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()

	return out.String(), err
}

// inForce prints a pod's rules with commands, without what differs each time: comments, counters.
func (l *lab) inForce(t *testing.T, namespace string, commands []string) string {
	t.Helper()
	var lines []string
	for _, command := range commands {
		out, err := exec.Command("ip", slices.Concat([]string{"netns", "exec", namespace}, strings.Fields(command))...).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}

		lines = append(lines, command)
		for line := range strings.Lines(string(out)) {
			line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), " [")
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
	}

	return strings.Join(lines, "\n")
}
