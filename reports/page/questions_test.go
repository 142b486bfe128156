package page

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"veilbench/reports/reporttest"
)

// The steps of docs/questions.md lead to what the results say. In the fixture
// the n-th defense sends n*0.75 times more and leaks 1/n of what "none" does.
func TestQuestionsToThePage(t *testing.T) {
	ctx := browser(t)
	openPage(t, ctx, "")
	ask := func(expr string) string {
		t.Helper()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](expr))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	// Each question is a link to a section that is there.
	if links := ask(`[...document.querySelectorAll("nav .ask a")].filter(a=>document.querySelector(a.getAttribute("href"))).length+" of "+document.querySelectorAll("nav .ask a").length`); links != "10 of 10" {
		t.Errorf("%s questions lead somewhere, want 10 of 10", links)
	}
	// Which is best under 100 % overhead? Sorted by bytes, the rows up to there.
	best := ask(`(()=>{const t=document.querySelector("#headline table"),h=[...t.tHead.rows[0].cells],b=h.findIndex(x=>x.textContent==="bytes"),e=h.findIndex(x=>x.textContent.includes("events"));
		h[b].querySelector("button").click();
		const up=[...t.tBodies[0].rows].map(r=>Number(r.cells[b].dataset.v)),ok=[...t.tBodies[0].rows].filter(r=>Number(r.cells[b].dataset.v)<=1);
		const low=ok.sort((x,y)=>Number(x.cells[e].dataset.v)-Number(y.cells[e].dataset.v))[0];
		return up.every((x,i)=>i===0||up[i-1]<=x)+" "+ok.length+" "+low.cells[0].textContent})()`)
	if best != "true 2 pad-random max_bytes=255" {
		t.Errorf("best under 100 %% overhead: %q, want the sorted table, 2 rows and pad-random", best)
	}
	// Is A better than B? There is a row with both names and a verdict.
	if v := ask(`(()=>{const t=document.querySelector("#tests table"),n=[...t.tHead.rows[0].cells].findIndex(x=>x.textContent==="verdict"),r=[...t.tBodies[0].rows].find(r=>r.cells[0].textContent==="pad-random max_bytes=255"&&r.cells[1].textContent==="none");return r?r.cells[n].textContent:""})()`); v == "" {
		t.Error("no verdict on pad-random against none")
	}
	// What leaks under the VPN? Its column among the activities.
	if !strings.Contains(ask(`document.querySelector("#per-activity table thead").textContent`), "vpn") {
		t.Error("no column of the VPN in the table of activities")
	}
	// What does it cost a month? 1.5 GB for the second defense.
	gb := ask(`(()=>{const t=document.querySelector("#headline table"),n=[...t.tHead.rows[0].cells].findIndex(x=>x.textContent==="GB/month");return [...t.tBodies[0].rows].find(r=>r.cells[0].textContent==="pad-random max_bytes=255").cells[n].dataset.v})()`)
	if v, err := strconv.ParseFloat(gb, 64); err != nil || v != 1.5 {
		t.Errorf("pad-random adds %s GB a month, want 1.5", gb)
	}
	// Can I trust it? Failures are told before anything else, and the sections exist.
	failed := 0
	for _, r := range reporttest.Small() {
		if r.Err != "" {
			failed++
		}
	}
	if top := ask(`document.querySelector("p.bad").textContent`); !strings.HasPrefix(top, strconv.Itoa(failed)+" of ") {
		t.Errorf("the first alarm is %q, want that %d cells failed", top, failed)
	}
	for _, id := range []string{"self-check", "warnings", "failed", "manifest"} {
		if ask(`String(!!document.getElementById("`+id+`"))`) != "true" {
			t.Errorf("no section %s", id)
		}
	}
}
