package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// orgDigits is the length of an organisation's id: it is a MongoDB ObjectID.
const orgDigits = 24

// placeholderOrg is the id that config init writes. No organisation has it, so that an error
// reminds users to fill in their own.
const placeholderOrg = "000000000000000000000000"

// The checks return an error about a value. Those of secrets and addresses do not repeat the value,
// because it is or may contain a secret.

func checkURL(v string) error {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("is not a URL; write http://HOST or https://HOST")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("has a user, a query or a fragment; remove it")
	}

	return nil
}

func checkOrg(v string) error {
	if len(v) != orgDigits || checkHex(v) != nil {
		return fmt.Errorf("is not an organisation id; write %d hexadecimal digits", orgDigits)
	}
	return nil
}

func checkHex(v string) error {
	if _, err := hex.DecodeString(v); err != nil {
		return errors.New("want an even number of hexadecimal digits")
	}
	return nil
}

func checkAddr(v string) error {
	for addr := range strings.SplitSeq(v, ",") {
		addr = strings.TrimSpace(addr)
		if addr == "" {
			return errors.New("an address is missing beside a comma")
		}
		if !strings.Contains(addr, "://") {
			addr = "http://" + addr
		}

		if checkURL(addr) != nil {
			return errors.New("has an address that is neither HOST:PORT nor a URL; write HOST:PORT, http://HOST or https://HOST")
		}
	}

	return nil
}

func checkMongo(v string) error {
	if !strings.HasPrefix(v, "mongodb://") && !strings.HasPrefix(v, "mongodb+srv://") {
		return errors.New("is not a MongoDB connection string; write mongodb://HOST/DB or mongodb+srv://HOST/DB")
	}
	return nil
}

// isOpen reports whether requests to a URL can be read on their way, because they leave this
// machine unencrypted.
func isOpen(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

// isLoopback reports whether a host name or an IP address means the machine that asks.
func isLoopback(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	ip, _ := netip.ParseAddr(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip.Unmap().IsLoopback()
}

// trustsAnyMongo reports whether a connection string turns the verification of MongoDB's
// certificate off. Drivers read options in any case.
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

func checkHost(v string) error {
	if len(validation.IsDNS1123Subdomain(v)) > 0 {
		return fmt.Errorf("%q is not a lower-case host name", v)
	}
	return nil
}
