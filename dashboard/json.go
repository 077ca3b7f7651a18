package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// decodeJSON reads one JSON value, numbers as json.Number, and nothing after it.
func decodeJSON(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return clearer(err)
	}
	return atEnd(dec)
}

// errCutOff means that a JSON value has no end.
var errCutOff = errors.New("the JSON is cut off")

// clearer returns errCutOff for a text that ended too early, and any other error unchanged.
func clearer(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff
	}
	return err
}

// atEnd returns an error if anything follows.
func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}
