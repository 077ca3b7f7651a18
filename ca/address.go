package ca

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// defaultPort is CFSSL's own; an address without a scheme means it, as it does for cfssl's client. One with a scheme means the scheme's.
const defaultPort = "8888"

// addressPattern holds what an address may be made of behind its scheme. No escapes, which read differently when they are read twice.
var addressPattern = regexp.MustCompile(`^[A-Za-z0-9._~:/\[\]-]+$`)

// parseAddresses reads an ordered, comma separated list of CFSSL's addresses and returns them as URLs without a trailing slash. cfssl's own
// client loses paths and panics on an IP address without a scheme, so nothing is left to it.
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
	if strings.Contains(text, "@") { // never shown: what stands before it is a password
		return "", errors.New("a CFSSL address holds a user or a password; CFSSL knows neither")
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "http", text
		if secure {
			scheme = "https"
		}
	}
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
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", fmt.Errorf("CFSSL address %q: %s is not a port", text, port)
		}
	} else if !ok {
		u.Host += ":" + defaultPort
	}
	return strings.TrimRight(u.String(), "/"), nil
}
