package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The kinds of messages of MongoDB's wire protocol that a driver begins with, and the answers to
// them.
const (
	mongoReply = 1
	mongoQuery = 2004
	mongoMsg   = 2013
)

// refusingMongo starts a MongoDB that gives every request the same answer, and returns its address.
func refusingMongo(t *testing.T, words string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { l.Close() })

	answer, err := bson.Marshal(bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: 8}, {Key: "codeName", Value: words}, {Key: "errmsg", Value: words}})
	if err != nil {
		t.Fatal(err)
	}

	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go refuseAll(conn, answer)
		}
	}()

	return l.Addr().String()
}

func refuseAll(conn net.Conn, answer []byte) {
	defer conn.Close()
	for {
		var header struct{ Length, ID, To, Kind int32 }
		if binary.Read(conn, binary.LittleEndian, &header) != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(header.Length)-16); err != nil {
			return
		}

		before, kind := []byte{0, 0, 0, 0, 0}, int32(mongoMsg) // flags, and a section with a document
		if header.Kind == mongoQuery {
			before, kind = append(make([]byte, 16), 1, 0, 0, 0), mongoReply
		}

		var b bytes.Buffer
		_ = binary.Write(&b, binary.LittleEndian, []int32{int32(16 + len(before) + len(answer)), 1, header.ID, kind})
		if _, err := conn.Write(append(append(b.Bytes(), before...), answer...)); err != nil {
			return
		}
	}
}

// What MongoDB says, and how it is addressed, gives no orders either.
func TestMongoGivesNoOrders(t *testing.T) {
	w := hostileWorld(t)
	environ := []string{"TYKMESH_TYK_URL=" + w.dashboard.URL, "TYK_DASHBOARD_KEY=" + plantedDashboardKey, "TYKMESH_CA_ADDR=" + w.cfssl.URL, "CFSSL_KEY=" + plantedCFSSLKey}
	for i, address := range []string{
		"mongodb://" + refusingMongo(t, feigned) + "/db?serverSelectionTimeoutMS=300",
		"mongodb://127.0.0.1:1/" + feigned + "?serverSelectionTimeoutMS=300",
		"mongodb://" + feigned,
	} {
		for _, command := range []string{"status", "check", "certs list --report json", "certs list --report github"} {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), process{args: append(strings.Fields(command), "--config", samples+"/tykmesh.yaml"), stdin: strings.NewReader(""),
				environ: append(environ, "TYKMESH_CA_MONGOCONNSTR="+address), stdout: &stdout, stderr: &stderr})
			if status == 0 {
				t.Errorf("%s: exit status 0", command)
			}

			checkLines(t, []string{command, address}, stdout.String(), false)
			checkLines(t, []string{command, address}, stderr.String(), strings.Contains(command, "github"))
			if i == 0 && !strings.Contains(stdout.String()+stderr.String(), "feigned") {
				t.Errorf("%s says nothing of what MongoDB says", command)
			}
		}
	}
}
