package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
)

// mongoProxy stands before a MongoDB and breaks off the connection at one command, or never says a word again from there on.
type mongoProxy struct {
	net.Listener
	uri     string // of the proxy
	backend string // address

	mu    sync.Mutex
	seen  int    // commands that read or write records
	fails int    // the one that fails, from 1; 0 for none
	after bool   // it takes effect before
	hangs func() // called when the server falls silent; nil for one that breaks off
	mute  bool   // it has
}

// ledgerCommands are those that the ledger sends; the others are about the connection.
var ledgerCommands = []string{"find", "insert", "update"}

// newMongoProxy starts a proxy before the server of a connection string; database replaces the one that it names.
func newMongoProxy(connection, database string) (*mongoProxy, error) {
	u, err := url.Parse(connection)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &mongoProxy{Listener: l, backend: u.Host, uri: "mongodb://" + l.Addr().String() + "/" + database}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p, nil
}

// fail makes the k-th command from now on fail, before or after it takes effect; no command if k is 0.
func (p *mongoProxy) fail(k int, after bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.fails, p.after, p.hangs, p.mute = 0, k, after, nil, false
}

// hang makes the server fall silent at the k-th command from now on.
func (p *mongoProxy) hang(k int, struck func()) {
	p.fail(k, false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = struck
}

// silent says whether the server has fallen silent, and lets it if it is to at this point.
func (p *mongoProxy) silent(strikes bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if strikes && p.hangs != nil && !p.mute {
		p.mute = true
		p.hangs()
	}
	return p.mute
}

// count is the number of commands since fail was called.
func (p *mongoProxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// serve hands messages on, one question and one answer at a time, as drivers and servers do.
func (p *mongoProxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.backend)
	if err != nil {
		return
	}
	defer server.Close()
	for {
		question, err := readMessage(client)
		if err != nil {
			return
		}
		lost, effective := p.strikes(question)
		if p.silent(lost) {
			_, _ = io.Copy(io.Discard, client) // until it is gone
			return
		}
		if lost && !effective {
			return
		}
		if _, err := server.Write(question); err != nil {
			return
		}
		answer, err := readMessage(server)
		if err != nil || lost {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

func (p *mongoProxy) strikes(question []byte) (lost, effective bool) {
	if !slices.Contains(ledgerCommands, commandName(question)) {
		return false, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	return p.seen == p.fails, p.after
}

// readMessage reads one message of the MongoDB wire protocol: its length comes first.
func readMessage(r io.Reader) ([]byte, error) {
	size := make([]byte, 4)
	if _, err := io.ReadFull(r, size); err != nil {
		return nil, err
	}
	message := make([]byte, binary.LittleEndian.Uint32(size))
	copy(message, size)
	_, err := io.ReadFull(r, message[4:])
	return message, err
}

// commandName is the first key of the document in an OP_MSG (MongoDB wire protocol): header, flags, section kind, length, type, name.
func commandName(message []byte) string {
	const opMsg, nameAt = 2013, 16 + 4 + 1 + 4 + 1
	if len(message) < nameAt || binary.LittleEndian.Uint32(message[12:]) != opMsg {
		return ""
	}
	name, _, _ := bytes.Cut(message[nameAt:], []byte{0})
	return string(name)
}
