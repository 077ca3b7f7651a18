package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// gateway is the gateway of a sidecar as it may be at a moment.
type gateway struct {
	service            string
	template, identity int // which of the mesh's

	files map[string]string
	roots *x509.CertPool
	pair  *tls.Certificate
}

func (s gateway) String() string {
	return fmt.Sprintf("%s with template %d, Secret %d", s.service, s.template, s.identity)
}

// accepts returns the CAs of client certificates as a gateway reads them: of each file of the
// inbound definition the last certificate.
func (s gateway) accepts() (all []*x509.Certificate, err error) {
	var inbound struct {
		Mutual bool     `json:"use_mutual_tls_auth"`
		Files  []string `json:"client_certificates"`
	}
	if err := json.Unmarshal([]byte(s.files["/etc/tykmesh/mesh/apis/inbound.json"]), &inbound); err != nil {
		return nil, err
	}
	if !inbound.Mutual {
		return nil, errors.New("the definition asks for no client certificate")
	}

	for _, name := range inbound.Files {
		var last *x509.Certificate
		for rest := []byte(s.files[name]); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if last, err = x509.ParseCertificate(block.Bytes); err != nil {
				return nil, err
			}
		}

		if last == nil {
			return nil, fmt.Errorf("%s has no certificate", name)
		}
		all = append(all, last)
	}

	return all, nil
}

// handshakeMutual calls a sidecar as another one does; without a caller, as its own app does. The
// callee then looks at the certificates again, as the gateway's middleware does: one of those that
// the caller sent must be by one of its CAs, without any between (Tyk 5.14.0,
// internal/crypto/helpers.go, ValidateRequestCerts).
func handshakeMutual(caller *gateway, callee gateway, host string) error {
	server := &tls.Config{Certificates: []tls.Certificate{*callee.pair}}
	client := &tls.Config{ServerName: host, RootCAs: callee.roots}
	var authorities []*x509.Certificate
	if caller != nil {
		var err error
		if authorities, err = callee.accepts(); err != nil {
			return err
		}

		server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		for _, a := range authorities {
			server.ClientCAs.AddCert(a)
		}
		client.RootCAs, client.Certificates = caller.roots, []tls.Certificate{*caller.pair}
	}

	near, far := net.Pipe()
	deadline := time.Now().Add(time.Minute)
	_, _ = near.SetDeadline(deadline), far.SetDeadline(deadline)
	answered := make(chan error, 1)
	go func() {
		defer far.Close()
		conn := tls.Server(far, server)
		err := conn.Handshake()
		if err == nil && caller != nil {
			err = admitted(conn.ConnectionState().PeerCertificates, authorities)
		}
		if err == nil {
			_, err = conn.Write([]byte{1})
		}
		answered <- err
	}()

	conn := tls.Client(near, client)
	_, err := io.ReadFull(conn, make([]byte, 1))
	_ = near.Close()

	return errors.Join(err, <-answered)
}

func admitted(sent, authorities []*x509.Certificate) error {
	for _, c := range sent {
		for _, a := range authorities {
			roots := x509.NewCertPool()
			roots.AddCert(a)
			if _, err := c.Verify(x509.VerifyOptions{Roots: roots}); err == nil {
				return nil
			}
		}
	}
	return errors.New("403: the certificate is not allowed")
}
