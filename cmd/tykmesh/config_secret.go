package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

//go:embed sidecarsecret.sh
var sidecarSecretTemplate string

// sidecarSecret holds the values of the script that config secret prints: the name and the keys of
// the Secret, and its namespaces.
type sidecarSecret struct {
	Name                                                              string
	Secret, NodeSecret, RedisPassword, CertificateSecret, Certificate string
	Namespaces                                                        []string
	TLS                                                               bool // sidecars need the key Certificate
}

// configSecretCmd holds the flags of config secret.
type configSecretCmd struct {
	configFlags
	namespaces []string
}

func newConfigSecretCmd(p process) *cobra.Command {
	f := &configSecretCmd{}
	c := newCommand(p, &cobra.Command{
		Use:   "secret",
		Short: "Print a script that creates the Secret of the built-in sidecar",
		Long: "secret prints a shell script that creates the Secret " + sidecar.Secret + " in each namespace of the mesh. The script contains no values: it takes them " +
			"from environment variables, and its comments tell which ones, and where to find the values.",
		Example: "  tykmesh config secret -n retail -n billing > secret.sh\n" +
			"  TYK_GW_SECRET=$(cat secret) TYK_GW_NODESECRET=$(cat node-secret) sh secret.sh",
		Args: noArgs,
	}, f.run)

	f.addConfig(c)
	c.Flags().StringArrayVarP(&f.namespaces, "namespace", "n", []string{"default"}, "create the Secret in `NAMESPACE`, whose pods are on the mesh; may be repeated")

	c.rules = append(c.rules, func() (rules []flagRule) {
		for _, ns := range f.namespaces {
			rules = append(rules, flagRule{len(validation.IsDNS1123Label(ns)) > 0, fmt.Sprintf("--namespace is not a namespace: %q", ns)})
		}
		return rules
	})

	return c.Command
}

func (f *configSecretCmd) run(_ context.Context, p process, r *report.Run) (report.Output, error) {
	var reader configReader
	src, err := reader.find(p, f.configFlags)
	if err == nil {
		err = reader.apart(r, config.Config{})
	}

	if err != nil {
		return nil, err
	}

	tls, err := config.BuiltInTLS(src)
	if err != nil {
		return nil, err
	}

	s := newSidecarSecret(f.namespaces, tls)

	return func() error { return s.write(p.stdout) }, nil
}

func newSidecarSecret(namespaces []string, tls bool) sidecarSecret {
	return sidecarSecret{
		Name: sidecar.Secret, Secret: sidecar.KeySecret, NodeSecret: sidecar.KeyNodeSecret, RedisPassword: sidecar.KeyRedisPassword,
		CertificateSecret: sidecar.KeyCertificateSecret, Certificate: sidecar.KeyCertificate,
		Namespaces: once(namespaces), TLS: tls,
	}
}

// once returns a list without its duplicates.
func once(list []string) (out []string) {
	for _, item := range list {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

func (s sidecarSecret) write(w io.Writer) error {
	t, err := template.New("sidecarsecret.sh").Funcs(template.FuncMap{"join": strings.Join}).Parse(sidecarSecretTemplate)
	if err != nil {
		return fmt.Errorf("reading the script's template: %w", err)
	}
	if err := t.Execute(w, s); err != nil {
		return fmt.Errorf("writing the script: %w", err)
	}

	return nil
}
