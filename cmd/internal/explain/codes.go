package explain

import (
	_ "embed"
	"fmt"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
)

// CodeText explains a code, beside its sentence in inject.Rules.
type CodeText struct {
	Means   string `json:"means"`
	Example string `json:"example"` // a manifest, or a line of a report
	Fix     string `json:"fix"`
	Hint    string `json:"hint"` // a short form of Fix for reports; "" if the message is clear by itself
}

//go:embed codes.yaml
var codesYAML []byte

// Codes returns the texts of all codes.
var Codes = sync.OnceValue(func() (texts map[inject.Rule]CodeText) {
	if err := yaml.UnmarshalStrict(codesYAML, &texts); err != nil {
		panic("codes.yaml: " + err.Error()) // it is part of the program
	}
	return texts
})

// Code returns the texts of a code.
func Code(rule inject.Rule) CodeText { return Codes()[rule] }

// acceptable reports whether findings of a code can be accepted.
func acceptable(rule inject.Rule) bool {
	_, err := inject.ParseAccepted(string(rule))
	return err == nil
}

// Acceptance explains whether a finding can be accepted, and how.
func Acceptance(rule inject.Rule) string {
	switch {
	case acceptable(rule):
		return fmt.Sprintf("Write injector.tyk.io/accept: %s into the annotations of the object. Or list the code in Injector.accept, which accepts it everywhere.", rule)
	case rule.Skips():
		return "It cannot be accepted. With --on-skip warn the object passes unchanged, off the mesh."
	}

	return "It cannot be accepted."
}

// SARIF returns the handler of SARIF, with the explanations of all codes.
func SARIF(version string) report.SARIF {
	handler := report.SARIF{Version: version}
	for _, r := range inject.Rules {
		text := Code(r.Rule)
		handler.Rules = append(handler.Rules, report.RuleText{Code: string(r.Rule), Short: r.Text, Full: text.Means, Help: text.Fix + " " + Acceptance(r.Rule)})
	}

	return handler
}
