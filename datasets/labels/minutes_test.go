package labels_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/datasets/labels"
)

// TestMinutesHoldTheirEvents writes the events of a generated home as a log that
// knows minutes: cut, rounded, with one of ten to the second. Laid over the
// traffic each is an interval of a minute in which its event happened.
func TestMinutesHoldTheirEvents(t *testing.T) {
	ds, err := home.Generate(t.Context(), "home:event_signatures:homes=1,hours=8", 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &ds.Recordings[0]
	owners, seen := "address,device\n", map[string]bool{}
	for i, p := range r.Trace.Packets {
		if o, mac := r.Labels.Owners[i], r.Trace.Flows[p.Flow].MAC.String(); o >= 0 && !seen[mac] {
			seen[mac] = true
			owners += mac + "," + r.Labels.Devices[o] + "\n"
		}
	}
	list, err := labels.Read(strings.NewReader(owners), "devices.csv", labels.Options{})
	if err != nil {
		t.Fatal(err)
	}

	for name, write := range map[string]func(i int, at time.Time) time.Time{
		"cut":     func(_ int, at time.Time) time.Time { return at.Truncate(time.Minute) },
		"rounded": func(_ int, at time.Time) time.Time { return at.Round(time.Minute) },
		"nine of ten cut": func(i int, at time.Time) time.Time {
			if i%10 == 0 {
				return at.Truncate(time.Second)
			}
			return at.Truncate(time.Minute)
		},
		"nine of ten rounded": func(i int, at time.Time) time.Time {
			if i%10 == 0 {
				return at.Truncate(time.Second)
			}
			return at.Round(time.Minute)
		},
	} {
		// Activities carry the event's number, by which it is found again.
		text := "time,device,activity\n"
		for i, e := range r.Labels.Events {
			text += fmt.Sprintf("%d,%s,%d\n", write(i, r.Trace.Start.Add(e.Start)).Unix(), r.Labels.Devices[e.Device], i)
		}
		f, err := labels.Read(strings.NewReader(text), "l.csv", labels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l, err := labels.Apply(r.Trace, list, f)
		if err != nil {
			t.Fatal(err)
		}
		in := 0
		for _, e := range l.Events {
			var i int
			fmt.Sscan(e.Activity, &i)
			// To the second is near enough of a point.
			if at := r.Labels.Events[i].Start; at >= e.Start-time.Second && at <= e.End+time.Second {
				in++
			}
		}
		n := len(r.Labels.Events)
		if !l.Vague || 100*in < 98*n {
			t.Errorf("%s: %d of %d events happened in their minutes; vague %v", name, in, n, l.Vague)
		}
		rounded := false
		for _, d := range l.Doubts {
			rounded = rounded || d.Code == datasets.DoubtMinutes && strings.Contains(d.Detail, "rounded")
		}
		if rounded != strings.Contains(name, "rounded") {
			t.Errorf("%s: taken for rounded: %v", name, rounded)
		}
	}
}

// TestStatedResolution: what is stated wins over what whole minutes look like,
// and a column over the file.
func TestStatedResolution(t *testing.T) {
	tr := datasets.Trace{Start: time.Unix(1_700_000_000, 0), End: time.Hour}
	rows := ""
	for i := range 6 {
		rows += fmt.Sprintf("%d,plug,on\n", 1_700_000_040+120*i)
	}
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"time,device,activity\n" + rows, time.Minute - time.Millisecond},
		{"# resolution: 1s\ntime,device,activity\n" + rows, 0},
		{"# resolution: 5 min\ntime,device,activity\n1700000040,plug,on\n", 0}, // refused below
		{"# resolution: 10s\ntime,device,activity\n" + rows, 10*time.Second - time.Millisecond},
		{"# resolution: 1s\ntime,resolution_s,device,activity\n1700000040,60,plug,on\n", time.Minute - time.Millisecond},
		{"time,resolution_ms,device,activity\n1700000040,2000,plug,on\n", 2*time.Second - time.Millisecond},
	} {
		f, err := labels.Read(strings.NewReader(c.text), "l.csv", labels.Options{})
		if strings.Contains(c.text, "5 min") {
			if err == nil || !strings.Contains(err.Error(), "l.csv:1:") {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		l, err := labels.Apply(tr, f)
		if err != nil {
			t.Fatal(err)
		}
		if e := l.Events[0]; e.End-e.Start != c.want || l.Vague != (c.want > 0) {
			t.Errorf("%q: lasts %v, want %v", c.text, e.End-e.Start, c.want)
		}
	}
}
