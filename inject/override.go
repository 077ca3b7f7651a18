package inject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// The annotations of a pod template by which it differs from the configuration; ours, and of the
// built-in profile alone.
const (
	annotationPort         = "injector.tyk.io/port"
	annotationSidecarPort  = "injector.tyk.io/sidecar-port"
	annotationPreviousPort = "injector.tyk.io/sidecar-previous-port"
	annotationImage        = "injector.tyk.io/sidecar-image"
	annotationCPU          = "injector.tyk.io/sidecar-cpu"
	annotationCPULimit     = "injector.tyk.io/sidecar-cpu-limit"
	annotationMemory       = "injector.tyk.io/sidecar-memory"
	annotationMemoryLimit  = "injector.tyk.io/sidecar-memory-limit"
	annotationLogLevel     = "injector.tyk.io/sidecar-log-level"
	annotationEnv          = "injector.tyk.io/sidecar-env"
	annotationIntercept    = "injector.tyk.io/intercept"
	annotationExemptCIDRs  = "injector.tyk.io/exempt-cidrs"
	annotationExemptPorts  = "injector.tyk.io/exempt-ports"
	annotationCAFile       = "injector.tyk.io/ca-file"
	annotationSleep        = "injector.tyk.io/pre-stop-sleep"
	annotationCalls        = "injector.tyk.io/calls"
)

// overrides maps each of these annotations to its effect on a pod.
var overrides = map[string]func(p *pod, text string) error{
	annotationImage:        (*pod).readImage,
	annotationCPU:          func(p *pod, text string) error { return quantity(text, &p.Resources.CPU) },
	annotationCPULimit:     func(p *pod, text string) error { return quantity(text, &p.Resources.CPULimit) },
	annotationMemory:       func(p *pod, text string) error { return quantity(text, &p.Resources.Memory) },
	annotationMemoryLimit:  (*pod).readMemoryLimit,
	annotationLogLevel:     func(p *pod, text string) error { p.LogLevel = text; return sidecar.CheckLogLevel(text) },
	annotationSidecarPort:  func(p *pod, text string) error { return p.ports.readSidecarPort(text) },
	annotationPreviousPort: func(p *pod, text string) error { return p.ports.readPreviousPort(text) },
	annotationEnv:          (*pod).readEnv,
	annotationIntercept:    (*pod).readIntercept,
	annotationExemptCIDRs:  func(p *pod, text string) error { return appendEach(&p.Rules.ExemptCIDRs, text, sidecar.ParseNetwork) },
	annotationExemptPorts: func(p *pod, text string) error {
		return appendEach(&p.Rules.ExemptPorts, text, sidecar.ParseExemptPort)
	},
	annotationCAFile: (*pod).readCAFile,
	annotationSleep:  (*pod).readSleep,
	annotationCalls:  (*pod).readCalls,
	annotationAllow:  (*pod).readAllow,
}

// sidecarFields maps fields of a container to the annotations that set them for the built-in
// sidecar.
var sidecarFields = []struct {
	path       []string
	annotation string
}{
	{[]string{"image"}, annotationImage},
	{[]string{"resources", "requests", "cpu"}, annotationCPU},
	{[]string{"resources", "limits", "cpu"}, annotationCPULimit},
	{[]string{"resources", "requests", "memory"}, annotationMemory},
	{[]string{"resources", "limits", "memory"}, annotationMemoryLimit},
	{[]string{"env"}, annotationEnv},
}

// readImage reads the image of a pod's sidecar.
func (p *pod) readImage(text string) error {
	p.Image = text
	if err := sidecar.CheckImage(text); err != nil || p.mesh == nil || p.mesh.TokenKey == "" {
		return err
	}
	return sidecar.CheckTokens(text)
}

// readOverrides applies the annotations of a pod to its sidecar.
func (p *pod) readOverrides() {
	annotations := p.meta.Get("annotations")
	if _, value := annotations.Entry(annotationPort); value.IsString() {
		p.appPort = value
	}

	for _, key := range slices.Sorted(maps.Keys(overrides)) {
		_, value := annotations.Entry(key)
		if !value.IsString() {
			continue // or refused already
		}
		if reason := p.foreign(key); reason != "" {
			p.refuse(RuleAnnotation, value, "annotation %s: %s; delete it", key, reason)
			continue
		}

		if err := overrides[key](p, strings.Clone(value.Text())); err != nil {
			hint := asVariable(value.Text())
			if key == annotationEnv { // its own errors say what a $( there means
				hint = ""
			}
			p.refuse(RuleAnnotation, value, "annotation %s: %v%s", key, err, hint)
		}
	}

	r := p.Resources

	p.checkLimit(annotationCPU, r.CPU, r.CPULimit)
	p.checkLimit(annotationMemory, r.Memory, r.MemoryLimit)
}

// checkBody refuses a memory limit of the pod that is too small for the largest request body.
func (p *pod) checkBody() {
	_, limit := p.meta.Get("annotations").Entry(annotationMemoryLimit)
	if err := sidecar.CheckBody(p.MaxBody(), p.Resources.MemoryLimit, annotationMemoryLimit); limit != nil && err != nil {
		p.refuse(RuleAnnotation, limit, "annotation %s: %v", annotationMemoryLimit, err)
	}
}

// checkLimit compares the request of a resource with its limit, and reports a mismatch at the
// annotation that sets one of them.
func (p *pod) checkLimit(key, request, limit string) {
	err := sidecar.CheckLimit(request, limit)
	for _, k := range []string{key, key + "-limit"} {
		if _, value := p.meta.Get("annotations").Entry(k); value != nil && err != nil {
			p.refuse(RuleAnnotation, value, "annotation %s: %v", k, err)
			return
		}
	}
}

// quantity parses an amount of a resource into to.
func quantity(text string, to *string) error {
	if err := sidecar.CheckQuantity(text); err != nil {
		return err
	}
	*to = text
	return nil
}

// readEnv reads variables, NAME=VALUE on a line each.
func (p *pod) readEnv(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}

		name, value, ok := strings.Cut(line, "=")
		if !ok || sidecar.CheckVariable(name) != nil {
			return fmt.Errorf("not NAME=VALUE: %q; write one variable per line", line)
		}
		if err := sidecar.CheckPodVariable(name, value); err != nil {
			return err
		}

		p.Env = append(p.Env, sidecar.Variable{Name: name, Value: value})
	}

	return nil
}

func (p *pod) readIntercept(text string) error {
	switch i := sidecar.Intercept(text); i {
	case sidecar.All, sidecar.Mesh, sidecar.None:
		p.Rules.Intercept = i
		return nil
	}
	return fmt.Errorf("got %[4]q; write %[1]s, %[2]s or %[3]s", sidecar.All, sidecar.Mesh, sidecar.None, text)
}

// appendEach reads the items of a list with commas between them, and appends them to another one.
func appendEach[T any](to *[]T, text string, parse func(string) (T, error)) error {
	for _, item := range commas(text) {
		v, err := parse(item)
		if err != nil {
			return err
		}
		*to = append(*to, v)
	}
	return nil
}

// readCAFile reads the variables that get the path of a file with all CAs.
func (p *pod) readCAFile(text string) error {
	for _, name := range commas(text) {
		if err := sidecar.CheckCAFile(name); err != nil {
			return err
		}
		if slices.ContainsFunc(sidecar.Trusting(), func(v sidecar.Variable) bool { return v.Name == name }) {
			return fmt.Errorf("the variable %s names the mesh CA already; delete it here", name)
		}

		if !slices.Contains(p.caFile, name) {
			p.caFile = append(p.caFile, name)
		}
	}

	if len(p.caFile) > 0 && p.RulesTool == sidecar.NFT {
		return errors.New("a shell makes the file, and Injector.rulesTool: nft means that the image has none; use rulesTool: iptables")
	}

	return nil
}

// commas splits a list whose items have commas between them.
func commas(text string) (items []string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
