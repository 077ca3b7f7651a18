package main

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/goreleaser/nfpm/v2/files"
)

// made is the directory of files that make share makes; those of all other paths are in the checkout.
const made = "bin/"

// archived returns the files of archives that the checkout lacks.
func archived(project config.Project, root string) (faults []error) {
	for _, archive := range project.Archives {
		for _, file := range archive.Files {
			if found, err := filepath.Glob(filepath.Join(root, file.Source)); !strings.HasPrefix(file.Source, made) && (err != nil || len(found) == 0) {
				faults = append(faults, fmt.Errorf("archives: %s: the checkout has no such file", file.Source))
			}
		}
	}

	return faults
}

// published returns the parts of a configuration that would be published.
func published(project config.Project) (faults []error) {
	for name, ok := range map[string]bool{
		"release.disable has to be true":    project.Release.Disable == "true",
		"brews: skip_upload has to be true": !slices.ContainsFunc(project.Brews, func(b config.Homebrew) bool { return b.SkipUpload != "true" }),
		"krews: skip_upload has to be true": !slices.ContainsFunc(project.Krews, func(k config.Krew) bool { return k.SkipUpload != "true" }),
	} {
		if !ok {
			faults = append(faults, fmt.Errorf("%s: make release publishes nothing", name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })

	return faults
}

// packaged returns the faults of a section of packages. It lays out each format as nfpm does,
// with empty files in place of what make share makes.
func packaged(p config.NFPM, root string) (faults []error) {
	fault := func(format string, values ...any) { faults = append(faults, fmt.Errorf("nfpms: "+format, values...)) }
	missing(fault, map[string]string{
		"maintainer": p.Maintainer, "description": p.Description, "homepage": p.Homepage, "license": p.License, "mtime": p.MTime,
		"rpm.buildhost": p.RPM.BuildHost,
	})
	if len(p.Formats) == 0 {
		fault("formats is empty; goreleaser skips such a section")
	}

	share, err := os.MkdirTemp("", "release-*")
	if err != nil {
		return append(faults, err)
	}
	defer os.RemoveAll(share)

	for _, format := range p.Formats {
		if format != "deb" && format != "rpm" {
			fault("format %q has no test; use deb or rpm", format)
			continue
		}
		contents, err := layout(p.Contents, root, share)
		if err == nil {
			_, err = files.PrepareForPackager(contents, 0, format, false, p.ParsedMTime)
		}
		if err != nil {
			fault("%s: %v", format, err)
		}
	}

	return faults
}

// layout returns the contents of packages as nfpm wants them.
func layout(contents []config.NFPMContent, root, share string) (files.Contents, error) {
	var out files.Contents
	for _, c := range contents {
		source := filepath.Join(root, c.Source)
		switch {
		case c.Type == "symlink":
			source = c.Source
		case strings.HasPrefix(c.Source, made):
			source = filepath.Join(share, c.Source)
			if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(strings.ReplaceAll(source, "*", "all"), nil, 0o644); err != nil {
				return nil, err
			}
		}
		if !path.IsAbs(c.Destination) {
			return nil, fmt.Errorf("%s: the destination %q is not an absolute path", c.Source, c.Destination)
		}
		if c.Type == "" && c.FileInfo.MTime == "" {
			return nil, fmt.Errorf("%s: it has no file_info.mtime; set it, because packages are to be the same each time", c.Source)
		}
		out = append(out, &files.Content{Source: source, Destination: c.Destination, Type: c.Type, Packager: c.Packager})
	}

	return out, nil
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// brewed returns the faults of a formula: it may install only files of the archives.
func brewed(formula config.Homebrew, archives []config.Archive) (faults []error) {
	fault := func(format string, values ...any) { faults = append(faults, fmt.Errorf("brews: "+format, values...)) }
	missing(fault, map[string]string{
		"name": formula.Name, "description": formula.Description, "homepage": formula.Homepage, "license": formula.License,
		"url_template": formula.URLTemplate, "test": formula.Test, "repository.name": formula.Repository.Name,
	})

	held := []string{"tykmesh"}
	for _, archive := range archives {
		for _, file := range archive.Files {
			held = append(held, path.Join(file.Destination, path.Base(file.Source)))
		}
	}
	installs := 0
	for _, line := range strings.Split(formula.Install, "\n") {
		line, _, _ = strings.Cut(line, " => ")
		for _, name := range quoted.FindAllStringSubmatch(line, -1) {
			installs++
			if !slices.ContainsFunc(held, func(pattern string) bool {
				ok, err := path.Match(pattern, name[1])
				return pattern == name[1] || err == nil && ok
			}) {
				fault("install: no archive holds %q", name[1])
			}
		}
	}
	if installs == 0 {
		fault("install: it installs nothing")
	}

	return faults
}

// missing reports the fields of a section that have no value, by their names.
func missing(fault func(string, ...any), fields map[string]string) {
	var empty []string
	for name, value := range fields {
		if value == "" {
			empty = append(empty, name)
		}
	}
	slices.Sort(empty)
	for _, name := range empty {
		fault("%s has no value", name)
	}
}
