package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/checks"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// lack is an object or a label that namespaces need for their pods.
type lack struct {
	rule inject.Rule
	what string // "the ConfigMap ca-pem"
	make string // the hint, how to make it
}

// tellNeeds reports the objects and labels that namespaces need for their pods: once for all
// namespaces that need the same, with the commands that make them. Without a configuration it is
// too early for these commands.
func tellNeeds(r *report.Run, i injected, trusted string) {
	alike := make(map[string][]string)
	var order []inject.Need
	for _, n := range i.stream.Needs {
		key := fmt.Sprint(lacks(n, nil, ""))
		if alike[key] == nil {
			order = append(order, n)
		}
		alike[key] = append(alike[key], n.Namespace)
	}

	for _, n := range order {
		namespaces := alike[fmt.Sprint(lacks(n, nil, ""))]
		if missing := lacks(n, namespaces, trusted); len(missing) > 0 {
			remind(r, namespaces, missing, len(i.placeholders) > 0)
		}
	}
}

// lacks returns the things that some namespaces lack, all of them the same.
func lacks(n inject.Need, namespaces []string, trusted string) (all []lack) {
	if n.Secret {
		all = append(all, lack{inject.RuleSecret, "the Secret " + sidecar.Secret,
			fmt.Sprintf("tykmesh config secret -n %s prints how to make it", strings.Join(namespaces, " -n "))})
	}

	if len(n.Secrets) > 0 {
		noun := "Secret"
		if len(n.Secrets) > 1 {
			noun = "Secrets"
		}
		all = append(all, lack{inject.RuleSecret, "the " + noun + " " + listed(n.Secrets),
			fmt.Sprintf("tykmesh certs secrets, with the same input, prints the %s for kubectl apply", noun)})
	}

	if n.Authority {
		all = append(all, lack{inject.RuleTrust, "the ConfigMap " + sidecar.Authority,
			fmt.Sprintf("kubectl create configmap %s -n %s --from-file=%s=%s, or Injector.emitCA: true",
				sidecar.Authority, strings.Join(namespaces[:min(len(namespaces), 1)], ""), sidecar.AuthorityKey, trusted)})
	}

	if n.Security != "" {
		all = append(all, lack{inject.Rule(checks.Security.Code), fmt.Sprintf("Pod Security level %s, where one is enforced", n.Security),
			fmt.Sprintf("kubectl label --overwrite namespace %s pod-security.kubernetes.io/enforce=%s", strings.Join(namespaces, " "), n.Security)})
	}

	return all
}

// remind reports the things that namespaces lack: to the user as one warning, and to machines as
// one for each code. The user gets no commands where it is too early for them.
func remind(r *report.Run, namespaces []string, missing []lack, early bool) {
	who := "namespace " + namespaces[0] + " needs "
	if len(namespaces) > 1 {
		who = "namespaces " + strings.Join(namespaces, ", ") + " need "
	}

	var (
		things, codes []string
		all           []report.Diagnostic
	)
	for _, l := range missing {
		code := string(l.rule)
		things, codes = append(things, fmt.Sprintf("%s (%s)", l.what, code)), append(codes, code)
		all = append(all, report.Diagnostic{Code: code, Severity: report.Warning, Message: who + l.what, Hints: []string{l.make}})
	}

	line, them := fmt.Sprintf("%s: %s%s", report.Warning, who, enumerated(things)), "these, accept them"
	if len(missing) == 1 {
		line, them = all[0].String(), "it, accept it"
	}
	if early {
		r.Remind(who, line, []string{"the run with a configuration prints the commands that make them"}, all...)
		return
	}

	hints := []string{fmt.Sprintf("if the cluster has %s: Injector.accept: [%s]", them, strings.Join(codes, ", "))}
	for _, d := range slices.Backward(all) {
		hints = append(d.Hints, hints...)
	}
	r.Remind(who, line, hints, all...)
}

// enumerated returns things as a text: "a, b and c".
func enumerated(things []string) string {
	last := len(things) - 1
	if last == 0 {
		return things[0]
	}
	return strings.Join(things[:last], ", ") + " and " + things[last]
}

// listed returns the first of some names, and the number of the others.
func listed(names []string) string {
	const most = 5
	text := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// tellPlaceholders reports the keys that have placeholders, because there is no configuration.
func tellPlaceholders(r *report.Run, placeholders []config.Placeholder) {
	if len(placeholders) == 0 {
		return
	}

	var keys []string
	for _, p := range placeholders {
		keys = append(keys, p.String())
	}

	d := report.Diagnostic{
		Code: string(inject.RulePlaceholder), Severity: report.Warning,
		Message: "there is no configuration, so these keys have placeholders, and sidecars reach no server: " + strings.Join(keys, ", "),
		Hints: []string{
			"before kubectl apply: tykmesh config init > tykmesh.yaml, fill in these keys, Tyk.url and Tyk.org, then inject again without --local",
			"without a Dashboard: tykmesh config init --mode standalone > tykmesh.yaml",
		},
	}
	r.Remind("", d.String(), d.Hints, d)
}

// tellAssumed reports the needs of namespaces for a run with --registered. The run that registered
// the services has reported them with commands. Neither run asks the cluster.
func tellAssumed(r *report.Run, stream *inject.Stream) {
	for _, n := range stream.Needs {
		var things []string
		if n.Secret {
			things = append(things, "the Secret "+sidecar.Secret)
		}

		if n.Authority {
			things = append(things, "the ConfigMap "+sidecar.Authority)
		}

		if n.Security != "" {
			things = append(things, fmt.Sprintf("Pod Security level %s", n.Security))
		}

		if len(things) > 0 {
			r.Lastly("namespace %s: assumed to have %s, because its services are registered; tykmesh register reports how to make them", n.Namespace, strings.Join(things, ", "))
		}
	}
}
