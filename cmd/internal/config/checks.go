package config

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// orgDigits is the length of an organisation's id: it is a MongoDB ObjectID.
const orgDigits = 24

// placeholderOrg is an id that no organisation has: whoever forgets to fill in another one is told.
const placeholderOrg = "000000000000000000000000"

// The checks say what is wrong with a value, or "". None of them repeats the value: several are, or
// may contain, secrets.

func checkURL(v string) string {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "is no URL of the form http://HOST or https://HOST"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "has a user, query or fragment, which no Dashboard address needs"
	}

	return ""
}

func checkOrg(v string) string {
	if len(v) != orgDigits || checkHex(v) != "" {
		return fmt.Sprintf("is no organisation id: want %d hexadecimal digits", orgDigits)
	}
	return ""
}

func checkHex(v string) string {
	if _, err := hex.DecodeString(v); err != nil {
		return "want an even number of hexadecimal digits"
	}
	return ""
}

func checkAddr(v string) string {
	for addr := range strings.SplitSeq(v, ",") {
		addr = strings.TrimSpace(addr)
		if addr == "" {
			return "an address is missing beside a comma"
		}
		if !strings.Contains(addr, "://") {
			addr = "http://" + addr
		}

		if checkURL(addr) != "" {
			return "has an address that is no HOST:PORT, nor a URL of the form http://HOST or https://HOST"
		}
	}

	return ""
}

func checkMongo(v string) string {
	if !strings.HasPrefix(v, "mongodb://") && !strings.HasPrefix(v, "mongodb+srv://") {
		return "is no MongoDB connection string: want mongodb://... or mongodb+srv://..."
	}
	return ""
}

// isOpen reports whether what is sent to a URL can be read on its way: it is not encrypted, and
// leaves this machine.
func isOpen(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	return host != "localhost" && !strings.HasSuffix(host, ".localhost") && (err != nil || !ip.Unmap().IsLoopback())
}

// trustsAnyMongo reports whether a connection string has MongoDB's certificate not verified.
// Drivers take options in any case.
func trustsAnyMongo(connStr string) bool {
	_, options, _ := strings.Cut(connStr, "?")
	for option := range strings.FieldsFuncSeq(options, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(option, "=")
		if (strings.EqualFold(name, "tlsInsecure") || strings.EqualFold(name, "sslInsecure")) && strings.EqualFold(value, "true") {
			return true
		}
	}

	return false
}

func checkHost(v string) string {
	if len(validation.IsDNS1123Subdomain(v)) > 0 {
		return fmt.Sprintf("%q is no lower-case host name", v)
	}
	return ""
}
