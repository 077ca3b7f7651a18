package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// plantedWebPassword is the password of the server's private files, and part of their query.
const plantedWebPassword = "planted-web-password"

// startWeb is the command web [plain]. It starts a server for the files in the folder web, sets WEB
// to its address, and without plain lets the program trust it. /private/ wants the planted password,
// /hung writes the file asked and never answers.
func startWeb(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	files := http.FileServer(http.Dir(filepath.Join(w.folder, "web")))
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/private/", func(rw http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != plantedWebPassword || r.FormValue("token") != plantedWebPassword {
			http.Error(rw, "no "+plantedWebPassword, http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(rw, r)
	})

	ended := make(chan struct{})
	mux.HandleFunc("/hung", func(_ http.ResponseWriter, r *http.Request) {
		_ = os.WriteFile(filepath.Join(w.folder, "asked"), nil, 0o600)
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	})

	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	if len(args) > 0 {
		server.Start()
	} else {
		server.StartTLS()
		trusted := filepath.Join(w.folder, "web.pem")
		ts.Check(os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
		ts.Setenv("SSL_CERT_FILE", trusted)
	}

	ts.Defer(server.Close)
	ts.Defer(func() { close(ended) })
	ts.Setenv("WEB", server.URL)
	ts.Setenv("WEBHOST", server.Listener.Addr().String())
	w.web = server.Listener.Addr().String()
}
