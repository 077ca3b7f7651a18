package dashboard

import (
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
	read(v *incoming) error
}

// receive reads an answer, at most limit bytes of it. If it is what was asked for and into can read
// it as it comes, then it is never held as text.
//
// Errors: errTooLarge, and what the connection ended with.
func receive(resp *http.Response, limit int64, into answered) (*reply, error) {
	defer resp.Body.Close()
	got := &reply{status: resp.StatusCode, header: resp.Header}

	body := boundedBy(limit, resp.Body)
	if s, ok := into.(stream); ok && got.status == http.StatusOK {
		got.err = readWhole(s, incomingOf(body, io.TeeReader(body, (*beginning)(&got.body))))
		return got, body.err
	}

	var err error
	got.body, err = io.ReadAll(body)

	return got, err
}

// decode reads an answer that has not been read as it came.
func (got *reply) decode(into answered) error {
	if _, ok := into.(stream); ok {
		return got.err
	}
	return decodeJSON(got.body, into)
}

// readWhole returns an error if text follows the value that was read.
func readWhole(s stream, v *incoming) error {
	if err := s.read(v); err != nil {
		return err
	}
	return atEnd(v.dec)
}

// beginning keeps as much of a text as is looked at for something to show of it.
type beginning []byte

func (b *beginning) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), 2*maxPage-len(*b))]...)
	return len(p), nil
}
