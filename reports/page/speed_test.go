package page

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/tables"
)

// A page whose table of pairs has ten thousand rows opens, sorts and filters
// without a wait, drawing included.
func TestPageOfTenThousandRows(t *testing.T) {
	ctx := browser(t)
	var ds, as []string
	for i := range 20 {
		ds = append(ds, "defense:x="+strconv.Itoa(i))
	}
	for i := range 50 {
		as = append(as, "attack:y="+strconv.Itoa(i))
	}
	s := reports.NewSet(reporttest.Grid(1, ds, as), reports.Options{})
	if rows := tables.Pairs.Tables(s)[0].Rows; len(rows) != 10000 {
		t.Fatalf("%d rows, want 10000", len(rows))
	}
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("page of %d bytes", b.Len())
	start := time.Now()
	if err := chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String())); err != nil {
		t.Fatal(err)
	}
	t.Logf("opened in %s", time.Since(start))
	// Two frames behind the change everything is drawn.
	drawn := `await new Promise(f=>requestAnimationFrame(()=>requestAnimationFrame(f)));`
	body := `const body=document.querySelector("#pairs tbody");body.scrollIntoView();` + drawn
	for _, c := range []struct{ what, do, check string }{
		{"nothing", ``, `true`},
		{"sort by number", `document.querySelectorAll("#pairs thead th")[7].querySelector("button").click();`, `[...body.rows].every((r,i)=>i===0||Number(body.rows[i-1].cells[7].dataset.v)<=Number(r.cells[7].dataset.v))`},
		{"sort by name", `document.querySelectorAll("#pairs thead th")[0].querySelector("button").click();`, `body.rows[0].cells[0].textContent==="defense x=0"`},
		{"filter", `const q=document.getElementById("pairs-q");q.value="x=7 unaware";q.dispatchEvent(new Event("input"));while(!document.getElementById("pairs-count").textContent.startsWith("250 of"))await new Promise(f=>setTimeout(f,1));`, `[...body.rows].filter(r=>!r.hidden).length===250`},
	} {
		out, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`(async()=>{`+body+`const t=performance.now();`+c.do+drawn+`const took=performance.now()-t;return (`+c.check+`)?took:-took})()`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		t.Logf("%s: %.0f ms", c.what, out)
		if out < 0 {
			t.Errorf("%s: the rows are not the right ones", c.what)
		}
		if out > 5000 { // far less on an idle machine
			t.Errorf("%s took %.0f ms", c.what, out)
		}
	}
	all, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async()=>{const q=document.getElementById("pairs-q"),more=document.getElementById("pairs-more"),c=document.getElementById("pairs-count");
		q.value="";q.dispatchEvent(new Event("input"));while(more.hidden)await new Promise(f=>setTimeout(f,1));
		const before=c.textContent;more.click();
		return before+"; "+c.textContent+"; "+document.querySelectorAll("#pairs tbody tr").length+" "+more.hidden})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if want := "10000 of 10000 rows, the first 500 shown; 10000 of 10000 rows; 10000 true"; all != want {
		t.Errorf("%q, want %q", all, want)
	}
}
