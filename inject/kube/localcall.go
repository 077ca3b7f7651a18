package kube

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// LocalCall is a call of a pod to itself over HTTP or HTTPS, by a command that the kubelet runs in
// a container.
type LocalCall struct {
	Container string
	Field     string // of the container: livenessProbe, lifecycle.preStop
	Port      string // 80 or 443
	At        manifest.Place
}

// commandFields are the fields of a container with commands for the kubelet (Kubernetes API
// reference, Probe and LifecycleHandler).
var commandFields = [][]string{{"startupProbe"}, {"livenessProbe"}, {"readinessProbe"}, {"lifecycle", "postStart"}, {"lifecycle", "preStop"}}

// localCalls returns the calls of a pod to itself on the ports 80 and 443.
func localCalls(d *manifest.Document, spec *manifest.Node) (calls []LocalCall) {
	for c := range Containers(spec) {
		for _, field := range commandFields {
			command := c.Get(field...).Get("exec", "command")
			if command == nil {
				continue
			}

			for _, port := range localPorts(commandText(command)) {
				calls = append(calls, LocalCall{Text(c.Get("name")), strings.Join(field, "."), port, d.PlaceOf(command)})
			}
		}
	}

	return calls
}

// commandText returns the words of a command in one text.
func commandText(command *manifest.Node) string {
	var words []string
	for _, word := range command.Items() {
		words = append(words, word.Text())
	}
	return strings.Join(words, " ")
}

// local matches the names of a pod for itself, with the scheme in front and the port behind: after
// a colon, after a blank as nc(1) takes it, and in the form of bash(1). Like fetcher it is compiled
// when asked for, because few streams have such commands.
var local = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:(https?)://)?` + ownNames + `(?::([0-9]+)|[ \t]+(80|443)\b)?|/dev/tcp/` + ownNames + `/([0-9]+)`)
})

const ownNames = `(?:localhost|127\.0\.0\.1|\[::1\])`

// fetcher matches the names of programs that call port 80 where neither a port nor a scheme is
// given (curl(1), wget(1)).
var fetcher = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b(curl|wget)\b`) })

// localPorts returns which of the ports 80 and 443 a command calls in its own pod, each once.
func localPorts(command string) (ports []string) {
	matches := local().FindAllStringSubmatchIndex(command, -1)
	if len(matches) == 0 {
		return nil
	}

	fetches := fetcher().MatchString(command)
	for _, m := range matches {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return command[m[2*i]:m[2*i+1]]
		}

		behind := command[m[1]:]
		if m[0] > 0 && isHost(command[m[0]-1]) || behind != "" && isHost(behind[0]) {
			continue // part of a longer name
		}

		port := group(2) + group(3) + group(4)
		if port == "" && !strings.HasPrefix(behind, ":") { // which begins a port that a variable names
			port = usualPort(group(1), strings.HasPrefix(behind, "/") || fetches)
		}
		if (port == "80" || port == "443") && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}

	return ports
}

// usualPort returns the port of a call without one, by the scheme; "" if it is no call over HTTP.
func usualPort(scheme string, fetches bool) string {
	switch {
	case strings.EqualFold(scheme, "https"):
		return "443"
	case scheme != "" || fetches:
		return "80"
	}
	return ""
}
