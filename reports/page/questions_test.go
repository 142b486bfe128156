package page

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"veilbench/bench/results"
	"veilbench/reports"
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
	if links := ask(`[...document.querySelectorAll("nav .ask a")].filter(a=>document.querySelector(a.getAttribute("href"))).length+" of "+document.querySelectorAll("nav .ask a").length`); links != "17 of 17" {
		t.Errorf("%s questions lead somewhere, want 17 of 17", links)
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

// Twelve more questions, each answered in at most three steps: a step follows a link,
// chooses or types. What is read at the end is what the results say.
func TestTwelveQuestionsInThreeSteps(t *testing.T) {
	ctx := browser(t)
	s := reports.NewSet(reporttest.Small(), reports.Options{
		Fingerprint: "results sha256:0123456789abcdef (3 cells)", Bibliography: "@misc{veilbench}",
		Manifest: &results.Manifest{Seed: 7, Draws: 1, Canaries: true},
	})
	show(t, ctx, s, "")
	ask := func(expr string) string {
		t.Helper()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](expr, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%v in %s", err, expr)
		}
		return out
	}
	const waitForEvents = `(async()=>{while(!document.body.dataset.events)await new Promise(f=>setTimeout(f,10));return ""})()`
	ask(waitForEvents)

	at := reports.Subject{Panel: s.Panels[0], Defense: "pad-random:max_bytes=255"}
	m, name := s.Summaries[at], s.DefenseLabel("pad-random:max_bytes=255")
	follow := func(title string) string {
		return fmt.Sprintf(`(()=>{const a=[...document.querySelectorAll("nav .ask a")].find(a=>a.textContent===%q);if(!a)return "no link";a.click();return document.querySelector(a.getAttribute("href")).id})()`, title)
	}
	enter := func(id, value string) string {
		return fmt.Sprintf(`(()=>{const e=document.getElementById(%q);e.value=%q;e.dispatchEvent(new Event(e.tagName==="SELECT"?"change":"input"));return e.value})()`, id, value)
	}
	const row = `const row=(t)=>[...document.querySelector(t).tBodies[0].rows].find(r=>r.cells[0].textContent==="pad-random max_bytes=255");`
	cell := func(table, head, of string) string {
		return fmt.Sprintf(`(()=>{%sconst t=document.querySelector(%q),i=[...t.tHead.rows[0].cells].findIndex(h=>h.textContent.startsWith(%q));return row(%q).cells[i].%s})()`, row, table, head, table, of)
	}
	const earlier = `(async()=>{const c=document.querySelector("#headline td[data-v]"),old=c.outerHTML,d=new DataTransfer();
		d.items.add(new File([document.documentElement.outerHTML.replace(old,"<td data-v=0.5>0.50").replaceAll("sha256:0123456789abcdef","sha256:fedcba9876543210")],"report.html"));
		const e=document.getElementById("earlier");e.files=d.files;e.dispatchEvent(new Event("change"));
		while(!document.getElementById("changes").textContent)await new Promise(f=>setTimeout(f,10));return ""})()`

	// The small fixture has no controls, so that of unearned scores tells of a floor.
	var floors strings.Builder
	if err := Write(&floors, reports.NewSet(reporttest.Unearned(), reports.Options{})); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(floors.String(), "over <span class=w>guess-clock</span>") {
		t.Error("the page does not say whose floor it is")
	}
	for _, q := range []struct {
		question string
		steps    []string
		read     string
		want     []string
	}{
		{"which attack", nil, cell("#headline table", "events", `querySelector("small").textContent`), []string{s.Label(m.Attack)}},
		{"how sure", nil, cell("#headline table", "events", `textContent+row("#headline table").cells[1].title`), []string{reports.BoundsOf(m), "5 test groups"}},
		{
			"which event",
			[]string{follow("Which event was found?"), enter("ev-defense", name)},
			`(()=>{const t=document.getElementById("t-events-1");return document.getElementById("ev").open+" "+t.caption.textContent+" "+[...t.tHead.rows[0].cells].map(h=>h.textContent).join(",")+" "+t.tBodies[0].rows.length})()`,
			[]string{"true ", "under " + name, s.Label(m.Attack), "recording,time (s),truth,guess,score,verdict"},
		},
		{"whose floor", []string{follow("Whose floor is it?")}, `document.querySelector("#headline-attacks").textContent`, []string{"control that sets its floor", s.Label(m.Attack)}},
		{"which data", []string{follow("Which data are these?")}, `document.querySelector("#data table").textContent`, []string{"home:made_up"}},
		{"is it evidence", []string{follow("Is a low score earned?")}, cell("#headline table", "events", `querySelector("small").textContent+document.querySelector("#evidence table").textContent`), []string{reports.State(m.Evidence), "canaries found behind"}},
		{"how do I cite", []string{follow("How do I cite it?")}, `document.querySelector("#cite pre").textContent`, []string{"@misc{veilbench}"}},
		{"what changed since", []string{follow("What changed since?"), earlier}, `document.getElementById("changes").textContent`, []string{"1 of ", "sha256:fedcba9876543210", "sha256:0123456789abcdef", "0.50"}},
		{"what would it cost me", []string{follow("What does it cost a month?"), enter("mine", "100")}, cell("#costs table", "GB at mine", "textContent"), []string{"+75.0"}},
		{"does it hold across data sets", []string{follow("Does it hold across data sets?")}, cell("#across table", "one rank?", "textContent"), []string{"fits all"}},
		{"what was assumed", []string{follow("What was assumed?")}, `document.querySelector("#assumed").textContent`, []string{"passive", "adaptive: it knows the defense", "seed 7", "canaries on"}},
		{"how do I reproduce it", []string{follow("How do I reproduce it?")}, `document.querySelector("#reproduce").textContent`, []string{"veilbench verify DIR", "--against sha256:0123456789abcdef"}},
	} {
		if len(q.steps) > 3 {
			t.Errorf("%s takes %d steps", q.question, len(q.steps))
		}
		for _, step := range q.steps {
			if got := ask(step); got == "no link" {
				t.Errorf("%s: %s in %s", q.question, got, step)
			}
		}
		got := ask(q.read)
		for _, want := range q.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q in it", q.question, got[:min(len(got), 300)], want)
			}
		}
	}
}
