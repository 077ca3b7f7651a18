package config

import (
	"regexp"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/tykmesh/tykmesh/inject/display"
	"github.com/tykmesh/tykmesh/inject/manifest"
	"github.com/tykmesh/tykmesh/inject/sidecar"
)

// The functions below are what keys have as show: values made of manifest.Map, manifest.List,
// texts, numbers and bools, or nil.

func showText[T ~string](field func(*Config) *T) func(*Config) any {
	return func(c *Config) any {
		if text := string(*field(c)); text != "" {
			return redactText(text)
		}
		return nil
	}
}

func showTexts[T ~string](texts []T) any {
	list := manifest.List{}
	for _, text := range texts {
		list = append(list, redactText(string(text)))
	}
	return orNil(list)
}

func showMaps(maps []manifest.Map) any {
	list := manifest.List{}
	for _, m := range maps {
		list = append(list, redact(m))
	}
	return orNil(list)
}

// orNil returns a list, or nothing where it is empty.
func orNil(list manifest.List) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// textMap returns a mapping of texts, without those that are empty.
func textMap(pairs ...[2]string) (m manifest.Map) {
	for _, pair := range pairs {
		if pair[1] != "" {
			m = append(m, manifest.Entry{Key: pair[0], Value: pair[1]})
		}
	}
	return m
}

func showNames(c *Config) any {
	list := manifest.List{}
	for _, n := range c.CA.DefaultNames {
		list = append(list, textMap([2]string{"C", n.C}, [2]string{"ST", n.ST}, [2]string{"L", n.L}, [2]string{"O", n.O}, [2]string{"OU", n.OU},
			[2]string{"E", n.E}, [2]string{"SerialNumber", n.SerialNumber}))
	}
	return orNil(list)
}

func showKeyRequest(c *Config) any {
	r := c.CA.DefaultKeyRequest
	return manifest.Map{{Key: "A", Value: r.A}, {Key: "S", Value: int64(r.S)}}
}

func showPodTemplates(c *Config) any {
	list := manifest.List{}
	for _, t := range c.Injector.PodTemplates {
		list = append(list, textMap([2]string{"group", t.Group}, [2]string{"kind", t.Kind}, [2]string{"path", strings.Join(t.Path, ".")}))
	}
	return orNil(list)
}

func showExemptCIDRs(c *Config) any {
	list := manifest.List{}
	for _, cidr := range c.Sidecar.Rules.ExemptCIDRs {
		list = append(list, cidr.String())
	}
	return orNil(list)
}

func showExemptPorts(c *Config) any {
	list := manifest.List{}
	for _, port := range c.Sidecar.Rules.ExemptPorts {
		list = append(list, int64(port))
	}
	return orNil(list)
}

func showKubeVersion(c *Config) any {
	if c.Injector.KubeVersion == nil {
		return nil
	}
	return c.Injector.KubeVersion.String()
}

func showRedis(c *Config) any {
	if addresses := c.Sidecar.Redis.Addresses; len(addresses) == 1 {
		return addresses[0]
	}
	return showTexts(c.Sidecar.Redis.Addresses)
}

func showEnv(c *Config) any {
	var m manifest.Map
	for _, v := range c.Sidecar.Env {
		m = append(m, manifest.Entry{Key: v.Name, Value: redactVariable(v)})
	}

	if m == nil {
		return nil
	}

	return m
}

// What is secret in texts that may hold anything: values of variables with such names, passwords in
// addresses, and values of flags.
var (
	secretName  = lazily(`(?i)secret|passw|token|key|credential|authorization|cookie`)
	secretFlag  = lazily(`(?i)^--?\S*(secret|passw|token|credential|api-?key)[^\s=]*$`)
	secretValue = lazily(`(?i)((?:secret|passw|token|credential|api-?key)[\w.-]*["']?\s*[:=]\s*|\s--?\S*(?:secret|passw|token|credential|api-?key)[\w.-]*\s+)\S+`)
	userInfo    = lazily(`(://)\S*@`)
)

// lazily returns an expression that is compiled when it is first used, because most commands never
// do.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// redact returns a value without what is probably secret: rather too little is shown than too much.
func redact(v any) any {
	switch v := v.(type) {
	case manifest.Map:
		return redactMap(v)
	case manifest.List:
		out := make(manifest.List, len(v))
		for i, item := range v {
			out[i] = redact(item)
			if flag, ok := before(v, i).(string); ok && secretFlag().MatchString(flag) {
				out[i] = redacted
			}
		}
		return out

	case string:
		return redactText(v)
	}

	return v
}

// before returns the item in front of another one; nil for the first.
func before(list manifest.List, i int) any {
	if i == 0 {
		return nil
	}
	return list[i-1]
}

// redactMap redacts a mapping. One with a name and a value is an environment variable, or a header
// of a probe.
func redactMap(m manifest.Map) manifest.Map {
	out := make(manifest.Map, len(m))
	for i, e := range m {
		out[i] = manifest.Entry{Key: e.Key, Value: redact(e.Value)}
		if text, ok := e.Value.(string); ok && e.Key == "value" {
			out[i].Value = redactVariable(sidecar.Variable{Name: m.String("name"), Value: text})
		}
	}

	return out
}

func redactVariable(v sidecar.Variable) string {
	if v.Value != "" && secretName().MatchString(v.Name) {
		return redacted
	}
	return redactText(v.Value)
}

func redactText(text string) string {
	return userInfo().ReplaceAllString(secretValue().ReplaceAllString(text, "${1}"+redacted), "${1}"+redacted+"@")
}

// yamlNode returns a value as package yaml writes it.
func yamlNode(v any) *yaml.Node {
	switch v := v.(type) {
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tagNull}
	case manifest.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, e := range v {
			n.Content = append(n.Content, yamlNode(e.Key), yamlNode(e.Value))
		}
		return n

	case manifest.List:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			n.Content = append(n.Content, yamlNode(item))
		}
		return n
	}

	if text, ok := v.(string); ok {
		v = shownText(text)
	}

	n := new(yaml.Node)
	_ = n.Encode(v) // texts, numbers and bools always can be

	return n
}

// shownText returns a text as it may be shown, on as many lines as it has. One of a single line
// stands behind its key, and may begin with two colons.
func shownText(text string) string {
	const key = ": "
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		return strings.TrimPrefix(display.Line(key+text), key)
	}
	for i, line := range lines {
		lines[i] = display.Line(line)
	}

	return strings.Join(lines, "\n")
}
