package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// mongoProxy stands before a MongoDB and makes one command fail.
type mongoProxy struct {
	net.Listener
	uri     string // of the proxy
	backend string // address

	mu    sync.Mutex
	seen  map[string]int // commands that read or write records, by name; all of them under ""
	fault commandFault
	mute  bool // a fault made it so
}

// commandFault is what goes wrong with one command. The zero value is nothing.
type commandFault struct {
	command string // which; "" for any of ledgerCommands
	nth     int    // from 1, counted since fail was called
	after   bool   // it takes effect before
	refused bool   // the client gets an error; else the connection breaks off
	mute    bool   // nobody ever gets an answer again
	struck  func() // is called at that moment; nil for nothing
}

// ledgerCommands are those that the ledger sends; the others are about the connection.
var ledgerCommands = []string{"find", "insert", "update"}

// newMongoProxy starts a proxy before the server of a connection string; database replaces the one
// that it names.
func newMongoProxy(connection, database string) (*mongoProxy, error) {
	u, err := url.Parse(connection)
	if err != nil {
		return nil, err
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	p := &mongoProxy{Listener: l, backend: u.Host, seen: map[string]int{}, uri: "mongodb://" + l.Addr().String() + "/" + database}
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

// fail makes a command from now on fail, and forgets what was planned and counted before.
func (p *mongoProxy) fail(f commandFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.fault, p.mute = map[string]int{}, f, false
}

// counts returns the numbers of commands since fail was called, by name.
func (p *mongoProxy) counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := maps.Clone(p.seen)
	delete(counts, "")
	return counts
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

		fault, strikes := p.arrived(commandName(question))
		if p.silent(fault, strikes) {
			_, _ = io.Copy(io.Discard, client) // until it is gone
			return
		}

		var answer []byte
		if !strikes || fault.after {
			if answer, err = ask(server, question); err != nil {
				return
			}
		}

		if strikes && fault.struck != nil {
			fault.struck()
		}

		if strikes && !fault.refused {
			return
		}

		if strikes {
			answer = internalError(question)
		}

		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// arrived counts a command and says whether it fails.
func (p *mongoProxy) arrived(command string) (f commandFault, strikes bool) {
	if !slices.Contains(ledgerCommands, command) {
		return commandFault{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[command]++
	p.seen[""]++
	f = p.fault

	return f, (f.command == "" || f.command == command) && p.seen[f.command] == f.nth
}

// silent reports whether the server says nothing any more, after this fault at the latest.
func (p *mongoProxy) silent(f commandFault, strikes bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if strikes && f.mute {
		p.mute = true
		f.struck()
	}
	return p.mute
}

func ask(server net.Conn, question []byte) (answer []byte, err error) {
	if _, err := server.Write(question); err != nil {
		return nil, err
	}
	return readMessage(server)
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

// opMsg is the code of the messages of the MongoDB wire protocol that carry commands and their
// answers: a header of 16 bytes, flags, and sections, each a byte for its kind and a document.
const opMsg = 2013

// commandName returns the first key of the document in an OP_MSG: header, flags, section kind,
// length, type, name.
func commandName(message []byte) string {
	const nameAt = 16 + 4 + 1 + 4 + 1
	if len(message) < nameAt || binary.LittleEndian.Uint32(message[12:]) != opMsg {
		return ""
	}
	name, _, _ := bytes.Cut(message[nameAt:], []byte{0})
	return string(name)
}

// internalError returns the answer of a server with which something is wrong: an OP_MSG that says
// which message it answers.
func internalError(question []byte) []byte {
	document, err := bson.Marshal(bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: "planned"}, {Key: "code", Value: 1}, {Key: "codeName", Value: "InternalError"}})
	if err != nil {
		panic(err) // a constant can be marshalled
	}

	const flagsAndKind = 4 + 1
	answer := make([]byte, 16+flagsAndKind, 16+flagsAndKind+len(document))
	binary.LittleEndian.PutUint32(answer, uint32(cap(answer)))
	copy(answer[8:12], question[4:8]) // the question's id
	binary.LittleEndian.PutUint32(answer[12:], opMsg)

	return append(answer, document...)
}
