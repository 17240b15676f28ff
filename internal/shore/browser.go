package shore

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Browser is Chromium without a window, driven over two pipes in its own
// DevTools protocol. It has a fresh profile, and no network: whatever a page
// asks for beyond itself fails, and is remembered.
type Browser struct {
	dir     string
	process *process
	in      *os.File
	session string

	mu       sync.Mutex
	next     int
	answers  map[int]chan answer
	events   map[string]chan struct{} // closed when the event comes
	outside  []string
	messages []string
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// A Look is how a page is shown.
type Look struct {
	Width  int  // of the window, in CSS pixels
	Dark   bool // what prefers-color-scheme says
	Mobile bool // as a telephone does it
}

// Chromium starts a browser, which ends with the test.
func Chromium(tb testing.TB) *Browser {
	tb.Helper()
	program := Need(tb, "chromium")
	dir, err := folder("chromium")
	if err != nil {
		tb.Fatal(err)
	}
	b := &Browser{dir: dir, answers: map[int]chan answer{}, events: map[string]chan struct{}{}}
	tb.Cleanup(func() {
		b.process.cut()
		if b.in != nil {
			_ = b.in.Close()
		}
		_ = os.RemoveAll(dir) // a leftover in the temporary folder harms nobody
	})
	if err := b.run(program); err != nil {
		tb.Fatal("chromium: ", err)
	}
	return b
}

func (b *Browser) run(program string) error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close())
	}
	defer theirOut.Close()
	b.in = in
	log, err := os.Create(filepath.Join(b.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := command(context.Background(), program,
		"--headless", "--remote-debugging-pipe", "--user-data-dir="+filepath.Join(b.dir, "profile"),
		"--no-sandbox", // the pages are our own, and a container has no room for it
		"--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-extensions", "--disable-sync", "--hide-scrollbars", "--font-render-hinting=none",
		"--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>", // where nobody listens
		"about:blank")
	cmd.Env = append(cmd.Env, "HOME="+b.dir, "XDG_CONFIG_HOME="+b.dir, "XDG_CACHE_HOME="+b.dir)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := begin(cmd, &b.process); err != nil {
		return errors.Join(err, out.Close())
	}
	go b.listen(out)

	var targets struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(glance) {
		if err := b.call("Target.getTargets", nil, &targets); err != nil {
			return fmt.Errorf("%w: %s", err, tail(log.Name()))
		}
		for _, t := range targets.TargetInfos {
			if t.Type == "page" {
				var attached struct{ SessionID string }
				if err := b.call("Target.attachToTarget", map[string]any{"targetId": t.TargetID, "flatten": true}, &attached); err != nil {
					return err
				}
				b.session = attached.SessionID
				return errors.Join(b.call("Page.enable", nil, nil), b.call("Network.enable", nil, nil), b.call("Runtime.enable", nil, nil), b.call("Log.enable", nil, nil))
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no page after %s", patience)
		}
	}
}

func begin(cmd *exec.Cmd, p **process) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	*p = &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close((*p).done)
	}()
	return nil
}

// listen hands out what the browser says until it ends.
func (b *Browser) listen(out *os.File) {
	defer out.Close()
	lines := bufio.NewReader(out)
	for {
		text, err := lines.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Params json.RawMessage
			answer
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID > 0:
			if waiting := b.answers[m.ID]; waiting != nil {
				waiting <- m.answer
				delete(b.answers, m.ID)
			}
		case m.Method == "Network.requestWillBeSent":
			var r struct{ Request struct{ URL string } }
			if json.Unmarshal(m.Params, &r) == nil && !strings.HasPrefix(r.Request.URL, "file:") && !strings.HasPrefix(r.Request.URL, "about:") {
				b.outside = append(b.outside, r.Request.URL)
			}
		case m.Method == "Log.entryAdded" || m.Method == "Runtime.exceptionThrown":
			b.messages = append(b.messages, string(m.Params))
		case b.events[m.Method] != nil:
			close(b.events[m.Method])
			delete(b.events, m.Method)
		}
		b.mu.Unlock()
	}
}

// call asks the browser for something and waits for the answer.
func (b *Browser) call(method string, params, into any) error {
	b.mu.Lock()
	b.next++
	id, got := b.next, make(chan answer, 1)
	b.answers[id] = got
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case a := <-got:
		if a.Error != nil {
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(a.Result, into)
	case <-b.process.done:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-time.After(patience):
		return fmt.Errorf("%s: no answer after %s", method, patience)
	}
}

// Look changes how the page is shown, and every one after it.
func (b *Browser) Look(tb testing.TB, l Look) {
	tb.Helper()
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	err := errors.Join(
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": l.Width, "height": 800, "deviceScaleFactor": 1, "mobile": l.Mobile}, nil),
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil),
	)
	if err != nil {
		tb.Fatal("chromium: ", err)
	}
}

// Open shows a page.
func (b *Browser) Open(tb testing.TB, page string) {
	tb.Helper()
	path := filepath.Join(b.dir, "page.html")
	loaded := make(chan struct{})
	b.mu.Lock()
	b.outside, b.messages, b.events["Page.loadEventFired"] = nil, nil, loaded
	b.mu.Unlock()
	err := errors.Join(
		os.WriteFile(path, []byte(page), 0o644),
		b.call("Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: path}).String()}, nil),
	)
	if err != nil {
		tb.Fatal("chromium: ", err)
	}
	select {
	case <-loaded:
	case <-time.After(patience):
		tb.Fatalf("chromium: the page was not shown after %s", patience)
	}
}

// Eval gives the value of a JavaScript expression in the page, as JSON gives it.
func (b *Browser) Eval(tb testing.TB, expression string, into any) {
	tb.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	if err := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &got); err != nil {
		tb.Fatal("chromium: ", err)
	}
	if got.ExceptionDetails != nil {
		tb.Fatal("chromium: ", got.ExceptionDetails.Exception.Description)
	}
	if err := json.Unmarshal(got.Result.Value, into); err != nil {
		tb.Fatalf("chromium: %v in %s", err, got.Result.Value)
	}
}

// Outside is what the page asked for beyond itself.
func (b *Browser) Outside() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.outside...)
}

// Complaints are what the browser says of the page: errors, and what its own
// policy forbade it.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.messages...)
}

// Picture is the whole page as a PNG.
func (b *Browser) Picture(tb testing.TB) []byte {
	tb.Helper()
	var shot struct{ Data string }
	if err := b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot); err != nil {
		tb.Fatal("chromium: ", err)
	}
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
