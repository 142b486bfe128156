package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/image/font/gofont/gomonobolditalic"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// oneFont leaves the browsers of a test nothing but a font that no page would
// choose.
func oneFont(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "fonts.conf")
	for name, data := range map[string][]byte{
		filepath.Join(dir, "odd.ttf"): gomonobolditalic.TTF,
		conf:                          fmt.Appendf(nil, `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>%s</dir><cachedir>%s/cache</cachedir></fontconfig>`, dir, dir),
	} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return conf
}

// misfits lists of each figure that is drawn the texts that stick out of it and
// those that lie on each other, and counts figures and texts. A turned text is
// measured along its own axes: its box on the screen holds its neighbors' corners.
const misfits = `(()=>{
	const bad=[];let figures=0,texts=0;
	for(const f of document.querySelectorAll("figure:not([hidden])")){
		const svg=f.querySelector("svg");
		if(!svg){bad.push("not drawn: "+f.textContent.slice(0,60));continue}
		figures++;
		const v=svg.viewBox.baseVal,rest=[];
		for(const t of svg.querySelectorAll("text")){
			texts++;
			const b=t.getBBox(),m=svg.getScreenCTM().inverse().multiply(t.getScreenCTM());
			const c=[[b.x,b.y],[b.x+b.width,b.y],[b.x,b.y+b.height],[b.x+b.width,b.y+b.height]].map(([x,y])=>new DOMPoint(x,y).matrixTransform(m));
			const size=parseFloat(t.getAttribute("font-size")),slack=size*.3;
			// Boxes have the font's whole height, of which letters fill about two thirds.
			if(c.some(p=>p.x<-1||p.x>v.width+1||p.y<-slack-1||p.y>v.height+slack+1))bad.push(f.textContent.slice(0,40)+": sticks out: "+t.textContent);
			const len=t.textLength.baseVal.value,real=t.getComputedTextLength();
			if(real>len*1.02+.5)bad.push(f.textContent.slice(0,40)+": "+real.toFixed(1)+" wide, has "+len+": "+t.textContent);
			if(!t.hasAttribute("transform"))rest.push([t,b.x+.5,b.x+b.width-.5,b.y+b.height*.28,b.y+b.height*.72]);
		}
		rest.forEach(([t,x0,x1,y0,y1],i)=>rest.slice(i+1).forEach(([u,a0,a1,b0,b1])=>{
			if(x0<a1&&a0<x1&&y0<b1&&b0<y1)bad.push(f.textContent.slice(0,40)+": "+t.textContent+" lies on "+u.textContent)}));
	}
	const r=document.fonts.check("7px figure-sans");
	return JSON.stringify({figures,texts,font:r,bad:bad.slice(0,20)})})()`

// runs are the folders that VEILBENCH_RUNS names, as sets: make docs tries those of
// the main job, which take too long for every day.
func runs(t *testing.T) []reporttest.Fixture {
	t.Helper()
	var out []reporttest.Fixture
	for _, dir := range filepath.SplitList(os.Getenv("VEILBENCH_RUNS")) {
		run, err := results.ReadRun(dir)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, reporttest.Fixture{Name: filepath.Base(dir), Set: reports.NewSet(run.Results, reports.Options{Samples: run.Samples, Manifest: run.Manifest})})
	}
	return out
}

// Whatever fonts a machine has, on wide and narrow screens, by day, at night and
// on paper, no text of any figure is cut off or lies on another: of every fixture,
// which together have every kind, and of every run that is named.
func TestFiguresWithOneOddFont(t *testing.T) {
	ctx := browser(t, chromedp.Env("FONTCONFIG_FILE="+oneFont(t)))
	all := runs(t)
	if len(all) == 0 {
		all = reporttest.Fixtures()
	}
	total := 0
	for _, fx := range all {
		show(t, ctx, fx.Set, "#figures?figures=")
		for _, look := range []struct {
			media, scheme string
			width         int64
		}{{"screen", "light", 1280}, {"screen", "dark", 1280}, {"screen", "light", 390}, {"screen", "dark", 390}, {"print", "light", 720}} {
			set := emulation.SetEmulatedMediaParams{Media: look.media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, set); err != nil {
				t.Fatal(err)
			}
			size := emulation.SetDeviceMetricsOverrideParams{Width: look.width, Height: 1000, DeviceScaleFactor: 1}
			if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, size); err != nil {
				t.Fatal(err)
			}
			measured, figures, texts, bad := misfitsOf(t, ctx)
			for _, b := range bad {
				t.Errorf("%s: %s, %s, %d wide: %s", fx.Name, look.media, look.scheme, look.width, b)
			}
			if measured != figures {
				t.Errorf("%s: measured %d of %d figures", fx.Name, measured, figures)
			}
			t.Logf("%s: %s, %s, %d wide: %d figures, %d texts", fx.Name, look.media, look.scheme, look.width, measured, texts)
			total += measured
		}
	}
	if total < 200 {
		t.Errorf("measured %d figures only", total)
	}
}

// misfitsOf measures all figures of the page that is shown, choosing one defense after
// the other: the first choice shows those of all defenses together.
func misfitsOf(t *testing.T, ctx context.Context) (measured, figures, texts int, bad []string) {
	t.Helper()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(()=>{
		const p=document.getElementById("pick-defense"),all=[],bad=new Set();let texts=0,font=true,seen=0;
		for(let i=0;i<(p?p.options.length:1);i++){
			if(p){p.selectedIndex=i;p.dispatchEvent(new Event("change"))}
			const got=JSON.parse(`+misfits+`);
			font&&=got.font;got.bad.forEach(b=>bad.add(b));texts+=got.texts;
			document.querySelectorAll("figure:not([hidden])").forEach(f=>{if(!f.dataset.seen){f.dataset.seen=1;seen++}});
		}
		const n=document.querySelectorAll("figure").length;
		document.querySelectorAll("figure").forEach(f=>delete f.dataset.seen);
		return JSON.stringify({Measured:seen,Figures:n,Texts:texts,Font:font,Bad:[...bad]})})()`))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Measured, Figures, Texts int
		Font                     bool
		Bad                      []string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if !got.Font {
		t.Error("the font of the pictures is not there")
	}
	return got.Measured, got.Figures, got.Texts, got.Bad
}

// show opens the page of a set at a part of it, and tells its size.
func show(t *testing.T, ctx context.Context, s *reports.Set, part string) int {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()+part)); err != nil {
		t.Fatal(err)
	}
	awaitPictures(t, ctx)
	return b.Len()
}

// On paper the page has at most twelve sheets, though the small fixture has
// hundreds of rows, and a page of the main job is below a megabyte.
func TestPaperIsShort(t *testing.T) {
	ctx := browser(t)
	small := reporttest.Fixture{Name: "small", Set: reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples()})}
	for _, fx := range append(runs(t), small) {
		bytesOf := show(t, ctx, fx.Set, "")
		out, err := chromedp.Call(ctx, cdppage.PrintToPDF, cdppage.PrintToPDFParams{})
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(out.Data, []byte("/Type /Page\n"))
		t.Logf("%s: %d bytes, %d sheets", fx.Name, bytesOf, n)
		if n == 0 || n > 12 {
			t.Errorf("%s: %d sheets, want 1 to 12", fx.Name, n)
		}
		if bytesOf > 1_000_000 && len(fx.Set.Panels) <= 4 { // as many as the main job has
			t.Errorf("%s: a page of %d bytes, want less than a million", fx.Name, bytesOf)
		}
	}
}

// What is sorted, filtered and chosen stands in the address, and an address
// shows it again; tables go out as files.
func TestViewInTheAddress(t *testing.T) {
	ctx := browser(t)
	s := reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples(), Fingerprint: "results sha256:0123456789abcdef (3 cells)"})
	show(t, ctx, s, "#figures")
	ask := func(expr string) string {
		t.Helper()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](expr, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := ask(`(async()=>{
		const th=document.querySelectorAll("#pairs thead th")[7].querySelector("button");th.click();th.click();
		const q=document.getElementById("pairs-q");q.value="wireguard";q.dispatchEvent(new Event("input"));
		const p=document.getElementById("pick-defense");p.selectedIndex=2;p.dispatchEvent(new Event("change"));
		while(!location.hash.includes("wireguard"))await new Promise(f=>setTimeout(f,5));
		return location.hash})()`)
	for _, want := range []string{"#figures?", "sort.pairs=7down", "find.pairs=wireguard", "under="} {
		if !strings.Contains(got, want) {
			t.Errorf("the address ends in %s, want %s in it", got, want)
		}
	}

	show(t, ctx, s, got)
	again := ask(`(async()=>{
		while(!document.getElementById("pairs-count").textContent.includes(" of "))await new Promise(f=>setTimeout(f,5));
		const v=[...document.querySelectorAll("#pairs tbody tr")].map(r=>r.cells[7].dataset.v).filter(x=>x).map(Number);
		return [v.length>5&&v.every((x,i)=>i===0||v[i-1]>=x),document.getElementById("pairs-q").value,document.getElementById("pick-defense").selectedIndex,scrollY>0,location.hash===` + fmt.Sprintf("%q", got) + `].join(" ")})()`)
	if again != "true wireguard 2 true true" {
		t.Errorf("shown again: %s", again)
	}

	file := ask(`(async()=>{
		let blob;URL.createObjectURL=b=>{blob=b;return "#"};
		const out=[];
		for(const b of document.querySelector("#headline .data").querySelectorAll("button")){b.click();out.push(await blob.text())}
		const rows=JSON.parse(out[1]).rows,t=document.querySelector("#headline table");
		return [out[0].split("\n").length-3===t.tBodies[0].rows.length,rows.length===t.tBodies[0].rows.length,typeof rows[0]["bytes (number)"],out[0].split("\n")[1].startsWith("defense,"),out[0].startsWith("# results sha256:")&&JSON.parse(out[1]).stamp===out[0].slice(2,out[0].indexOf("\n"))].join(" ")})()`)
	if file != "true true number true true" {
		t.Errorf("files of the headline: %s", file)
	}
}
