package ca_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The operations of the MongoDB wire protocol that the driver uses: OP_QUERY and OP_REPLY for the
// first handshake, OP_MSG for the rest.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

// newStub starts an empty MongoDB that refuses one command with an error code, and returns its
// connection string.
func newStub(t *testing.T, refused string, code int32) string {
	t.Helper()
	return serveStub(t, func(request bson.Raw) bson.D { return stubAnswer(request, refused, code) })
}

func serveStub(t *testing.T, answer func(bson.Raw) bson.D) string {
	t.Helper()
	listener := listen(t)
	go accept(listener, func(c net.Conn) {
		for {
			request, op, id, err := readMessage(c)
			if err != nil {
				return
			}
			if _, err := c.Write(message(op, id, answer(request))); err != nil {
				return
			}
		}
	})

	return "mongodb://" + listener.Addr().String() + "/tykmesh?authSource=admin"
}

// stubAnswer returns the stub's answer to a command, whose name is the first field of its document.
func stubAnswer(request bson.Raw, refused string, code int32) bson.D {
	element, err := request.IndexErr(0)
	if err != nil {
		return bson.D{{Key: "ok", Value: 0}}
	}

	switch element.Key() {
	case refused:
		return bson.D{{Key: "ok", Value: 0}, {Key: "errmsg", Value: "stub says no"}, {Key: "code", Value: code}, {Key: "codeName", Value: "Stub"}}
	case "hello", "isMaster", "ismaster":
		return bson.D{{Key: "ok", Value: 1}, {Key: "ismaster", Value: true}, {Key: "helloOk", Value: true}, {Key: "isWritablePrimary", Value: true},
			{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48000000}, {Key: "maxWriteBatchSize", Value: 100000},
			{Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21}, {Key: "logicalSessionTimeoutMinutes", Value: int32(30)}}
	case "find":
		empty := bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: "tykmesh.k8s_ca"}, {Key: "firstBatch", Value: bson.A{}}}
		return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: empty}}
	}

	return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}}
}

// readMessage reads a message and returns the document of its command.
func readMessage(r io.Reader) (document bson.Raw, op, id int32, err error) {
	header := make([]byte, 16)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, 0, 0, err
	}

	number := func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) }
	body := make([]byte, number(header)-16)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, 0, 0, err
	}

	op, id = number(header[12:]), number(header[4:])
	if op == opMsg {
		return body[5:], op, id, nil // after the flags and the kind of the section
	}

	name := 4
	for body[name] != 0 {
		name++
	}

	return body[name+1+8:], op, id, nil // after the flags, the collection's name, and two numbers
}

// message returns an answer in the form of the request's operation.
func message(op, id int32, document bson.D) []byte {
	encoded, err := bson.Marshal(document)
	if err != nil {
		panic(err)
	}

	body := append(make([]byte, 5), encoded...)
	if op == opQuery {
		body = append(binary.LittleEndian.AppendUint32(make([]byte, 16), 1), encoded...) // flags, cursor, start; one document
		op = opReply
	}

	out := binary.LittleEndian.AppendUint32(nil, uint32(16+len(body)))
	out = binary.LittleEndian.AppendUint32(out, 1)
	out = binary.LittleEndian.AppendUint32(out, uint32(id))
	out = binary.LittleEndian.AppendUint32(out, uint32(op))

	return append(out, body...)
}
