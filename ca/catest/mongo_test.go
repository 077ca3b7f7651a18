package catest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tykmesh/tykmesh/ca/catest"
)

// orphanVariable turns the test binary into a program that starts a server and never stops it.
const orphanVariable = "CATEST_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) == "" {
		os.Exit(m.Run())
	}

	uri, _, err := catest.StartMongo(context.Background())
	if err != nil {
		panic(err)
	}

	fmt.Println(uri)
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
}

// hostOf returns the address in a connection string.
func hostOf(t *testing.T, uri string) string {
	t.Helper()
	u, err := url.Parse(strings.TrimSpace(uri))
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// A killed program leaves no server: its connections end.
func TestServersDieWithTheirTests(t *testing.T) {
	catest.Mongo(t) // builds it, or skips
	orphan := exec.Command(os.Args[0])
	orphan.Env = append(os.Environ(), orphanVariable+"=1")

	stdin, err := orphan.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}

	defer stdin.Close()

	stdout, err := orphan.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}

	uri, readErr := bufio.NewReader(stdout).ReadString('\n')
	if readErr != nil {
		t.Fatal(readErr)
	}

	conn, err := net.Dial("tcp", hostOf(t, uri))
	if err != nil {
		t.Fatal(err)
	}

	defer conn.Close()
	if err := orphan.Process.Kill(); err != nil {
		t.Fatal(err)
	}

	_ = orphan.Wait() // it was killed
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("the server sent %d bytes by itself", n)
	}
}

// Each caller gets its own server, even if several start at once.
func TestServersAreSeparate(t *testing.T) {
	catest.Mongo(t) // builds it, or skips
	hosts := make([]string, 3)
	var wg sync.WaitGroup
	for i := range hosts {
		wg.Go(func() {
			uri, stop, err := catest.StartMongo(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(stop)
			hosts[i] = uri
		})
	}

	wg.Wait()
	if slices.Sort(hosts); !t.Failed() && len(slices.Compact(hosts)) != 3 {
		t.Errorf("servers share addresses: %v", hosts)
	}
}
