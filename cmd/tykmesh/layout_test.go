package main

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tykmesh/tykmesh"

// root is the top of the checkout, seen from this package.
const root = "../.."

// packageRule is what a package may import in its own code; tests are free to use the doubles.
type packageRule struct {
	ours   []string // of this module
	except []string // packages of others that do not belong there, with everything below them
}

// layout is the picture of who may import whom. A package that is not in it has no place yet.
var layout = map[string]packageRule{
	"inject/manifest": {
		except: []string{"net", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"inject": {
		ours:   []string{"inject/manifest", "inject/kube", "inject/checks", "inject/sidecar", "inject/standalone", "inject/spelling", "inject/display"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"inject/kube": {
		ours:   []string{"inject/manifest", "inject/display"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"inject/checks": {
		ours:   []string{"inject/manifest", "inject/kube", "inject/sidecar"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"inject/sidecar": {
		ours:   []string{"inject/manifest", "inject/spelling", "inject/standalone"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"inject/standalone": {
		ours:   []string{"inject/manifest"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"inject/injecttest": {},
	"dashboard": {
		except: []string{"log", "os/exec", "k8s.io", "github.com/spf13"},
	},
	"dashboard/dashboardtest": {
		ours: []string{"dashboard"},
	},
	"ca": {
		except: []string{"log", "os/exec", "k8s.io", "github.com/spf13"},
	},
	"ca/pki": {
		ours:   []string{"ca"},
		except: []string{"net", "log", "os/exec", "k8s.io", "github.com/spf13"},
	},
	"ca/catest": {
		ours: []string{"ca"},
	},
	"cmd/internal/mesh": {
		ours:   []string{"inject", "inject/manifest", "dashboard", "ca"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"cmd/internal/live": {
		ours:   []string{"inject/kube", "inject/manifest", "inject/sidecar", "inject/standalone", "ca"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"cmd/internal/overview": {
		ours:   []string{"inject/display"},
		except: []string{"net/http", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/page": {
		ours:   []string{"inject/display", "cmd/internal/overview"},
		except: []string{"net/http", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/plan": {
		ours:   []string{"inject", "inject/manifest", "inject/sidecar", "inject/spelling", "dashboard", "ca", "cmd/internal/mesh"},
		except: []string{"net/http", "os", "log", "github.com/spf13"},
	},
	"cmd/internal/apply": {
		ours:   []string{"inject", "dashboard", "ca", "cmd/internal/mesh", "cmd/internal/plan"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"cmd/internal/plan/plantest": {
		ours: []string{"inject", "inject/manifest", "ca", "cmd/internal/mesh", "cmd/internal/plan"},
	},
	"cmd/internal/check": {
		ours:   []string{"dashboard", "ca", "cmd/internal/files"},
		except: []string{"os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/config": {
		ours:   []string{"inject", "inject/manifest", "inject/kube", "inject/sidecar", "inject/standalone", "ca", "inject/spelling", "inject/display", "cmd/internal/prose"},
		except: []string{"net/http", "os", "log", "github.com/spf13"},
	},
	"cmd/internal/secrets": {
		ours:   []string{"inject", "inject/kube", "inject/manifest", "inject/standalone", "ca"},
		except: []string{"net", "os", "log", "github.com/spf13"},
	},
	"cmd/internal/exit": {
		except: []string{"net", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/signals": {
		except: []string{"net", "log", "os/exec", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/files": {
		ours:   []string{"inject", "inject/manifest", "cmd/internal/exit", "cmd/internal/prose", "cmd/internal/signals"},
		except: []string{"log", "k8s.io", "github.com/spf13"}, // it asks servers for URLs, and starts kustomize
	},
	"cmd/internal/report": {
		ours:   []string{"inject/manifest", "inject/display", "cmd/internal/exit", "cmd/internal/files", "cmd/internal/overview"},
		except: []string{"net/http", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/report/reporttest": {},
	"cmd/internal/phase": {
		ours:   []string{"inject", "cmd/internal/mesh", "cmd/internal/plan", "cmd/internal/apply", "cmd/internal/report", "cmd/internal/explain", "cmd/internal/signals", "cmd/internal/exit"},
		except: []string{"net", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/explain": {
		ours: []string{
			"inject", "inject/checks", "inject/spelling", "dashboard", "ca", "ca/pki", "cmd/internal/mesh", "cmd/internal/plan", "cmd/internal/apply", "cmd/internal/check", "cmd/internal/config",
			"cmd/internal/prose", "cmd/internal/report", "inject/manifest",
		},
		except: []string{"os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/internal/prose": {
		except: []string{"net", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"inject/display": {
		except: []string{"net", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"inject/spelling": {
		except: []string{"net", "os", "log", "k8s.io", "github.com/spf13"},
	},
	"cmd/tykmesh": {
		ours: []string{
			"inject", "inject/manifest", "inject/kube", "inject/checks", "inject/sidecar", "dashboard", "ca", "ca/pki",
			"cmd/internal/mesh", "cmd/internal/plan", "cmd/internal/apply", "cmd/internal/check", "cmd/internal/config", "cmd/internal/prose", "inject/spelling", "inject/display",
			"cmd/internal/exit", "cmd/internal/signals", "cmd/internal/files", "cmd/internal/report", "cmd/internal/explain", "cmd/internal/live", "cmd/internal/overview", "cmd/internal/page", "cmd/internal/phase", "cmd/internal/secrets", "inject/standalone",
		},
	},
}

// TestImportDirections holds the code against layout.
func TestImportDirections(t *testing.T) {
	seen := map[string]bool{}
	for path, imports := range importsOf(t) {
		folder := owner(filepath.ToSlash(filepath.Dir(path)))
		rule, known := layout[folder]
		if !known {
			t.Errorf("%s: the package has no place in layout", path)
			continue
		}

		seen[folder] = true
		for _, imported := range imports {
			ours, isOurs := strings.CutPrefix(imported, module+"/")
			if isOurs && owner(ours) != folder && !slices.Contains(rule.ours, owner(ours)) {
				t.Errorf("%s: %s must not import %s", path, folder, ours)
			}
			if slices.ContainsFunc(rule.except, func(banned string) bool { return within(imported, banned) }) {
				t.Errorf("%s: %s must not import %s", path, folder, imported)
			}
		}
	}

	if !seen["cmd/tykmesh"] || !seen["inject/manifest"] {
		t.Errorf("the packages were not found: %v", seen)
	}
}

// owner returns the package whose rule holds for a folder: an internal package counts as part of
// the one that it is internal to.
func owner(folder string) string {
	if _, known := layout[folder]; known {
		return folder
	}
	above, _, _ := strings.Cut(folder, "/internal/")
	return above
}

// within reports whether a package is of a banned tree. Harmless relatives of net and log (net/url,
// log/slog for what knows how to be logged) are not.
func within(imported, banned string) bool {
	switch banned {
	case "net":
		return imported == "net" || imported == "net/http"
	case "log":
		return imported == "log"
	}
	return imported == banned || strings.HasPrefix(imported, banned+"/")
}

// importsOf returns the imports of every Go file of the product.
func importsOf(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	eachGoFile(t, func(path string, _ *token.FileSet, file *ast.File, _ []string) {
		short, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}

		out[short] = []string{}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[short] = append(out[short], imported)
		}
	})

	return out
}

// TestTopLevel keeps the first thing that visitors see small. bin is what make build writes.
func TestTopLevel(t *testing.T) {
	allowed := []string{"cmd", "inject", "dashboard", "ca", "testdata", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "bin"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}

	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(allowed, name) {
			t.Errorf("%s has no place at the top of the checkout", name)
		}
	}
}
