package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// checkSecrets is the command secrets FILE CA [TOKEN]: it decodes every document of a file as a
// Secret, strictly, and prints its content. It fails if a certificate would not do, as verify, if
// a token is not signed with the key whose public half is in TOKEN, and if the program has said any
// of it on standard error.
func checkSecrets(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: secrets FILE|stdout CA [TOKEN]")
	}

	said := ts.ReadFile("stderr")
	for i, text := range strings.Split(ts.ReadFile(args[0]), "---\n") {
		if i == 0 && text == "" {
			continue
		}

		var s corev1.Secret
		ts.Check(yaml.UnmarshalStrict([]byte(text), &s))
		if s.Kind != "Secret" || s.APIVersion != "v1" || s.Type != corev1.SecretTypeOpaque || s.Labels["app.kubernetes.io/managed-by"] != "tykmesh" {
			ts.Fatalf("document %d is %s", i, text)
		}

		for key, value := range s.Data {
			var line string
			var err error
			if key == "token" {
				line, err = verifyToken(value, []byte(ts.ReadFile(args[2])), worldOf(ts).now())
			} else {
				line, err = verifyKeyFirst(value, []byte(ts.ReadFile(args[1])), worldOf(ts).now())
			}

			ts.Check(err)
			fmt.Fprintf(ts.Stdout(), "Secret %s/%s, %s: %s\n", s.Namespace, s.Name, key, line)
			if strings.Contains(said, base64.StdEncoding.EncodeToString(value)[90:150]) || strings.Contains(said, string(value[len(value)-80:])) {
				ts.Fatalf("standard error shows the Secret %s", s.Name)
			}
		}
	}
}

// verifyKeyFirst checks a file of a private key, its certificate and those of CAs, and returns the
// hosts of the certificate and its life.
func verifyKeyFirst(text, authority []byte, now time.Time) (string, error) {
	if first, _ := pem.Decode(text); first == nil || first.Type != "PRIVATE KEY" {
		return "", errors.New("the private key is not first")
	}
	if _, err := verifyBundle(text, authority, now); err != nil {
		return "", err
	}

	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return "", err
	}

	return fmt.Sprintf("CN %s, hosts %v, %s", pair.Leaf.Subject.CommonName, pair.Leaf.DNSNames, lifeOf(pair.Leaf.NotBefore, pair.Leaf.NotAfter)), nil
}

// verifyToken checks a token as a gateway does: algorithm, signature, times and subject (RFC 7519,
// section 7.2), and returns its subject and life. Other claims than these are errors.
func verifyToken(token, public []byte, now time.Time) (string, error) {
	parts := bytes.Split(token, []byte("."))
	if len(parts) != 3 {
		return "", fmt.Errorf("a token of %d parts", len(parts))
	}

	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(string(part)); err != nil {
			return "", err
		}
	}

	if string(decoded[0]) != `{"alg":"ES256","typ":"JWT"}` {
		return "", fmt.Errorf("header %s", decoded[0])
	}

	block, _ := pem.Decode(public)
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", err
	}

	digest := sha256.Sum256(token[:len(parts[0])+1+len(parts[1])])
	r, s := new(big.Int).SetBytes(decoded[2][:32]), new(big.Int).SetBytes(decoded[2][32:])
	if len(decoded[2]) != 64 || !ecdsa.Verify(parsed.(*ecdsa.PublicKey), digest[:], r, s) {
		return "", errors.New("a signature of another key")
	}

	var claims struct {
		Sub      string
		Iat, Exp int64
	}
	strict := json.NewDecoder(bytes.NewReader(decoded[1]))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&claims); err != nil {
		return "", err
	}

	begin, end := time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0)
	if now.Before(begin) || !now.Before(end) {
		return "", fmt.Errorf("valid from %s to %s, and it is %s", begin, end, now)
	}

	return fmt.Sprintf("subject %s, %s", claims.Sub, lifeOf(begin, end)), nil
}

// printRecorded is the command recorded: the id, the state and the hosts of each record in MongoDB.
func printRecorded(ts *testscript.TestScript, _ bool, _ []string) {
	documents, err := worldOf(ts).documents()
	ts.Check(err)
	fmt.Fprint(ts.Stdout())
	for _, d := range documents {
		fmt.Fprintln(ts.Stdout(), lookUp(d, "_id"), lookUp(d, "state"), lookUp(d, "hosts"))
	}
}

func lifeOf(begin, end time.Time) string {
	return fmt.Sprintf("%.0f days from %s", end.Sub(begin).Hours()/24, begin.UTC().Format(time.DateTime))
}
