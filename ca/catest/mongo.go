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

// database is the one that connection strings of StartMongo name.
const database = "tykmesh"

// Mongo starts an empty MongoDB for a test, FerretDB with SQLite, and returns its connection
// string. The first call on a machine builds the server (testdata/ferretdb), which takes minutes;
// the binary stays in the user's cache directory.
//
// Where it cannot be built the test is skipped, but fails if the environment variable CI says that
// nothing may be.
//
// FerretDB's updates are not atomic: a test of compare-and-set adds ?maxPoolSize=1 to the
// connection string. Inserts with a taken _id are.
func Mongo(tb testing.TB) string {
	tb.Helper()
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

// StartMongo is Mongo for programs that are not one test: stop ends the server. A program that ends
// without calling it leaves no server either: the server stops when its standard input ends.
//
// Errors: the server cannot be built (no module cache and no network, or not in the source tree of
// tykmesh) or does not start.
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
		_ = cmd.Wait() // a test has nothing to say of how its server ended
	}

	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("starting FerretDB: %w: %s", err, stderr)
	}

	return strings.TrimSpace(line) + database, stop, nil
}

// buildFerretDB returns the binary from the cache, and builds it when it is not there. Of several
// processes that want it at once one builds.
func buildFerretDB(ctx context.Context) (string, error) {
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

	dir := filepath.Join(cache, "tykmesh-test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}

	binary := filepath.Join(dir, "ferretdb-"+sum)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}

	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}

	// A bbolt file serves as the lock: it is freed when its process ends, on every system.
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

// goBuild compiles the module in source. The binary appears complete or not at all.
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

// ferretDBSource finds testdata/ferretdb from the working directory, which is inside the source
// tree in every test of tykmesh.
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

// hashFiles returns a short hash of files and of what else the binary depends on.
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
