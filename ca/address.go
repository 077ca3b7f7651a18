package ca

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// defaultPort is CFSSL's port. It is the default for addresses without a scheme, as in cfssl's
// client; with a scheme, the default is the scheme's port.
const defaultPort = "8888"

// addressPattern matches an address without its scheme. It allows no escapes, whose meaning changes
// when they are decoded twice.
var addressPattern = regexp.MustCompile(`^[A-Za-z0-9._~:/\[\]-]+$`)

// parseAddresses parses an ordered, comma-separated list of CFSSL's addresses and returns them as
// URLs without a trailing slash. It does not use cfssl's own client, which loses paths and panics
// on an IP address without a scheme.
func parseAddresses(text string, secure bool) ([]string, error) {
	var servers []string
	for a := range strings.SplitSeq(text, ",") {
		a = strings.TrimSpace(a)
		if a == "" {
			continue
		}
		server, err := parseAddress(a, secure)
		if err != nil {
			return nil, err
		}

		servers = append(servers, server)
	}

	if len(servers) == 0 {
		return nil, errors.New("no CFSSL address")
	}

	return servers, nil
}

func parseAddress(text string, secure bool) (string, error) {
	if strings.Contains(text, "@") { // do not show the text: it contains a password
		return "", errors.New("a CFSSL address contains a user or a password; CFSSL knows neither")
	}

	scheme, rest, ok := cutScheme(text, secure)

	u, err := url.Parse(scheme + "://" + rest)
	switch {
	case err != nil || u.Hostname() == "" || !addressPattern.MatchString(rest):
		return "", fmt.Errorf("CFSSL address %q: want [http://]HOST[:PORT][/PREFIX]", text)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("CFSSL address %q: the scheme is http or https", text)
	case secure && u.Scheme == "http":
		return "", fmt.Errorf("CFSSL address %q: http, although Secure is set", text)
	case strings.HasSuffix(u.Host, ":"):
		return "", fmt.Errorf("CFSSL address %q: no port after the colon", text)
	}

	switch port := u.Port(); {
	case port == "" && !ok:
		u.Host += ":" + defaultPort
	case port != "" && !isPort(port):
		return "", fmt.Errorf("CFSSL address %q: %s is not a port", text, port)
	}

	return strings.TrimRight(u.String(), "/"), nil
}

// cutScheme splits the scheme off an address. Without one it returns the default and ok = false.
func cutScheme(text string, secure bool) (scheme, rest string, ok bool) {
	switch scheme, rest, ok = strings.Cut(text, "://"); {
	case ok:
		return scheme, rest, true
	case secure:
		return "https", text, false
	}
	return "http", text, false
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}
