package main

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// The secrets that tests plant. Nothing that the program says may hold one of them.
const (
	plantedDashboardKey  = "planted-dashboard-key"
	plantedCFSSLKey      = "5ec4e75ec4e75ec4e75ec4e75ec4e75e"
	plantedMongoPassword = "planted-mongo-password"
)

// secretIn names the secret that a text holds; "" if there is none. Secrets are those that are
// planted, the keys in the Dashboard's store, and all that has ever been in a file of the world's
// folder: of --local, ca init and ca rotate.
func (w *world) secretIn(text string) string {
	w.learn()
	for _, secret := range []string{plantedDashboardKey, plantedCFSSLKey, plantedMongoPassword, plantedWebPassword, "PRIVATE KEY"} {
		if strings.Contains(text, secret) {
			return "a secret: " + secret
		}
	}

	for secret, what := range w.secrets {
		if strings.Contains(text, secret) {
			return what + ": " + secret
		}
	}

	return ""
}

// learn looks for secrets where they belong.
func (w *world) learn() {
	if w.dashboard != nil {
		for _, c := range w.dashboard.Certificates() {
			w.learnKeys("the Dashboard's store", w.dashboard.PEM(c.ID))
		}
	}

	_ = filepath.WalkDir(w.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			w.learnFile(path)
		}
		return nil // what is gone meanwhile holds no secret
	})
}

func (w *world) learnFile(path string) {
	text, err := os.ReadFile(path)
	switch {
	case err != nil: // gone meanwhile
	case filepath.Base(path) == pki.AuthKeyFile:
		w.secrets[strings.TrimSpace(string(text))] = "the key in " + path
	default:
		w.learnKeys(path, text)
	}
}

// privateKey matches private keys in PEM.
var privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`)

// learnKeys learns the private keys in a text: each line, and what Secrets of Kubernetes make of
// the key.
func (w *world) learnKeys(where string, text []byte) {
	for _, key := range privateKey.FindAll(text, -1) {
		for line := range strings.Lines(string(key)) {
			if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") {
				w.secrets[line] = "a line of a private key in " + where
			}
		}

		// What stands before is the same in all keys of a kind; three bytes are four characters.
		if len(key) < 150 {
			continue
		}

		w.secrets[base64.StdEncoding.EncodeToString(key[90:150])] = "a private key in base64, in " + where
	}
}
