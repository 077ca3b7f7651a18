package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// caToken holds the flags of ca token.
type caToken struct {
	reportFlags
	dir string
}

func newCATokenCmd(p process) *cobra.Command {
	o := &caToken{}
	c := newCommand(p, &cobra.Command{
		Use:   "token",
		Short: "Make the key for tokens of callers, in standalone mode",
		Long: "token makes a key pair in a directory. With the private key, tykmesh certs secrets signs a token for each service. With the public\n" +
			"key, sidecars check who calls (injector.tyk.io/allow). It prints the two keys of the configuration, and overwrites no file.",
		Example: "  tykmesh ca token >> tykmesh.yaml     # for a configuration without a section CA",
		Args:    noArgs,
	}, o.run)

	c.Flags().StringVar(&o.dir, "dir", "ca-quickstart", "make the files in `DIR`")
	c.rules = append(c.rules, func() []flagRule {
		return []flagRule{{o.dir == "", "--dir is empty: name a directory"}}
	})
	o.addQuiet(c)

	return c.Command
}

// run returns the output that makes the key pair and prints the keys of the configuration. If they
// cannot be printed, it leaves no key.
func (o *caToken) run(_ context.Context, p process, r *report.Run) (report.Output, error) {
	private, public := filepath.Join(o.dir, ca.TokenKeyFile), filepath.Join(o.dir, ca.TokenPublicFile)
	section := fmt.Sprintf("# Paths are relative to this file: keep it in the directory in which tykmesh ca token ran.\nCA:\n"+
		"  tokenPath: %s # sidecars verify tokens with it\n"+
		"  tokenKeyPath: %s # a secret; tykmesh certs secrets signs tokens with it\n",
		manifest.Quote(filepath.ToSlash(public)), manifest.Quote(filepath.ToSlash(private)))

	return func() error {
		hidden, err := ca.CreateTokenKey(o.dir, func() error {
			_, err := display.JSON(p.stdout).Write([]byte(section))
			return err
		})
		if err != nil {
			return fmt.Errorf("making a key for tokens: %w", err)
		}

		if !hidden {
			r.DiagnoseLast(report.Diagnostic{
				Severity: report.Warning,
				Message:  fmt.Sprintf("%s is not changed, and lacks the secret file %s; add it", filepath.Join(o.dir, ".gitignore"), ca.TokenKeyFile),
			})
		}

		r.Lastly("%s made, and %s, which is secret and readable by you alone", public, private)

		return nil
	}, nil
}
