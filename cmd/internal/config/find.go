package config

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Find reads the configuration file: the one that the flag names, else the one that TYKMESH_CONFIG
// names, else the first that exists of ./tykmesh.yaml, ./tyk-k8s.yaml, tykmesh/tykmesh.yaml in the
// user's configuration directory (XDG base directory specification) and /etc/tyk-k8s/tyk-k8s.yaml.
// Without a file, the source has neither name nor data, because the environment may be enough.
//
// Errors: an [Error] if a named file does not exist, or if a file cannot be read.
func Find(flag string, environ []string, readFile func(path string) ([]byte, error)) (Source, error) {
	src := Source{Environ: environ, ReadFile: readFile}
	places, msg := []string{flag}, "--config names a file that cannot be read: "
	if flag == "" {
		places, msg = []string{lookupEnv(environ, envConfig)}, envConfig+" names a file that cannot be read: "
	}

	named := places[0] != ""
	if !named {
		places, msg = configPlaces(environ), "cannot be read: "
	}

	for _, name := range places {
		data, err := readFile(name)
		if err == nil {
			src.Name, src.Data = name, data
			return src, nil
		}
		if !named && errors.Is(err, fs.ErrNotExist) {
			continue
		}

		if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
			err = pathErr.Err // the finding has the path
		}

		return Source{}, Error{{Pos: manifest.Position{File: name}, Msg: msg + err.Error()}}
	}

	return src, nil
}

// configPlaces returns the files to look for if no file is named.
func configPlaces(environ []string) []string {
	places := []string{"tykmesh.yaml", "tyk-k8s.yaml"}
	directory := lookupEnv(environ, "XDG_CONFIG_HOME")

	home := cmp.Or(lookupEnv(environ, "HOME"), lookupEnv(environ, "USERPROFILE")) // on Windows
	if directory == "" && home != "" {
		directory = filepath.Join(home, ".config")
	}

	if directory != "" {
		places = append(places, filepath.Join(directory, "tykmesh", "tykmesh.yaml"))
	}

	return append(places, "/etc/tyk-k8s/tyk-k8s.yaml")
}
