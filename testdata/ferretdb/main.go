// Command ferretdb serves the MongoDB wire protocol to the tests of tykmesh: FerretDB with its
// SQLite backend. It is a module of its own, so that users do not build its dependencies. It only
// listens on the loopback interface.
//
// It prints its connection string as the only line of standard output and keeps its data in a
// temporary directory. When its standard input ends, it deletes the data and ends: tests hold the
// other end of that pipe, so that the server ends with them, even if they are killed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := run(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

// run serves until stdin ends.
func run(stdin io.Reader, stdout, stderr io.Writer) (err error) {
	data, err := os.MkdirTemp("", "tykmesh-ferretdb-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	// Do not wait for the disk: after a crash, the data is not needed. The busy handler comes
	// first, as in FerretDB.
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=synchronous(off)"
	db, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + data + "/" + pragmas,
		Logger:    slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return fmt.Errorf("starting in %s: %w", data, err)
	}

	// Do not stop Run: that takes seconds, and its data is deleted anyway.
	ended := make(chan error, 2)
	go func() { ended <- db.Run(context.Background()) }()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // an error is an end too
		ended <- nil
	}()

	// MongoDBURI waits until Run listens.
	fmt.Fprintln(stdout, db.MongoDBURI())
	return <-ended
}
