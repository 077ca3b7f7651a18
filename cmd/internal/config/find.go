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
	src, named := Source{Environ: environ, ReadFile: readFile}, "--config"
	if flag == "" {
		named, flag = envConfig, lookupEnv(environ, envConfig)
	}

	if flag != "" {
		data, err := readFile(flag)
		if err != nil {
			return Source{}, unreadable(flag, named+" names a file that cannot be read", err)
		}
		src.Name, src.Data = flag, data
		return src, nil
	}

	for _, name := range configPlaces(environ) {
		switch data, err := readFile(name); {
		case err == nil:
			src.Name, src.Data = name, data
			return src, nil
		case !errors.Is(err, fs.ErrNotExist):
			return Source{}, unreadable(name, "cannot be read", err)
		}
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

func unreadable(name, msg string, err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err // the finding has the path
	}
	return Error{{Pos: manifest.Position{File: name}, Msg: msg + ": " + err.Error()}}
}
