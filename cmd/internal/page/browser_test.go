package page

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium with one page, which the test leads over a pair of pipes (Chrome
// DevTools Protocol, --remote-debugging-pipe: each message is JSON and ends with a zero byte).
type browser struct {
	t        *testing.T
	to       *os.File
	messages chan message
	session  string
	id       int
	loaded   bool
	faults   []string // errors of the console, of the policy and of scripts; requests
}

// message is an answer or an event.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// newBrowser starts a browser, which ends with the test.
func newBrowser(t *testing.T, program string) *browser {
	t.Helper()
	fromTest, to, err := os.Pipe()
	check(t, err)
	from, toTest, err := os.Pipe()
	check(t, err)

	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{fromTest, toTest}
	check(t, cmd.Start())
	check(t, fromTest.Close())
	check(t, toTest.Close())
	b := &browser{t: t, to: to, messages: make(chan message, 1000)}
	t.Cleanup(func() {
		_ = b.send("Browser.close", nil)
		time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
	})

	go func() {
		defer close(b.messages)
		for r := bufio.NewReader(from); ; {
			text, err := r.ReadBytes(0)
			if err != nil {
				return
			}
			var m message
			if json.Unmarshal(text[:len(text)-1], &m) == nil {
				b.messages <- m
			}
		}
	}()

	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}

	return b
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send sends a command.
func (b *browser) send(method string, params any) error {
	b.id++
	if params == nil {
		params = struct{}{}
	}
	text, err := json.Marshal(map[string]any{"id": b.id, "method": method, "params": params})
	if b.session != "" {
		text, err = json.Marshal(map[string]any{"id": b.id, "method": method, "params": params, "sessionId": b.session})
	}
	if err != nil {
		return err
	}
	_, err = b.to.Write(append(text, 0))

	return err
}

// call sends a command and reads its result.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	check(b.t, b.send(method, params))
	for id := b.id; ; {
		m := b.next()
		if m.ID != id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			check(b.t, json.Unmarshal(m.Result, result))
		}
		return
	}
}

// next returns the next message, and notes its news of the page.
func (b *browser) next() message {
	b.t.Helper()
	select {
	case m, open := <-b.messages:
		if !open {
			b.t.Fatal("the browser has ended")
		}
		b.note(m)
		return m
	case <-time.After(time.Minute):
		b.t.Fatal("no answer of the browser")
	}
	return message{}
}

// note keeps what must not happen: errors, and requests but for the page itself.
func (b *browser) note(m message) {
	switch m.Method {
	case "Page.loadEventFired":
		b.loaded = true
	case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded":
		b.faults = append(b.faults, m.Method+" "+string(m.Params))
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		_ = json.Unmarshal(m.Params, &p)
		if !strings.HasPrefix(p.Request.URL, "file:") && !strings.HasPrefix(p.Request.URL, "data:") {
			b.faults = append(b.faults, "request of "+p.Request.URL)
		}
	}
}

// open shows a file.
func (b *browser) open(file string) {
	b.t.Helper()
	b.loaded, b.faults = false, nil
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	for !b.loaded {
		b.next()
	}
}

// eval returns the value of an expression in the page.
func (b *browser) eval(expression string, result any) {
	b.t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &out)
	if out.ExceptionDetails != nil {
		b.t.Fatalf("%.80s: %s", expression, out.ExceptionDetails)
	}
	if result != nil {
		check(b.t, json.Unmarshal(out.Result.Value, result))
	}
}

// text returns the text of an expression.
func (b *browser) text(expression string) (text string) {
	b.t.Helper()
	b.eval("String("+expression+")", &text)
	return text
}

// press presses a key.
func (b *browser) press(key string, code int, text string) {
	for _, kind := range []string{"keyDown", "keyUp"} {
		p := map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
		if kind == "keyDown" && text != "" {
			p["text"] = text
		}
		b.call("Input.dispatchKeyEvent", p, nil)
	}
}

// click clicks into the middle of an element.
func (b *browser) click(selector string) {
	var at struct{ X, Y float64 }
	b.eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()`, selector), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// picture writes a picture of the whole page into the directory of pictures.
func (b *browser) picture(name string) {
	b.t.Helper()
	dir := cmp.Or(os.Getenv("TYKMESH_TEST_PICTURES"), b.t.TempDir())
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	check(b.t, err)
	check(b.t, os.MkdirAll(dir, 0o755))
	check(b.t, os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644))
}
