package page

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/overview"
)

// widths are those of a desktop's window and of a phone.
var widths = []int{1280, 390}

// TestChromium looks at pages in a real browser: make test-page. TYKMESH_TEST_PICTURES names a
// directory for pictures of them, and TYKMESH_TEST_AXE a script of axe-core that judges them.
func TestChromium(t *testing.T) {
	program := os.Getenv("TYKMESH_TEST_CHROMIUM")
	if program == "" {
		t.Skip("make test-page runs this: it needs Debian's chromium")
	}
	path, err := exec.LookPath(program)
	check(t, err)

	b := newBrowser(t, path)
	for name, m := range map[string]overview.Mesh{"shop": shop(), "large": many(300), "empty": {Title: "Empty", Now: clock}} {
		file := filepath.Join(t.TempDir(), name+".html")
		check(t, os.WriteFile(file, []byte(render(t, m)), 0o644))
		for _, width := range widths {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprint(name, "-", width, "-", scheme), func(t *testing.T) { b.look(t, file, width, scheme) })
			}
		}
	}

	file := filepath.Join(t.TempDir(), "shop.html")
	check(t, os.WriteFile(file, []byte(render(t, shop())), 0o644))
	t.Run("sort and filter", func(t *testing.T) { b.sorts(t, file) })
	t.Run("no script", func(t *testing.T) { b.noScript(t, file) })
	t.Run("policy", func(t *testing.T) { b.policy(t, file) })
	t.Run("mermaid", func(t *testing.T) { b.mermaid(t) })
}

// show opens a page in a window of a width, in light or dark.
func (b *browser) show(t *testing.T, file string, width int, scheme string) {
	b.t = t
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.open(file)
}

// look opens a page, and fails if it has errors or is wider than the window.
func (b *browser) look(t *testing.T, file string, width int, scheme string) {
	b.show(t, file, width, scheme)
	if got := b.text("document.documentElement.scrollWidth"); got != fmt.Sprint(width) {
		t.Errorf("the page is %s pixels wide, and the window %d", got, width)
	}
	if wide := b.text(`Array.from(document.querySelectorAll("body *")).filter((e) => !e.closest(".scroll") && !e.classList.contains("skip") &&
		e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + " " + e.className).join(", ")`); wide != "" {
		t.Errorf("wider than the window: %s", wide)
	}
	if long := b.text(`Array.from(document.querySelectorAll("svg .node")).filter((g) => Array.from(g.querySelectorAll("text")).some((x) =>
		x.getBBox().x + x.getBBox().width > g.querySelector("rect").width.baseVal.value - 4)).map((g) => g.textContent).join(", ")`); long != "" {
		t.Errorf("texts leave their boxes: %s", long)
	}

	b.judge(t)
	b.picture(strings.TrimPrefix(t.Name(), "TestChromium/"))
	if len(b.faults) > 0 {
		t.Errorf("the browser reports\n%s", strings.Join(b.faults, "\n"))
	}
}

// judge lets axe-core look at the page.
func (b *browser) judge(t *testing.T) {
	file := os.Getenv("TYKMESH_TEST_AXE")
	if file == "" {
		return
	}
	script, err := os.ReadFile(file)
	check(t, err)
	b.eval(string(script)+"; 0", nil)
	var found []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	b.eval(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) => r.violations)`, &found)
	for _, v := range found {
		text, _ := json.Marshal(v.Nodes[0])
		t.Errorf("axe: %s (%s): %s, %d times: %s", v.ID, v.Impact, v.Help, len(v.Nodes), text)
	}
}

// column is the expression for the texts of the services' column with a number.
const column = `Array.from(document.querySelectorAll("#services ~ .scroll tbody tr:not([hidden])"), (r) => r.cells[%d].textContent)`

// sorts sorts the table of services by mouse and keyboard, and filters it.
func (b *browser) sorts(t *testing.T, file string) {
	b.show(t, file, 1280, "light")
	var before, after []string
	const state, service, end = 0, 2, 4
	b.eval(fmt.Sprintf(column, service), &before)

	b.click("#services ~ .scroll thead th:nth-child(3) button")
	b.eval(fmt.Sprintf(column, service), &after)
	if !slices.IsSorted(after) || len(after) != len(before) {
		t.Errorf("a click on Service gives the order %q", after)
	}
	const sorted = `document.querySelector("#services ~ .scroll thead th:nth-child(%d)").getAttribute("aria-sort")`
	if got := b.text(fmt.Sprintf(sorted, service+1)); got != "ascending" {
		t.Errorf("after a click aria-sort is %s", got)
	}

	b.press("Enter", 13, "\r")
	b.eval(fmt.Sprintf(column, service), &after)
	slices.Reverse(after)
	if got := b.text(fmt.Sprintf(sorted, service+1)); !slices.IsSorted(after) || got != "descending" {
		t.Errorf("the key Enter gives, in reverse, the order %q, and aria-sort %s", after, got)
	}

	b.press("Tab", 9, "") // to Routes, and then to Certificate
	b.press("Tab", 9, "")
	b.press(" ", 32, " ")
	b.eval(fmt.Sprintf(column, end), &after)
	if !strings.Contains(after[0], "missing") || !strings.Contains(after[1], "expired") || b.text(fmt.Sprintf(sorted, service+1)) != "null" {
		t.Errorf("the space bar on Certificate gives the order %q", after)
	}

	b.click("#services ~ .scroll thead th:nth-child(1) button")
	b.eval(fmt.Sprintf(column, state), &after)
	if !strings.Contains(after[0], "error") || !strings.Contains(after[len(after)-1], "in order") {
		t.Errorf("sorted by state the order is %q", after)
	}

	b.click("#filter")
	b.call("Input.insertText", map[string]any{"text": "SHOP ca"}, nil)
	b.eval(fmt.Sprintf(column, service), &after)
	slices.Sort(after)
	if got := b.text(`document.getElementById("shown").textContent`); !slices.Equal(after, []string{"cart", "catalog"}) || got != "2 of 8 services" {
		t.Errorf("the filter shows %q, and says %q", after, got)
	}
	b.picture("sorted")
	if len(b.faults) > 0 {
		t.Errorf("the browser reports\n%s", strings.Join(b.faults, "\n"))
	}
}

// noScript reads the page in a browser that runs no script.
func (b *browser) noScript(t *testing.T, file string) {
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	defer b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	b.show(t, file, 390, "light")
	if got := b.text(`document.querySelectorAll("thead button").length + " " + document.querySelectorAll("#services ~ .scroll tbody tr").length + " " + getComputedStyle(document.querySelector(".filter")).display`); got != "0 8 none" {
		t.Errorf("without scripts the page has buttons, rows and a filter: %s", got)
	}
	b.picture("no-script")
	if len(b.faults) > 0 {
		t.Errorf("the browser reports\n%s", strings.Join(b.faults, "\n"))
	}
}

// policy proves that the browser would report: a page with another script and a foreign picture.
func (b *browser) policy(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	check(t, err)
	bad := strings.Replace(string(text), "</main>", `</main><script>document.title = "run"</script><img src="https://example.invalid/x.png" alt="">`, 1)
	file = filepath.Join(t.TempDir(), "bad.html")
	check(t, os.WriteFile(file, []byte(bad), 0o644))

	b.show(t, file, 1280, "light")
	if faults := strings.Join(b.faults, "\n"); strings.Count(faults, "Content Security Policy") < 2 || b.text("document.title") == "run" {
		t.Errorf("the policy does not stop a foreign script and picture; the browser reports\n%s", faults)
	}
}
