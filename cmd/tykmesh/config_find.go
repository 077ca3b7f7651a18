package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// FindConfig reads the configuration file: the one that the flag names, else the one that TYKMESH_CONFIG names, else the first of
// ./tykmesh.yaml, ./tyk-k8s.yaml, tykmesh/tykmesh.yaml in the user's configuration folder (XDG base directory specification) and
// /etc/tyk-k8s/tyk-k8s.yaml that exists. Without any, name and data are empty: the environment may say enough.
//
// Errors: a [ConfigError] when a named file is not there, or one that is there cannot be read.
func FindConfig(flag string, environ []string, readFile func(path string) ([]byte, error)) (name string, data []byte, err error) {
	source := "--config"
	if flag == "" {
		source, flag = envConfig, lookupEnv(environ, envConfig)
	}
	if flag != "" {
		data, err := readFile(flag)
		if err != nil {
			return "", nil, unreadable(flag, fmt.Sprintf("%s names a file that cannot be read", source), err)
		}
		return flag, data, nil
	}
	for _, name := range configPlaces(environ) {
		switch data, err := readFile(name); {
		case err == nil:
			return name, data, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", nil, unreadable(name, "cannot be read", err)
		}
	}
	return "", nil, nil
}

// configPlaces are the files that are looked for when none is named.
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
	return ConfigError{{Pos: manifest.Position{File: name}, Msg: msg + ": " + err.Error()}}
}
