package page

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"veilbench/datasets/datatest"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// browser is a headless Chromium, or a skip. Tests with one run side by side.
func browser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	t.Parallel()
	path := datatest.Tool(t, "chromium", "chromium-browser", "google-chrome")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.WindowSize(1200, 1400))
	opts = append(opts, more...)
	actx, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, stop2 := chromedp.NewContext(actx)
	t.Cleanup(stop2)
	limit := 4 * time.Minute // ten browsers start at once
	if os.Getenv("VEILBENCH_RUNS") != "" {
		limit = 20 * time.Minute // with hundreds of pictures
	}
	ctx, stop3 := context.WithTimeout(ctx, limit)
	t.Cleanup(stop3)
	return ctx
}

// awaitPictures waits until the page has unpacked its pictures and drawn those
// that are chosen.
func awaitPictures(t *testing.T, ctx context.Context) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(async()=>{while(!document.body.dataset.pictures)await new Promise(f=>setTimeout(f,10));return true})()`, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
}

// The page sorts, filters, turns dark, prints, can be used by keyboard and
// reader, keeps golden.Hostile names as text, and asks nobody for anything.
func TestPageInBrowser(t *testing.T) {
	ctx := browser(t)
	var b bytes.Buffer
	if err := Write(&b, reports.NewSet(reporttest.Small(), reports.Options{})); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var trouble []string
	if err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *cdpruntime.EventExceptionThrown:
			trouble = append(trouble, "exception: "+e.ExceptionDetails.Text)
		case *cdpruntime.EventConsoleAPICalled:
			trouble = append(trouble, "console: "+string(e.Type))
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, "file:") && !strings.HasPrefix(u, "data:") {
				trouble = append(trouble, "request: "+u)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	do := func(a ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, a...); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what, expr, want string) {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expr))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	do(chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
	awaitPictures(t, ctx)
	sorted := func(dir string) string {
		return `(()=>{const v=[...document.querySelectorAll("#pairs tbody tr")].map(r=>r.cells[7].dataset.v).filter(x=>x!=="").map(Number);
			return String(v.length>100&&v.every((x,i)=>i===0||v[i-1]` + dir + `x))})()`
	}
	score := `document.querySelectorAll("#pairs thead th")[7]`
	do(chromedp.Click("#pairs thead th:nth-child(8) button"))
	want("ascending", sorted("<="), "true")
	want("aria-sort", score+`.getAttribute("aria-sort")`, "ascending")
	want("keyboard focus", score+`.querySelector("button").focus(),document.activeElement.textContent`, "score")
	do(chromedp.KeyEvent("\r"))
	want("descending by keyboard", sorted(">="), "true")
	do(chromedp.SendKeys("#pairs-q", "wireguard unaware"), chromedp.Sleep(300*time.Millisecond))
	want("filter", `String([...document.querySelectorAll("#pairs tbody tr")].every(r=>r.hidden!==(r.textContent.toLowerCase().includes("wireguard")&&r.textContent.includes("unaware"))))`, "true")
	want("dark by button", `(()=>{const a=getComputedStyle(document.body).backgroundColor;document.getElementById("theme").click();return String(a!==getComputedStyle(document.body).backgroundColor)})()`, "true")
	want("pressed", `document.getElementById("theme").getAttribute("aria-pressed")`, "true")
	want("golden.Hostile names stay text", `String(document.querySelectorAll("main script, main img:not([src^='data:']), main b").length)`, "0")
	want("headers have a scope", `String([...document.querySelectorAll("th")].every(h=>h.scope==="col"||h.scope==="row"))`, "true")
	want("tables and pictures have names", `String([...document.querySelectorAll("table")].every(x=>x.caption&&x.caption.textContent)&&[...document.querySelectorAll("[role=img]")].every(x=>x.getAttribute("aria-label")))`, "true")
	want("fields have labels", `String([...document.querySelectorAll("input")].every(x=>x.labels.length===1))`, "true")
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	want("print", `getComputedStyle(document.querySelector(".find")).display+" "+getComputedStyle(document.querySelector("nav")).display`, "none none")
	mu.Lock()
	defer mu.Unlock()
	for _, x := range trouble {
		t.Error(x)
	}
}
