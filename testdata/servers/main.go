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

// before and after stand around the variables. All that is printed is text for a shell.
const (
	before = `# A Dashboard and a CFSSL run here until Ctrl-C, with their data in memory. Paste these lines into a second shell:
`
	after = `# Then type there, for example: tykmesh check; tykmesh inject -f testdata/samples/echo.yaml
# The variables suit all configurations, and none: tykmesh names those that one does not use.
# Instead of pasting: make servers > servers.env, and in the second shell: . ./servers.env
`
)

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
	fmt.Print(before)
	for _, pair := range [][2]string{
		{"TYK_URL", dashboard.URL},
		{"TYK_SECRET", dashboardtest.DefaultSecret},
		{"TYK_ORG", dashboardtest.DefaultOrg},
		{"INJECTOR_CREATEROUTES", "true"}, // without a configuration
		{"CA_ADDR", cfssl.URL},
		{"CA_KEY", signs.Key},
		{"SIDECAR_DASHBOARD", "http://dashboard.tyk:3000"}, // names for manifests: pods cannot reach this Dashboard
		{"SIDECAR_REDIS", "redis.tyk:6379"},
	} {
		fmt.Printf("export TYKMESH_%s=%s\n", pair[0], pair[1])
	}
	fmt.Print(after)

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
