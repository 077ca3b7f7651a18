package catest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// database is the database in connection strings of StartMongo.
const database = "tykmesh"

// Mongo starts an empty MongoDB for a test, FerretDB with SQLite, and returns its connection
// string. The first call on a machine builds the server (testdata/ferretdb), which takes minutes;
// the binary stays in the user's cache directory.
//
// If the server cannot be built, Mongo skips the test, but with the environment variable CI it
// fails the test. With TYKMESH_TEST_MONGO=built it skips the test if no earlier run has built the
// server.
//
// FerretDB's updates are not atomic: a test of compare-and-set adds ?maxPoolSize=1 to the
// connection string. Inserts with a duplicate _id are atomic.
func Mongo(tb testing.TB) string {
	tb.Helper()
	if !MongoWanted() {
		tb.Skip("no MongoDB for this test: no run without TYKMESH_TEST_MONGO=built has built it yet")
	}

	uri, stop, err := StartMongo(context.Background())
	if err != nil {
		if ci := os.Getenv("CI"); ci == "1" || ci == "true" {
			tb.Fatalf("no MongoDB for this test: %v", err)
		}
		tb.Skipf("no MongoDB for this test (set CI=1 to make this a failure): %v", err)
	}

	tb.Cleanup(stop)

	return uri
}

// StartMongo starts a server outside of a test; stop ends it. The server also ends with the
// program, because it ends with its standard input.
//
// Errors: the server cannot be built (no module cache and no network, or outside of tykmesh's
// source tree) or does not start.
func StartMongo(ctx context.Context) (uri string, stop func(), err error) {
	binary, err := buildFerretDB(ctx)
	if err != nil {
		return "", nil, err
	}

	cmd := exec.Command(binary)
	stderr := new(strings.Builder)
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}

	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting FerretDB: %w", err)
	}

	stop = func() {
		_ = stdin.Close()
		_ = cmd.Wait() // its exit status does not matter
	}

	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("starting FerretDB: %w: %s", err, stderr)
	}

	return strings.TrimSpace(line) + database, stop, nil
}

// MongoWanted reports whether tests may start a server: one that an earlier run has built, or,
// unless TYKMESH_TEST_MONGO=built, one that this run builds, which takes minutes.
func MongoWanted() bool {
	if os.Getenv("TYKMESH_TEST_MONGO") != "built" {
		return true
	}

	binary, err := ferretDBPath()
	if err != nil {
		return false
	}
	_, err = os.Stat(binary)

	return err == nil
}

// ferretDBPath returns the path of the server's binary in the cache, named by its source.
func ferretDBPath() (string, error) {
	source, err := ferretDBSource()
	if err != nil {
		return "", err
	}

	sum, err := hashFiles(source, "go.mod", "go.sum", "main.go")
	if err != nil {
		return "", err
	}

	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no home directory, as in some containers
	}

	binary := filepath.Join(cache, "tykmesh-test", "ferretdb-"+sum)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}

	return binary, nil
}

// buildFerretDB returns the path of the binary in the cache, and builds it first if it is missing.
// Only one of several concurrent processes builds it.
func buildFerretDB(ctx context.Context) (string, error) {
	binary, err := ferretDBPath()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}

	source, err := ferretDBSource()
	if err != nil {
		return "", err
	}

	dir := filepath.Dir(binary)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}

	// A bbolt file serves as the lock: every system unlocks it when the process ends.
	lock, err := bbolt.Open(filepath.Join(dir, "lock"), 0o600, &bbolt.Options{Timeout: 10 * time.Minute})
	if err != nil {
		return "", fmt.Errorf("waiting for another build of FerretDB: %w", err)
	}

	defer lock.Close()
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}

	return binary, goBuild(ctx, source, binary)
}

// goBuild compiles the module in source. It writes the binary completely or not at all.
func goBuild(ctx context.Context, source, binary string) error {
	temp := fmt.Sprintf("%s.%d", binary, os.Getpid())
	defer os.Remove(temp)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", temp, ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building FerretDB in %s: %w\n%s", source, err, out)
	}

	return os.Rename(temp, binary)
}

// ferretDBSource returns the directory testdata/ferretdb, which it finds from the working
// directory: that is inside the source tree in every test of tykmesh.
func ferretDBSource() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}

	for dir := start; ; dir = filepath.Dir(dir) {
		source := filepath.Join(dir, "testdata", "ferretdb")
		if _, err := os.Stat(filepath.Join(source, "go.mod")); err == nil {
			return source, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no testdata/ferretdb above %s: %w", start, errors.ErrUnsupported)
		}
	}
}

// hashFiles returns a short hash of files and of the Go version and platform.
func hashFiles(dir string, names ...string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range names {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", err
		}
	}

	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}
