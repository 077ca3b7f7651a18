// Command servers runs the Tyk Dashboard and the CFSSL of tykmesh's tests, to try tykmesh on this
// machine without Tyk and Kubernetes. It keeps its data in memory, and prints the environment
// variables that lead tykmesh to the servers.
//
//	go run ./testdata/servers             a CFSSL with a new CA
//	go run ./testdata/servers -ca DIR     with the CA that ca init made in DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/ca/catest"
	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/dashboard/dashboardtest"
)

func main() {
	dir := flag.String("ca", "", "`DIR` with a CA that ca init made")
	flag.Parse()
	if err := serve(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(1)
	}
}

func serve(dir string) error {
	signs := catest.Options{Key: catest.Key}
	if dir != "" {
		var err error
		if signs, err = authority(dir); err != nil {
			return err
		}
	}
	cfssl := catest.New(signs)
	defer cfssl.Close()
	dashboard := dashboardtest.New(dashboardtest.Options{})
	defer dashboard.Close()
	for _, pair := range [][2]string{
		{"TYK_URL", dashboard.URL},
		{"TYK_SECRET", dashboardtest.DefaultSecret},
		{"TYK_ORG", dashboardtest.DefaultOrg},
		{"CA_ADDR", cfssl.URL},
		{"CA_KEY", signs.Key},
		{"SIDECAR_DASHBOARD", "http://dashboard.tyk:3000"}, // a name for manifests: pods cannot reach this Dashboard
	} {
		fmt.Printf("export TYKMESH_%s=%s\n", pair[0], pair[1])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	return nil
}

// authority returns the CA that ca init made in a directory, with the key of its CFSSL.
func authority(dir string) (o catest.Options, err error) {
	var texts [3][]byte
	for i, name := range []string{pki.CertFile, pki.KeyFile, pki.AuthKeyFile} {
		if texts[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return o, err
		}
	}
	return catest.Options{CA: catest.ReadCA(texts[0], texts[1]), Key: strings.TrimSpace(string(texts[2]))}, nil
}
