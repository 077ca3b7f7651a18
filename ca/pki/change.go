package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Change is what a step writes and removes: files of a CA's folder that replace those which are there.
type Change struct {
	Files  []File
	Remove []string // folders, with slashes
	ByHand []string // manifests that are not as they were made: what people have to write into them, each as a clause
}

// rebundle changes what pods trust, in the bundle and in its manifest.
func (r Rotation) rebundle(change *Change, edit func([]byte) []byte) error {
	was, err := os.ReadFile(File{Name: BundleFile}.in(r.dir))
	if err != nil {
		return err
	}
	now := edit(was)
	change.Files = append(change.Files, File{BundleFile, public, now})
	return r.edit(change, trustFile, public, "the ConfigMap ca-pem of each meshed namespace must hold "+BundleFile, func(text string) (string, error) {
		return swapJSON(text, string(was), string(now))
	})
}

// reserve gives the manifests of CFSSL another CA.
func (r Rotation) reserve(change *Change, next Authority) error {
	was := r.Present
	key, err := os.ReadFile(File{Name: KeyFile}.in(r.dir))
	if err != nil {
		return err
	}
	return errors.Join(
		r.edit(change, keysFile, secret, "the Secret ca-key-pem must hold "+KeyFile, func(text string) (string, error) {
			return swap(text, base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(next.Key))
		}),
		r.edit(change, serverFile, public, "the ConfigMap cfssl-ca-pem must hold "+CertFile+", and CFSSL's pod be replaced", func(text string) (string, error) {
			text, err := swapJSON(text, string(encode(was.Certificate)), string(encode(next.Certificate)))
			if err != nil || !hashPattern.MatchString(text) {
				return "", errNotThere
			}
			config, err := os.ReadFile(File{Name: ConfigFile}.in(r.dir))
			if err != nil {
				return "", err
			}
			return hashPattern.ReplaceAllString(text, "${1}"+servedHash(next, config)), nil
		}),
	)
}

// hashPattern finds the annotation that makes the pod of CFSSL differ when what it serves does.
var hashPattern = regexp.MustCompile(`(tykmesh/ca-hash: ")[0-9a-f]{64}`)

var errNotThere = errors.New("not there")

// edit changes a manifest in place, so that whatever people have written into it stays. One that is not there, or not as it was made, is theirs to
// change.
func (r Rotation) edit(change *Change, name string, mode fs.FileMode, byHand string, f func(string) (string, error)) error {
	text, err := os.ReadFile(File{Name: name}.in(r.dir))
	edited := ""
	if err == nil {
		edited, err = f(string(text))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotThere):
		change.ByHand = append(change.ByHand, name+" is not as it was made: "+byHand)
	case err != nil:
		return err
	default:
		change.Files = append(change.Files, File{name, mode, []byte(edited)})
	}
	return nil
}

func swap(text, old, now string) (string, error) {
	if !strings.Contains(text, old) {
		return "", errNotThere
	}
	return strings.ReplaceAll(text, old, now), nil
}

// swapJSON swaps texts that stand there as JSON strings.
func swapJSON(text, old, now string) (string, error) {
	quotedOld, err := quoted(old)
	if err != nil {
		return "", err
	}
	quotedNow, err := quoted(now)
	if err != nil {
		return "", err
	}
	return swap(text, quotedOld, quotedNow)
}

// without is a bundle without some certificates, and with everything else that is in it.
func without(bundle []byte, gone []*x509.Certificate) []byte {
	var out []byte
	for rest := bundle; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return append(out, rest...)
		}
		if !slices.ContainsFunc(gone, func(c *x509.Certificate) bool { return bytes.Equal(c.Raw, block.Bytes) }) {
			out = append(out, rest[:len(rest)-len(after)]...)
		}
		rest = after
	}
}

// rotationIgnored are what a change of the CA makes that is nobody's business.
var rotationIgnored = []string{"/" + nextFolder + "/", "/" + formerFolder + "/", "/" + changeFolder + "*/"}

// ignore adds to the folder's .gitignore.
func (r Rotation) ignore(change *Change) error {
	text, err := os.ReadFile(File{Name: IgnoreFile}.in(r.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for _, line := range rotationIgnored {
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	change.Files = append(change.Files, File{IgnoreFile, public, []byte(strings.TrimLeft(strings.Join(lines, "\n"), "\n") + "\n")})
	return nil
}

// The folders in which a change waits: while it is written, and when nothing is missing any more.
const (
	changeFolder  = ".tykmesh-change"
	changeWritten = changeFolder + "-written"
	removeFile    = "remove" // names what is to be removed
)

// Write makes the change in a folder: completely or not at all, also if it is broken off. Then the next ReadRotation finishes it.
//
//	files ──> .tykmesh-change/ ──rename──> .tykmesh-change-written/ ──rename, one by one──> their places
//	          a full disk, a kill:          from here on it is done, by this run or the next
//	          nothing has happened
//
// Errors: another change of the folder at the same time; whatever keeps files from being written.
func (c Change) Write(dir string) error {
	if err := c.stage(dir); err != nil {
		return err
	}
	return finishChange(dir)
}

// stage writes the change beside what it is to replace.
func (c Change) stage(dir string) error {
	temporary := filepath.Join(dir, changeFolder)
	if err := os.Mkdir(temporary, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there: another run is changing the CA, or was broken off before it changed anything; then remove it", temporary)
		}
		return err
	}
	err := writeFile(filepath.Join(temporary, removeFile), File{Mode: public, Text: []byte(strings.Join(c.Remove, "\n"))})
	for _, f := range c.Files {
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(f.in(temporary)), 0o700), writeFile(f.in(temporary), f))
		}
	}
	if err == nil {
		err = os.Rename(temporary, filepath.Join(dir, changeWritten))
	}
	if err != nil {
		err = errors.Join(err, os.RemoveAll(temporary))
	}
	return err
}

// finishChange puts the files of a change in their places. It may be called again after any part of it.
func finishChange(dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	list, err := root.ReadFile(path.Join(changeWritten, removeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = fs.WalkDir(root.FS(), changeWritten, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == path.Join(changeWritten, removeFile) {
			return err
		}
		place := strings.TrimPrefix(name, changeWritten+"/")
		return errors.Join(root.MkdirAll(path.Dir(place), 0o700), root.Rename(name, place))
	})
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(string(list), "\n") {
		if name != "" {
			if err := root.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return root.RemoveAll(changeWritten)
}
