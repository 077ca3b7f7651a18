package dashboard

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   []byte // all of it; of one that was read as it came, its beginning
	err    error  // of reading it so
}

// stream is an answer that can be read as it comes.
type stream interface {
	answered
	read(dec *json.Decoder) error
}

// errTooLarge ends an answer that is longer than it may be.
var errTooLarge = errors.New("the answer is too large")

// receive reads an answer, at most limit bytes of it. If it is what was asked for and into can read it as it comes, then it is never held as
// text.
//
// Errors: errTooLarge, and what the connection ended with.
func receive(resp *http.Response, limit int64, into answered) (*reply, error) {
	defer resp.Body.Close()
	r := &reply{status: resp.StatusCode, header: resp.Header}
	body := &bounded{from: resp.Body, left: limit}
	if s, ok := into.(stream); ok && r.status == http.StatusOK {
		r.err = s.read(json.NewDecoder(io.TeeReader(body, (*beginning)(&r.body))))
		return r, body.err
	}
	var err error
	r.body, err = io.ReadAll(body)
	return r, err
}

// decode reads an answer that has not been read as it came.
func (r *reply) decode(into answered) error {
	if _, ok := into.(stream); ok {
		return r.err
	}
	return decodeJSON(r.body, into)
}

// bounded reads so many bytes and no more, and keeps the error that it ended with.
type bounded struct {
	from io.Reader
	left int64
	err  error // nil at the end of the text
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		err = errTooLarge
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// beginning keeps as much of a text as is looked at for something to show of it.
type beginning []byte

func (b *beginning) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), 2*maxPage-len(*b))]...)
	return len(p), nil
}
