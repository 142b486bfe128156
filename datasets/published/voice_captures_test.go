package published

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// What the description counts: captures, packets, seconds, events, and what is
// in ten seconds behind each.
func TestVoiceCounts(t *testing.T) {
	dir := datatest.Recorded(t, "voice_captures")
	ds := load1(t, "voice-captures", dir)
	got := sum(t, ds)
	got.unowned = 0
	if want := (sums{recordings: 58, groups: 58, packets: 77801, events: 290}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	rows := readCSV(t, filepath.Join(dir, "captures.csv"))
	for _, x := range rows[1:] {
		r := ds.Recordings[slices.IndexFunc(ds.Recordings, func(r datasets.Recording) bool { return r.ID == captureStem(x[0]) })]
		if r.ID != captureStem(x[0]) || fmt.Sprint(len(r.Trace.Packets)) != x[6] || fmt.Sprintf("%.3f", r.Trace.End.Seconds()) != x[5] || len(r.Labels.Events) != 5 {
			t.Errorf("%s: %d packets in %v, %d events; want %s packets in %s s, 5 events", r.ID, len(r.Trace.Packets), r.Trace.End, len(r.Labels.Events), x[6], x[5])
		}
	}
	for _, f := range ds.Recordings[0].Trace.Flows {
		if f.Host != "" {
			return
		}
	}
	t.Error("no name of names.csv")
}

func TestVoiceCommands(t *testing.T) {
	ds := load1(t, "voice-captures-commands", datatest.Recorded(t, "voice_captures"))
	var counts []int
	classes := map[string]bool{}
	for _, r := range ds.Recordings {
		counts = append(counts, len(r.Trace.Packets))
		classes[r.ClipClass()] = true
	}
	slices.Sort(counts)
	if got := fmt.Sprint(len(counts), len(classes), counts[0], counts[len(counts)/2-1], counts[len(counts)-1]); got != "290 58 110 248 455" {
		t.Errorf("clips, classes, packets: least, median, most: %s, want 290 58 110 248 455", got)
	}
	if !classes["echo/alexa"] {
		t.Error("classes are not those of echo-voice")
	}
}

// The description's detector: bins of a second from the first packet, a detection
// is a bin above the threshold with none in the 10 s before it, matched one to
// one within 5 s; the threshold is the best of the training half. It counts the
// frames as recorded, with the fill of short ones, and a packet here is without:
// so one event of 145 may fall the other way, and the threshold to its neighbor.
func TestVoiceDetection(t *testing.T) {
	ds := load1(t, "voice-captures", datatest.Recorded(t, "voice_captures"))
	folds, err := ds.Split.Folds(&ds, datasets.TaskEvent)
	if err != nil || len(folds) != 1 || len(folds[0][0].Test) != 29 {
		t.Fatal(folds, err)
	}
	all := slices.Concat(folds[0][0].Train, folds[0][0].Test)
	anyFrame := func(datasets.Packet) bool { return true }
	up := func(p datasets.Packet) bool { return p.Dir == datasets.Up }
	down := func(p datasets.Packet) bool { return p.Dir == datasets.Down }
	for _, c := range []struct {
		name       string
		counted    func(datasets.Packet) bool
		threshold  int
		f1, pr, re float64
	}{
		{"all", anyFrame, 15000, 0.990, 0.980, 1},
		{"from the speaker", up, 15000, 0.990, 0.986, 0.993},
		{"to the speaker", down, 1000, 0.967, 0.935, 1},
	} {
		best, at := -1.0, 0
		for _, kb := range []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30} {
			if f1, _, _ := detect(&ds, folds[0][0].Train, c.counted, kb*1000); f1 > best {
				best, at = f1, kb*1000
			}
		}
		f1, pr, re := detect(&ds, folds[0][0].Test, c.counted, at)
		if at > c.threshold || at < c.threshold*4/5 || math.Abs(f1-c.f1) > 0.0011 || math.Abs(pr-c.pr) > 0.007 || math.Abs(re-c.re) > 0.0071 {
			t.Errorf("%s: threshold %d, F1 %.3f, precision %.3f, recall %.3f; want %d, %.3f, %.3f, %.3f", c.name, at, f1, pr, re, c.threshold, c.f1, c.pr, c.re)
		}
	}
	for _, c := range []struct {
		counted   func(datasets.Packet) bool
		threshold int
		f1        float64
	}{{anyFrame, 5000, 0.970}, {anyFrame, 10000, 0.976}, {down, 5000, 0.809}, {down, 10000, 0.793}} {
		if f1, _, _ := detect(&ds, all, c.counted, c.threshold); math.Abs(f1-c.f1) > 0.0011 {
			t.Errorf("threshold %d: F1 %.3f on all events, want %.3f", c.threshold, f1, c.f1)
		}
	}
}

// detect is the detector on some recordings.
func detect(ds *datasets.Dataset, recs []int, counted func(datasets.Packet) bool, threshold int) (f1, precision, recall float64) {
	hits, found, truths := 0, 0, 0
	for _, i := range recs {
		r := ds.Recordings[i]
		bins := make([]int, int(r.Trace.End/time.Second)+1)
		for _, p := range r.Trace.Packets {
			if counted(p) {
				bins[p.Time/time.Second] += int(p.Size)
			}
		}
		var at []time.Duration
		for b, n := range bins {
			s := time.Duration(b) * time.Second
			if n > threshold && (len(at) == 0 || s-at[len(at)-1] >= 10*time.Second) {
				at = append(at, s)
			}
		}

		used := make([]bool, len(at))
		for _, e := range r.Labels.Events {
			for k, s := range at {
				if !used[k] && (s-e.Start).Abs() <= 5*time.Second {
					used[k] = true
					hits++
					break
				}
			}
		}
		found, truths = found+len(at), truths+len(r.Labels.Events)
	}
	precision, recall = float64(hits)/float64(found), float64(hits)/float64(truths)
	return 2 * precision * recall / (precision + recall), precision, recall
}

func TestVoiceBadInput(t *testing.T) {
	dir := datatest.Recorded(t, "voice_captures", "captures", "alexa.pcapng.gz")
	b, err := os.ReadFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	const head = "capture,time,activity\n"
	for _, c := range []struct{ text, want string }{
		{"capture,time\n", `events.csv:1: no column "activity"`},
		{head + "captures/hello.pcapng.gz,1540285885.4,hello\n", `events.csv:2: no capture "captures/hello.pcapng.gz"`},
		{head + "captures/alexa.pcapng.gz,x,alexa\n", `events.csv:2: time "x"`},
		{head + "captures/alexa.pcapng.gz,1540285880,alexa\n", "events.csv:2: an event at -1.4"},
		{head + "captures/alexa.pcapng.gz,1540285885.4,\n", `events.csv:2: activity ""`},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "captures"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"events.csv": c.text, "captures/alexa.pcapng.gz": string(b)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := readVoiceCaptures(t.Context(), dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzVoiceEvents(f *testing.F) {
	f.Add("capture,time,activity\ncaptures/a.pcapng.gz,5.25,hello\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := parseTable(strings.NewReader(text), []string{"capture", "time", "activity"})
		if err != nil {
			return
		}
		recs := []datasets.Recording{{Trace: datasets.Trace{Start: time.Unix(0, 0), End: time.Minute}}}
		if voiceEvents("events.csv", rows, map[string]int{"a": 0}, recs) != nil {
			return
		}
		for _, e := range recs[0].Labels.Events {
			if e.Start < 0 || e.Start != e.End || e.End > time.Minute || e.Activity == "" {
				t.Fatalf("%+v", e)
			}
		}
	})
}
