package config

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Find reads the configuration file: the one that the flag names, else the one that TYKMESH_CONFIG
// names, else the first of ./tykmesh.yaml, ./tyk-k8s.yaml, tykmesh/tykmesh.yaml in the user's
// configuration folder (XDG base directory specification) and /etc/tyk-k8s/tyk-k8s.yaml that
// exists. Without any, the source has neither name nor data: the environment may say enough.
//
// Errors: an [Error] when a named file is not there, or one that is there cannot be read.
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

// configPlaces returns the files that are looked for when none is named.
func configPlaces(environ []string) []string {
	places := []string{"tykmesh.yaml", "tyk-k8s.yaml"}
	folder := lookupEnv(environ, "XDG_CONFIG_HOME")

	home := cmp.Or(lookupEnv(environ, "HOME"), lookupEnv(environ, "USERPROFILE")) // which is what Windows has
	if folder == "" && home != "" {
		folder = filepath.Join(home, ".config")
	}

	if folder != "" {
		places = append(places, filepath.Join(folder, "tykmesh", "tykmesh.yaml"))
	}

	return append(places, "/etc/tyk-k8s/tyk-k8s.yaml")
}

func unreadable(name, msg string, err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err // the path is in the finding already
	}
	return Error{{Pos: manifest.Position{File: name}, Msg: msg + ": " + err.Error()}}
}
