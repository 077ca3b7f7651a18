package config

import (
	"errors"
	"io/fs"
	"testing"
)

func TestFindConfig(t *testing.T) {
	all := []string{"tykmesh.yaml", "tyk-k8s.yaml", "/xdg/tykmesh/tykmesh.yaml", "/etc/tyk-k8s/tyk-k8s.yaml"}
	tests := []struct {
		name    string
		flag    string
		environ []string
		files   []string
		want    string
	}{
		{"the flag wins", "mine.yaml", []string{"TYKMESH_CONFIG=theirs.yaml"}, append(all, "mine.yaml", "theirs.yaml"), "mine.yaml"},
		{"then the environment", "", []string{"TYKMESH_CONFIG=theirs.yaml"}, append(all, "theirs.yaml"), "theirs.yaml"},
		{"then here", "", []string{"XDG_CONFIG_HOME=/xdg"}, all, all[0]},
		{"then the name of tyk-k8s", "", []string{"XDG_CONFIG_HOME=/xdg"}, all[1:], all[1]},
		{"then the user's", "", []string{"XDG_CONFIG_HOME=/xdg", "HOME=/home"}, all[2:], all[2]},
		{"which is in .config", "", []string{"HOME=/home"}, append(all[3:], "/home/.config/tykmesh/tykmesh.yaml"), "/home/.config/tykmesh/tykmesh.yaml"},
		{"on Windows too", "", []string{"USERPROFILE=/users/u"}, append(all[3:], "/users/u/.config/tykmesh/tykmesh.yaml"), "/users/u/.config/tykmesh/tykmesh.yaml"},
		{"then the system's", "", []string{"TYKMESH_CONFIG="}, all[3:], all[3]},
		{"or none", "", nil, nil, ""},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src, err := Find(tt.flag, tt.environ, func(path string) ([]byte, error) {
				for _, f := range tt.files {
					if f == path {
						return []byte("text of " + f), nil
					}
				}
				return nil, fs.ErrNotExist
			})

			if err != nil || src.Name != tt.want || src.Name != "" && string(src.Data) != "text of "+src.Name {
				t.Errorf("got %q, %q, %v; want %q", src.Name, src.Data, err, tt.want)
			}
		})
	}
}

// A file that is named, or that is there, is never passed over.
func TestFindConfigUnreadable(t *testing.T) {
	denied := func(path string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	}
	absent := func(path string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	tests := []struct {
		name     string
		flag     string
		environ  []string
		readFile func(string) ([]byte, error)
		want     string
	}{
		{"flag", "mine.yaml", nil, absent, "mine.yaml: --config names a file that cannot be read: file does not exist"},
		{"environment", "", []string{"TYKMESH_CONFIG=mine.yaml"}, absent, "mine.yaml: TYKMESH_CONFIG names a file that cannot be read: file does not exist"},
		{"found", "", nil, denied, "tykmesh.yaml: cannot be read: permission denied"},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Find(tt.flag, tt.environ, tt.readFile)
			var exit interface{ ExitCode() int }
			if err == nil || err.Error() != tt.want || !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("got %v, want %s with exit status 2", err, tt.want)
			}
		})
	}
}
