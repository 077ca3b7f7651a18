package inject

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// The fields of a container that hold its preStop hook, and how records name it (merger).
const (
	lifecycle   = "lifecycle"
	preStop     = "preStop"
	preStopPath = lifecycle + "/" + preStop
)

// readSleep parses the seconds that the pod's own containers are to sleep before they end.
func (p *pod) readSleep(text string) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || seconds < 1:
		return fmt.Errorf("want a number of seconds from 1, got %q; write for example 10", text)
	case !p.Sleeps:
		return errors.New("a preStop sleep needs Kubernetes 1.30 or later; set Injector.kubeVersion to the version of the cluster")
	}
	p.appSleep = seconds

	return nil
}

// settleSleep decides how long the sidecar sleeps before it ends. A sidecar that serves on while
// its app is gone fails calls (measured: 100 of 700 in a rollout), so it never sleeps longer than
// the first of the pod's own containers that ends. A native sidecar ends after all of them, and
// their sleep only shortens its time for the last requests. Containers that sleep without the
// annotation show that the cluster knows such hooks.
func (p *pod) settleSleep(spec *manifest.Node) {
	longest := p.LongestSleep()
	if p.appSleep > longest {
		_, asked := p.meta.Get("annotations").Entry(annotationSleep)
		p.refuse(RuleAnnotation, asked, "annotation %s: %d s do not fit into the pod's grace period of %d s, of which the sidecar needs %d; set terminationGracePeriodSeconds to %d",
			annotationSleep, p.appSleep, p.Grace, sidecar.Needs, p.appSleep+sidecar.Needs)
		return
	}
	if p.appSleep == 0 && !p.SleepAsApp {
		return
	}

	var sleeps []int64
	for _, c := range spec.Get("containers").Items() {
		sleeps = append(sleeps, p.sleepOf(c))
	}

	switch {
	case len(sleeps) == 0: // refused elsewhere
	case p.Native:
		p.Sleep = min(slices.Max(sleeps), max(0, longest))
	default:
		p.Sleep = min(slices.Min(sleeps), max(0, longest))
	}
}

// sleepOf returns the seconds that one of the pod's own containers sleeps before it ends; 0 if that
// is not known. It warns of a hook that stands in the way of the annotation.
func (p *pod) sleepOf(c *manifest.Node) int64 {
	_, hook := c.Get(lifecycle).Entry(preStop)
	if hook == nil {
		return p.appSleep
	}

	seconds, _ := hook.Get("sleep", "seconds").Int()
	if seconds < p.appSleep {
		p.warn(RuleAnnotation, hook, "container %s has a preStop hook, which annotation %s leaves alone; let the hook sleep %d s, or delete it",
			c.Get("name").Text(), annotationSleep, p.appSleep)
	}

	return max(0, seconds)
}

// addSleep lets a container without a preStop hook sleep before it ends.
func (m *merger) addSleep(seconds int64) {
	_, own := m.container.Entry(lifecycle)
	if _, hook := own.Resolve().Entry(preStop); seconds == 0 || hook != nil {
		return
	}

	entry := manifest.Map{{Key: preStop, Value: sidecar.PreStop(seconds)}}
	switch hooks := own.Resolve(); {
	case own == nil:
		m.lists = append(m.lists, manifest.Entry{Key: lifecycle, Value: entry})
	case hooks.IsNull() || hooks.Kind == manifest.Mapping && len(hooks.Content) == 0:
		m.edits = append(m.edits, m.fillLifecycle(own, entry)...)
	case hooks.Kind == manifest.Mapping:
		m.edits = append(m.edits, manifest.Put{Into: hooks, Entries: entry})
	default:
		m.err = cmp.Or[error](m.err, m.object.problem(RulePod, own, "container %s: %s: must be a mapping, not %s", m.name, lifecycle, own.Describe()))
	}

	m.added = append(m.added, preStopPath)
}

// fillLifecycle returns an edit of an empty lifecycle, whose text the record keeps.
func (m *merger) fillLifecycle(own *manifest.Node, entry manifest.Map) []manifest.Edit {
	d := m.object.object.Document
	text, ok := d.Behind(own)
	if !ok {
		msg := "container " + m.name + ": " + lifecycle + ": cannot be edited as it is written; delete the empty mapping"
		m.err = cmp.Or[error](m.err, &manifest.EditError{Pos: d.PositionOf(own), Msg: msg})
		return nil
	}
	note(&m.record.Empty, lifecycle+"/"+m.name, text)

	return []manifest.Edit{manifest.Replace{Node: own, Value: entry}}
}
