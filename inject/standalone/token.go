package standalone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

const (
	// headerToken carries a caller's token, and headerCaller names the caller to the app.
	headerToken  = "X-Mesh-Auth" //nolint:gosec // a name, and no token
	headerCaller = "X-Mesh-Caller"

	// policy is the name of the only policy: its holders may call the inbound API.
	policy = "mesh-allow"
)

// CheckTokenKey reports whether sidecars can verify tokens with a key: a public key in PEM, for
// ECDSA with the curve P-256 (RFC 7518, ES256), which the lab proved.
func CheckTokenKey(text string) error {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil || block.Type != "PUBLIC KEY":
		return errors.New("not a public key in PEM; make a pair with tykmesh ca token")
	case strings.TrimSpace(string(rest)) != "":
		return errors.New("there is more than one key; keep the one that signs")
	}

	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("not a public key: %w; make a pair with tykmesh ca token", err)
	}
	if ec, isEC := key.(*ecdsa.PublicKey); !isEC || ec.Curve != elliptic.P256() {
		return fmt.Errorf("a key of the type %T is not for ECDSA with the curve P-256; make a pair with tykmesh ca token", key)
	}

	return nil
}

// receive returns the fields of an inbound API that keep callers from naming themselves: it deletes
// the headers of the mesh, and the gateway does that before it adds its own. Where callers are
// verified, it names them to the app.
func receive(verified bool) manifest.Map {
	out := manifest.Map{{Key: "global_headers_remove", Value: append(spellings(headerToken), spellings(headerCaller)...)}}
	if verified {
		out = append(out, manifest.Entry{Key: "global_headers", Value: manifest.Map{{Key: headerCaller, Value: "$tyk_context.jwt_claims_sub"}}})
	}
	return out
}

// spellings returns a header's names with a dash or an underscore in each place of a dash. Apps
// that get headers as variables (RFC 3875, section 4.1.18) cannot tell one from the other.
func spellings(header string) manifest.List {
	out := []string{""}
	for i, part := range strings.Split(header, "-") {
		if i == 0 {
			out[0] = part
			continue
		}

		underscored := make([]string, len(out))
		for j, name := range out {
			out[j], underscored[j] = name+"-"+part, name+"_"+part
		}
		out = append(out, underscored...)
	}

	names := make(manifest.List, len(out))
	for i, name := range out {
		names[i] = name
	}

	return names
}

// verify returns an API that demands a token of the allowed services, and its further fields.
func (m Mesh) verify(api block, allow []Service) (out, more block) {
	var mapping manifest.Map
	for _, subject := range subjects(allow) {
		mapping = append(mapping, manifest.Entry{Key: subject, Value: policy})
	}

	api = block(manifest.Map(api).With("use_keyless", false).With("auth", manifest.Map{{Key: "auth_header_name", Value: headerToken}}))

	return api, block{
		{Key: "enable_context_vars", Value: true}, // for headerCaller
		{Key: "enable_jwt", Value: true},
		{Key: "jwt_signing_method", Value: "ecdsa"},
		{Key: "jwt_source", Value: base64.StdEncoding.EncodeToString([]byte(m.TokenKey))},
		{Key: "jwt_identity_base_field", Value: "sub"},
		{Key: "jwt_scope_claim_name", Value: "sub"},
		{Key: "jwt_scope_to_policy_mapping", Value: mapping},
	}
}

// subjects returns the subjects of services, sorted and each once.
func subjects(services []Service) []string {
	out := make([]string, 0, len(services))
	for _, s := range services {
		out = append(out, s.Subject())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// policies returns the policy file: one policy that allows the inbound API, without limits.
func policies(p Pod) block {
	id := p.apiID()
	return block{{Key: policy, Value: manifest.Map{
		{Key: "rate", Value: int64(-1)}, {Key: "per", Value: int64(1)}, {Key: "quota_max", Value: int64(-1)},
		{Key: "access_rights", Value: manifest.Map{{Key: id, Value: manifest.Map{
			{Key: "api_id", Value: id}, {Key: "versions", Value: manifest.List{"Default"}},
		}}}},
	}}}
}
