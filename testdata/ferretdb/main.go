// Command ferretdb serves the MongoDB wire protocol to the tests of tykmesh: FerretDB with its SQLite backend, in a module of its own so
// that nothing of it reaches the module that users build. It never listens on anything but the loopback interface.
//
// It prints its connection string as the only line of standard output, keeps its data in a temporary directory, and ends, data and all, when its
// standard input does: tests hold the other end of that pipe, so that the server goes with them, however they go.
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
	// Nobody reads the data after the machine has failed, so nothing waits for the disk. The busy handler comes first, as FerretDB has it.
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

	// Run is not asked to stop: that takes it seconds, and its data goes anyhow.
	ended := make(chan error, 2)
	go func() { ended <- db.Run(context.Background()) }()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // an error is an end too
		ended <- nil
	}()

	// The address exists only once Run listens; MongoDBURI waits for it.
	fmt.Fprintln(stdout, db.MongoDBURI())
	return <-ended
}
