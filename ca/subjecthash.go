package ca

import (
	"crypto/sha1" //nolint:gosec // names a file; OpenSSL chose it
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// FileNames returns the names of the files in which OpenSSL looks for the bundle's CAs, sorted and
// without duplicates: the hash of a subject, and a number (openssl-rehash(1)).
func (t TrustBundle) FileNames() []string {
	var names []string
	for _, c := range t {
		if hash, err := subjectHash(c); err == nil { // else OpenSSL finds it under no name
			names = append(names, fmt.Sprintf("%08x.0", hash))
		}
	}

	slices.Sort(names)
	return slices.Compact(names)
}

// attribute is a part of a distinguished name, and nameSET one or more of them (X.501). Package
// asn1 recognises a set by the suffix SET of its type's name.
type (
	attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	nameSET []attribute
)

// subjectHash returns OpenSSL's hash of a subject: the first bytes of the SHA-1 of its canonical
// form, in which texts are UTF-8, in lower case, and without redundant spaces
// (X509_NAME_hash_ex(3)).
func subjectHash(c *x509.Certificate) (uint32, error) {
	var name []nameSET
	if _, err := asn1.Unmarshal(c.RawSubject, &name); err != nil {
		return 0, fmt.Errorf("subject: %w", err)
	}

	digest := sha1.New() //nolint:gosec // see above
	for _, set := range name {
		for i := range set {
			set[i].Value = canonicalText(set[i].Value)
		}

		text, err := asn1.Marshal(set)
		if err != nil {
			return 0, fmt.Errorf("subject: %w", err)
		}

		digest.Write(text)
	}

	return binary.LittleEndian.Uint32(digest.Sum(nil)), nil
}

// canonicalText returns a text in OpenSSL's canonical form, and any other value unchanged.
func canonicalText(v asn1.RawValue) asn1.RawValue {
	var text string
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, tagVisibleString:
		text = string(v.Bytes)
	case asn1.TagT61String: // read as Latin-1, as is usual
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b)
		}
		text = string(runes)

	case asn1.TagBMPString:
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(v.Bytes[2*i:])
		}
		text = string(utf16.Decode(units))

	default:
		return v
	}

	lower := func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}

	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' })

	return asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(strings.Map(lower, strings.Join(fields, " ")))}
}

// tagVisibleString is a type of texts (X.680) for which package asn1 has no constant.
const tagVisibleString = 26
