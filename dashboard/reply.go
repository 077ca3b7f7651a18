package dashboard

import (
	"io"
	"net/http"
)

// reply is an HTTP answer before it is interpreted.
type reply struct {
	status int
	header http.Header
	body   []byte // all of it; only its beginning if it was decoded as a stream
	err    error  // of decoding the stream
}

// stream is an answer that can be decoded while it arrives.
type stream interface {
	answered
	read(v *incoming) error
}

// receive reads an answer of at most limit bytes. A successful answer that is a stream is decoded
// while it arrives and never held as text.
//
// Errors: *sizeError, and errors of the connection.
func receive(resp *http.Response, limit int64, into answered) (*reply, error) {
	defer resp.Body.Close()
	got := &reply{status: resp.StatusCode, header: resp.Header}

	body := boundedBy(limit, resp.Body)
	if s, ok := into.(stream); ok && got.status == http.StatusOK {
		v := incomingOf(body, io.TeeReader(body, (*beginning)(&got.body)))
		if got.err = s.read(v); got.err == nil {
			got.err = atEnd(v.dec)
		}
		return got, body.err
	}

	var err error
	got.body, err = io.ReadAll(body)

	return got, err
}

// decode reads an answer that receive has not decoded yet.
func (got *reply) decode(into answered) error {
	if _, ok := into.(stream); ok {
		return got.err
	}
	return decodeJSON(got.body, into)
}

// beginning keeps the part of a text that error messages may quote.
type beginning []byte

func (b *beginning) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), 2*maxPage-len(*b))]...)
	return len(p), nil
}
