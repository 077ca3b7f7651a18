package dashboardtest

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tykmesh/tykmesh/dashboard"
)

// rewrite changes an API on its way into the store.
type rewrite func(*dashboard.API)

// rewritesOf returns the rewrites that the options ask for, in their order.
func rewritesOf(o *Options) []rewrite {
	var all []rewrite
	for _, r := range []struct {
		asked bool
		rewrite
	}{
		{o.AddsDefaults, addDefaults},
		{o.ListenPathIsID, set("proxy.listen_path", func(d dashboard.Definition) any { return "/" + d.APIID() + "/" })},
		{o.AddsSlashes, set("proxy.listen_path", func(d dashboard.Definition) any { return strings.TrimRight(d.ListenPath(), "/") + "/" })},
		{o.DropsCategories, set("name", withoutCategories)},
		{o.DropsUnknown, dropUnknown},
		{o.Rewrite != nil, o.Rewrite},
	} {
		if r.asked {
			all = append(all, r.rewrite)
		}
	}

	for _, pair := range strings.Fields(o.Forces) {
		path, text, _ := strings.Cut(pair, "=")
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			panic("dashboardtest: Forces: " + pair + ": " + err.Error())
		}
		all = append(all, set(path, func(dashboard.Definition) any { return value }))
	}

	for _, path := range strings.Fields(o.Drops) {
		all = append(all, func(a *dashboard.API) { a.Definition = a.Definition.Without([]string{path}) })
	}

	return all
}

// finish applies the Dashboard's own changes to an API before it is stored.
func (s *Server) finish(a *dashboard.API) {
	a.Definition["org_id"] = s.Org
	for _, r := range s.rewrites {
		r(a)
	}
}

// set returns the rewrite that sets a field.
func set(path string, value func(dashboard.Definition) any) rewrite {
	return func(a *dashboard.API) {
		if err := a.Definition.Set(path, value(a.Definition)); err != nil {
			panic("dashboardtest: " + err.Error())
		}
	}
}

// withoutCategories returns a name without its #words.
func withoutCategories(d dashboard.Definition) any {
	var words []string
	for _, word := range strings.Fields(d.Name()) {
		if !strings.HasPrefix(word, "#") {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// dropUnknown removes the nested fields that Check warns of.
func dropUnknown(a *dashboard.API) {
	warnings, _ := a.Definition.Check() // refused definitions do not come here
	for _, warning := range warnings {
		path, err := strconv.Unquote(strings.TrimPrefix(warning, "unknown nested field "))
		if err != nil {
			panic("dashboardtest: " + warning)
		}
		a.Definition = a.Definition.Without([]string{path})
	}
}

func addDefaults(a *dashboard.API) {
	for path, zero := range defaults {
		if _, ok := a.Definition.Lookup(path); !ok {
			a.Definition.Set(path, zero)
		}
	}
}

// defaults are some of the fields that a Dashboard adds because its own type has them.
var defaults = map[string]any{
	"CORS.allowed_headers":                  nil,
	"CORS.enable":                           false,
	"CORS.max_age":                          json.Number("0"),
	"auth.auth_header_name":                 "",
	"auth.use_param":                        false,
	"client_certificates":                   nil,
	"enable_jwt":                            false,
	"event_handlers.events":                 nil,
	"expire_analytics_after":                json.Number("0"),
	"proxy.preserve_host_header":            false,
	"proxy.target_list":                     nil,
	"session_lifetime":                      json.Number("0"),
	"tag_headers":                           nil,
	"uptime_tests.check_list":               nil,
	"use_oauth2":                            false,
	"version_data.default_version":          "",
	"version_data.versions.Default.expires": "",
}
