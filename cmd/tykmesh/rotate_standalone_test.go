package main

import (
	"strings"
	"testing"
)

// A change of the CA without a Dashboard, as the program says to do it. After each command, and
// whatever kubelets and gateways have taken up by then, every sidecar trusts every other one: real
// TLS handshakes of callers and callees of all pod templates, and of all Secrets that may be in use
// at that moment.
func TestStandaloneRotationIsNotNoticed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		init, begin []string // flags of ca init and of step 1
	}{
		"self-signed":                   {},
		"below a root that is replaced": {init: []string{"--intermediate"}, begin: []string{"--root"}},
		"may not sign another CA":       {init: []string{"--from", crosslessCA(t)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newRotatingMesh(t, test.init...)
			m.rotate(1, test.begin...)
			m.inject()
			m.mustCall("step 1, pods start")
			m.roll()
			m.mustCall("step 1")

			m.rotate(2)
			m.mustRefuse("--step", "3") // all Secrets are of the previous CA
			m.issue()
			m.mustCall("step 2, Secrets change")
			before := len(m.templates)
			m.inject()
			if len(m.templates) != before {
				t.Error("pods restart in step 2, although they trust the same CAs")
			}
			m.wait()
			m.mustCall("step 2")

			m.rotate(3)
			m.inject()
			m.mustCall("step 3, pods start")
			m.roll()
			m.mustCall("step 3")
			m.mustTrustOne()
		})
	}
}

// An intermediate CA under a root that stays: new certificates are all that changes.
func TestStandaloneReissueIsNotNoticed(t *testing.T) {
	t.Parallel()
	m := newRotatingMesh(t, "--intermediate")
	m.rotate(1)
	m.issue()
	m.mustCall("the only step, Secrets change")

	before := len(m.templates)
	m.inject()
	if len(m.templates) != before {
		t.Error("pods restart, although they trust the same root")
	}

	m.wait()
	m.mustCall("the only step")
}

// The order of the steps is necessary: each walk leaves out one thing, and then calls fail. So the tests above can fail.
func TestStandaloneRotationInTheWrongOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		crossless bool
		walk      func(m *rotatingMesh)
		works     bool
	}{
		"Secrets of step 2 without the pods of step 1": {crossless: true, walk: func(m *rotatingMesh) {
			m.rotate(1)
			m.rotate(2)
			m.issue()
		}},
		"the same, if the previous CA has signed the next one": {works: true, walk: func(m *rotatingMesh) {
			m.rotate(1)
			m.rotate(2)
			m.issue()
		}},
		"pods of step 3 without the Secrets of step 2": {walk: func(m *rotatingMesh) {
			m.rotate(1)
			m.inject()
			m.roll()
			m.rotate(2)
			m.rotate(3, "--unchecked")
			m.inject()
		}},
		"pods of step 3 before sidecars use the Secrets of step 2": {walk: func(m *rotatingMesh) {
			m.rotate(1)
			m.inject()
			m.roll()
			m.rotate(2)
			m.issue()
			m.rotate(3)
			m.inject()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var init []string
			if test.crossless {
				init = []string{"--from", crosslessCA(t)}
			}
			m := newRotatingMesh(t, init...)
			test.walk(m)
			if failed := m.call(); (len(failed) == 0) != test.works {
				t.Errorf("%d calls fail:\n%s", len(failed), strings.Join(failed, "\n"))
			}
		})
	}
}
