package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

const (
	wordLimit  = 1 << 20  // bytes of a name, or of the space between two values
	valueLimit = 16 << 20 // bytes of a value: an API with its OpenAPI document

	// partLimit bounds the memory of a decoded value, in bytes. keptPerByte bounds the memory of a
	// listing, in bytes for each byte of text that it may have. A real listing takes less memory
	// than its text, because its entries are similar; a text of small objects takes forty times
	// its length.
	partLimit   = 192 << 20
	keptPerByte = 2
)

// incoming decodes JSON while it arrives, value by value. Each value has its own limits: the
// decoder holds one value as text, in a buffer of up to twice its length, and then decodes it.
type incoming struct {
	dec  *json.Decoder
	from *bounded
}

func incomingOf(from *bounded, r io.Reader) *incoming {
	v := &incoming{json.NewDecoder(r), from}
	v.dec.UseNumber()
	return v
}

// decode reads a value.
func (v *incoming) decode(into any) error {
	v.from.next(valueLimit)
	return clearer(v.dec.Decode(into))
}

// skip skips a value.
func (v *incoming) skip() error { return v.decode(&skipped{}) }

// skipped is a value that is not needed.
type skipped struct{}

// UnmarshalJSON takes any value.
func (*skipped) UnmarshalJSON([]byte) error { return nil }

// object calls field with the name of each field of an object; field must read the value. Null has
// no fields.
func (v *incoming) object(field func(name string) error) error {
	_, err := v.each('{', func() error {
		name, err := v.token()
		if err != nil {
			return err
		}
		key, _ := name.(string)
		return field(key)
	})
	return err
}

// each calls item for each element of an array, or each field of an object; item must read it. It
// returns some = false for null.
func (v *incoming) each(open json.Delim, item func() error) (some bool, err error) {
	switch t, err := v.token(); {
	case err != nil, t == nil:
		return false, err
	case t != open:
		return false, fmt.Errorf("want %s at byte %d", open, v.dec.InputOffset())
	}

	for v.more() {
		if err := item(); err != nil {
			return true, err
		}
	}

	_, err = v.token()

	return true, err
}

func (v *incoming) token() (json.Token, error) {
	v.from.next(wordLimit)
	t, err := v.dec.Token()
	return t, clearer(err)
}

func (v *incoming) more() bool {
	v.from.next(wordLimit)
	return v.dec.More()
}

// sizeError names a text that exceeds its limit.
type sizeError struct {
	text  string
	limit int64
}

// Error returns the text and its limit.
func (e *sizeError) Error() string {
	return fmt.Sprintf("%s is larger than %d MiB", e.text, e.limit>>20)
}

// bounded reads at most limit bytes, and keeps the error with which it ended.
type bounded struct {
	from  io.Reader
	limit int64
	read  int64
	err   error // nil at the end of the text

	most, value int64 // bytes: the limit of the current value, and the rest of that limit
	parts       int   // bytes of memory that the current value takes so far, at most
}

func boundedBy(limit int64, from io.Reader) *bounded {
	return &bounded{from: from, limit: limit, value: math.MaxInt64, parts: math.MinInt}
}

// next sets the limit of the next value.
func (b *bounded) next(limit int64) { b.most, b.value, b.parts = limit, limit, 0 }

// Read reads at most one byte beyond the limit.
func (b *bounded) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.value == 0:
		b.err = &sizeError{"a value of the answer", b.most}
		return 0, b.err
	case b.parts > partLimit:
		b.err = &sizeError{"a value of the answer, decoded,", partLimit}
		return 0, b.err
	}

	n, err := b.from.Read(p[:min(int64(len(p)), b.limit-b.read+1, b.value)])
	b.read += int64(n)
	b.value -= int64(n)
	b.parts += bytes.Count(p[:n], []byte("{"))*mapSize + bytes.Count(p[:n], []byte(","))*wordSize
	if b.read > b.limit {
		err = &sizeError{"the answer", b.limit}
	}

	if err != nil && err != io.EOF {
		b.err = err
	}

	return n, err
}
