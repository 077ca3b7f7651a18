package main

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
)

// configReader reads the files of a configuration, and remembers them.
type configReader struct{ read []string }

func (c *configReader) file(path string) ([]byte, error) {
	c.read = append(c.read, path)
	return files.ReadConfig(path)
}

// find finds the configuration.
func (c *configReader) find(p process, f configFlags) (config.Source, error) {
	src, err := config.Find(f.config, p.environ, c.file)
	src.Local, src.Secrets = f.local != "", f.secrets
	return src, err
}

// apart refuses targets that are the configuration, or a file that it names.
func (c *configReader) apart(r *report.Run, loaded config.Config) error {
	if len(r.Targets) == 0 {
		return nil
	}

	var templates []string
	if loaded.Tyk.Templates != "" {
		templates, _ = filepath.Glob(filepath.Join(loaded.Tyk.Templates, "*.json")) // an invalid pattern matches nothing
	}

	return r.Targets.CheckApart("part of the configuration of this run", slices.Concat(c.read, templates, loaded.Named())...)
}

// loadConfig reads the configuration and reports its warnings.
func loadConfig(p process, f configFlags, r *report.Run) (config.Config, error) {
	var (
		c        config.Config
		warnings []config.Finding
		reader   configReader
	)
	src, err := reader.find(p, f)
	if err == nil {
		c, warnings, err = config.Load(src)
	}

	if err := cmp.Or(reader.apart(r, c), err); err != nil {
		return config.Config{}, err
	}
	if err := unfinishedCA(c); err != nil {
		return config.Config{}, err
	}
	if c.Standalone() && f.instead != "" {
		return config.Config{}, needsDashboard(c, f.instead)
	}

	r.Diagnose(explain.ConfigWarnings(warnings)...)

	return c, nil
}
