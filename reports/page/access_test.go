package page

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// openPage shows the page of the small fixture and returns what the browser's
// log says while it is open, violations of the security policy among it.
func openPage(t *testing.T, ctx context.Context, add string) func() []string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, reports.NewSet(reporttest.Small(), reports.Options{})); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	page := strings.Replace(b.String(), "</main>", add+"</main>", 1)
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []string
	if err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*cdplog.EventEntryAdded); ok {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, e.Entry.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String())); err != nil {
		t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return said
	}
}

// lowContrast lists the texts whose color is less than 4.5 times as light or
// dark as what lies behind them (WCAG 2.2, 1.4.3), and counts all.
const lowContrast = `(()=>{
	const parse=c=>(c.match(/[\d.]+/g)||[]).map(Number);
	const lum=([r,g,b])=>{const f=v=>{v/=255;return v<=0.04045?v/12.92:((v+0.055)/1.055)**2.4};return .2126*f(r)+.7152*f(g)+.0722*f(b)};
	const behind=e=>{for(;e;e=e.parentElement){const c=parse(getComputedStyle(e).backgroundColor);if(c.length===3||c[3]===1)return c}return [255,255,255]};
	const seen=new Set(),bad=[];let n=0;
	for(const e of document.querySelectorAll("body *")){
		if(![...e.childNodes].some(x=>x.nodeType===3&&x.textContent.trim())||e.closest("script,style"))continue;
		const a=parse(getComputedStyle(e).color),b=behind(e),x=lum(a),y=lum(b),r=(Math.max(x,y)+.05)/(Math.min(x,y)+.05);
		n++;
		const k=a+"/"+b;
		if(r<4.5&&!seen.has(k)){seen.add(k);bad.push(e.tagName+" "+e.className+" "+k+" "+r.toFixed(2)+" "+e.textContent.slice(0,30))}
	}
	return JSON.stringify({n,bad})})()`

// Every text can be read, by day, at night and on paper.
func TestPageContrast(t *testing.T) {
	ctx := browser(t)
	openPage(t, ctx, "")
	for _, look := range []struct{ media, scheme string }{{"screen", "light"}, {"screen", "dark"}, {"print", "dark"}} {
		set := emulation.SetEmulatedMediaParams{Media: look.media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, set); err != nil {
			t.Fatal(err)
		}
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](lowContrast))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			N   int
			Bad []string
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if got.N < 500 {
			t.Errorf("%v: only %d texts", look, got.N)
		}
		for _, b := range got.Bad {
			t.Errorf("%v: %s", look, b)
		}
	}
}

// What a screen reader is told: landmarks, names of all that can be used, and
// tables with headers.
func TestPageAccessibilityTree(t *testing.T) {
	ctx := browser(t)
	said := openPage(t, ctx, "")
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	text := func(v *accessibility.Value) string {
		if v == nil {
			return ""
		}
		return strings.Trim(string(v.Value), `"`)
	}
	count := map[string]int{}
	for _, n := range tree.Nodes {
		if n.Ignored {
			continue
		}
		role := text(n.Role)
		count[role]++
		switch role {
		case "button", "link", "searchbox", "image", "table", "region", "navigation", "heading", "columnheader", "rowheader":
			if text(n.Name) == "" {
				t.Errorf("a %s has no name", role)
			}
		}
	}
	for _, role := range []string{"main", "navigation", "heading", "table", "columnheader", "rowheader", "cell", "image", "searchbox", "status", "button", "link"} {
		if count[role] == 0 {
			t.Errorf("no %s in the accessibility tree: %v", role, count)
		}
	}
	if count["main"] != 1 || count["navigation"] != 1 {
		t.Errorf("%d main and %d navigation, want one of each", count["main"], count["navigation"])
	}
	for _, s := range said() {
		t.Errorf("the browser's log: %s", s)
	}
}

// The page's policy stops scripts, styles and pictures that are not its own,
// and the browser's log tells, so an empty log means that nothing was stopped.
func TestPagePolicy(t *testing.T) {
	ctx := browser(t)
	said := openPage(t, ctx, `<script>document.title="taken"</script><p id="styled" style="color:red">x</p><img src="https://example.com/x.png">`)
	title, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.title`))
	if err != nil {
		t.Fatal(err)
	}
	if title == "taken" {
		t.Error("a foreign script ran")
	}
	all := strings.Join(said(), "\n")
	for _, directive := range []string{"script-src", "style-src", "img-src"} {
		if !strings.Contains(all, directive) {
			t.Errorf("no violation of %s in the log: %s", directive, all)
		}
	}
}

// On paper and on a phone nothing sticks out of the page: a browser would shrink
// all of it to what is widest. Tables scroll in their own frames on a screen.
func TestPageFitsItsWidth(t *testing.T) {
	ctx := browser(t)
	all := append(runs(t), reporttest.Fixture{Name: "small", Set: reports.NewSet(reporttest.Small(), reports.Options{})}, manyData())
	for _, fx := range all {
		show(t, ctx, fx.Set, "")
		for _, look := range []struct {
			media string
			width int64
		}{{"print", 740}, {"screen", 360}} {
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: look.media}); err != nil {
				t.Fatal(err)
			}
			size := emulation.SetDeviceMetricsOverrideParams{Width: look.width, Height: 1000, DeviceScaleFactor: 1}
			if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, size); err != nil {
				t.Fatal(err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(()=>{const w=document.documentElement;return w.scrollWidth<=w.clientWidth?"":w.scrollWidth+": "+
				[...document.querySelectorAll("table,p,pre,li,figure,details,h1,h2")].filter(e=>!e.closest(".wrap")===(e.tagName!=="TABLE")&&e.getBoundingClientRect().right>w.clientWidth).map(e=>e.id||e.tagName+" "+e.textContent.slice(0,60)).join("; ")})()`))
			if err != nil {
				t.Fatal(err)
			}
			if wide != "" {
				t.Errorf("%s: %s of %d: %s", fx.Name, look.media, look.width, wide)
			}
		}
	}
}

// On a phone names of attacks and defenses stay whole, in cells and heads: a line that
// ends in "event-" says no name. Frames of tables scroll, and the page is as wide as
// the screen.
func TestNamesStayWhole(t *testing.T) {
	ctx := browser(t)
	all := append(runs(t), reporttest.Fixture{Name: "small", Set: reports.NewSet(reporttest.Small(), reports.Options{})}, manyData())
	for _, fx := range all {
		show(t, ctx, fx.Set, "")
		size := emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 1}
		if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, size); err != nil {
			t.Fatal(err)
		}
		broken, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(()=>{
			const out=[],range=document.createRange();let seen=0;
			for(const cell of document.querySelectorAll("table th,table td")){
				const walk=document.createTreeWalker(cell,NodeFilter.SHOW_TEXT);
				for(let n;n=walk.nextNode();)for(const m of n.data.matchAll(/\S+/g)){
					if(m[0].length>22)continue;
					for(let i=m.index+1;i<m.index+m[0].length-1;i++)if(n.data[i]==="-"){
						seen++;
						const top=(k)=>{range.setStart(n,k);range.setEnd(n,k+1);return range.getBoundingClientRect().top};
						if(Math.abs(top(i)-top(i+1))>3)out.push(m[0]);
					}
				}
			}
			const w=document.documentElement;
			if(w.scrollWidth>390)out.push("the page is "+w.scrollWidth+" wide");
			return seen>50?[...new Set(out)].join("; "):"only "+seen+" hyphens"})()`))
		if err != nil {
			t.Fatal(err)
		}
		if broken != "" {
			t.Errorf("%s: %s", fx.Name, broken)
		}
	}
}

// manyData is a grid over data sets whose names are long words, with a column of the
// headline for each task of each.
func manyData() reporttest.Fixture {
	var rs []results.Result
	for _, name := range []string{"home:event_signatures-ten:firmware=mixed,homes=12", "home:homemole-noise:firmware=mixed,homes=12"} {
		for _, r := range reporttest.Grid(2, []string{results.NoDefense, "b"}, []string{"guess-majority", "event-forest"}) {
			r.Cell.Dataset = name
			rs = append(rs, r)
		}
	}
	return reporttest.Fixture{Name: "many data", Set: reports.NewSet(rs, reports.Options{})}
}
