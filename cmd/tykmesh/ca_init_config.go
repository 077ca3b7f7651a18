package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/display"
)

// destination is the configuration that a new CA is for.
type destination struct {
	src        config.Source
	keys       pki.Keys
	standalone bool
	merges     bool // the configuration is written, and nothing is printed
}

// destination returns the configuration that the CA is for, before the CA is made: that of
// --config, or the one that other commands find here, if it can be read.
func (o *caInit) destination(p process, r *report.Run) (d destination, err error) {
	var (
		c      config.Config
		reader configReader
	)
	d.merges = o.config != ""
	d.src, err = reader.find(p, o.configFlags)
	if d.merges {
		d.src.Environ = nil // the file is written, so that its own keys count
	}
	if err == nil {
		c, err = config.Peek(d.src)
	}
	if d.merges && err != nil {
		return d, err
	}

	if !d.merges {
		err = refuseSecond(r, d.src.Name)
	}
	d.standalone = c.Standalone()
	d.keys = pki.KeysIn(d.relative(o.dir), o.serving, signerOf(c))
	if d.merges {
		_, err = config.MergeCA(d.src, d.values(), []byte("CA: {}\n"))
	}
	if err == nil && d.merges {
		err = files.CheckWritable(d.src.Name)
	}

	return d, err
}

// signerOf returns the signer of certificates that suits a configuration.
func signerOf(c config.Config) pki.Issuer {
	switch {
	case c.CA.IssuerRef.Name != "":
		return pki.IssuedByManager
	case c.CA.KeyPath != "", c.Standalone() && c.CA.Addr == "":
		return pki.IssuedWithKey
	}
	return pki.IssuedByCFSSL
}

// relative returns a directory as the configuration names it: from its own directory.
func (d destination) relative(dir string) string {
	if !d.merges || filepath.IsAbs(dir) {
		return dir
	}

	base, err := filepath.Abs(filepath.Dir(d.src.Name))
	full, also := filepath.Abs(dir)
	if err != nil || also != nil {
		return dir
	}
	if rel, err := filepath.Rel(base, full); err == nil {
		return rel
	}

	return full
}

// values returns the keys that the configuration gets.
func (d destination) values() []config.Value {
	bundle := config.Value{Key: config.CABundlePath, Text: d.keys.Bundle}
	chain := config.Value{Key: config.CACertPath, Text: d.keys.Chain}
	switch {
	case d.keys.Local():
		return []config.Value{chain, {Key: config.CAKeyPath, Text: d.keys.CAKey}, bundle}
	case d.keys.CFSSL():
		return []config.Value{{Key: config.CAAddr, Text: d.keys.Addr}, {Key: config.CAKey, Text: d.keys.Key}, chain, bundle}
	}
	return []config.Value{bundle}
}

// section returns the function that prints the section CA, or writes it into the configuration.
func (d destination) section(p process, r *report.Run, setup pki.Setup) (write func() error, err error) {
	section, err := setup.Section(d.keys)
	if err != nil || !d.merges {
		return func() error {
			_, err := display.JSON(p.stdout).Write(section)
			return err
		}, err
	}

	_, section, _ = bytes.Cut(section, []byte("\n")) // the note about paths, which fit this file
	merged, err := config.MergeCA(d.src, d.values(), section)
	if err != nil {
		return nil, err
	}

	if len(merged.Set) > 0 {
		r.Lastly("%s: set: %s", d.src.Name, strings.Join(merged.Set, ", "))
	}
	if len(merged.Replaced) > 0 {
		r.Lastly("%s: replaced: %s", d.src.Name, strings.Join(merged.Replaced, ", "))
	}

	return func() error { return files.Replace(d.src.Name, merged.Text) }, nil
}

// commands returns the command lines to type next.
func (d destination) commands(p process, o *caInit) pki.Commands {
	c := o.configFlags.commands(p.name, o.dir)
	if d.keys.CFSSL() {
		return c
	}

	c.Standalone = &pki.Standalone{Issuer: d.keys.Issuer}
	if d.standalone {
		c.Standalone.Secrets = o.line(p.name, "certs secrets")
	}

	return c
}

// refuseSecond refuses standard output that is a configuration with a section CA, because a second
// one would make it invalid. The configuration is the one in use, or a file of this directory.
func refuseSecond(r *report.Run, inUse string) error {
	paths := []string{inUse}
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, _ := filepath.Glob(pattern) // the patterns are valid
		paths = append(paths, found...)
	}

	for _, path := range paths {
		for _, t := range r.Targets {
			if path == "" || t.What != files.StandardOutput || !t.Is(path) {
				continue
			}

			data, err := files.ReadConfig(path)
			if err != nil {
				continue
			}
			if at, has := config.HasCA(config.Source{Name: path, Data: data}); has {
				return &advisedError{
					fmt.Errorf("standard output is %s, which has a section CA on line %d already, and a second one would make it invalid", path, at.Line),
					"set the keys of that section: tykmesh ca init --config " + shellWord(path), exit.Usage,
				}
			}
		}
	}

	return nil
}
