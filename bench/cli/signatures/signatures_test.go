package signatures

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks/builtin"
	"veilbench/attacks/sigfile"
	"veilbench/bench/cli/command"
	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/datatest"
	"veilbench/datasets/home"
	"veilbench/datasets/privacy"
)

// run runs "signatures" with args and returns what it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := Command(&command.App{Plugins: command.Plugins{Attacks: builtin.All()}, Stdout: &out, Stderr: io.Discard})
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String()
}

// alert is a line of what detect prints as CSV.
type alert struct {
	at    time.Time
	class string
}

// alertsIn runs detect and reads the alerts.
func alertsIn(t *testing.T, args ...string) []alert {
	t.Helper()
	text := run(t, append([]string{"detect", "--format", "csv"}, args...)...)
	first, _, _ := strings.Cut(text, "\n\n")
	r := csv.NewReader(strings.NewReader(first))
	r.Comment, r.FieldsPerRecord = '#', -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []alert
	for _, row := range rows {
		if len(row) < 4 || row[3] != "ALERT" {
			continue
		}
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, alert{at, row[1]})
	}
	return out
}

// TestVoiceOfAnotherSession: signatures of questions to a speaker, learned from 29
// captures, raise in each of 29 others, of other questions on other days, the five
// alerts that its five questions deserve, each within five seconds of one.
func TestVoiceOfAnotherSession(t *testing.T) {
	dir := datatest.Recorded(t, "voice_captures")
	files, err := filepath.Glob(filepath.Join(dir, "captures", "*.pcapng.gz"))
	if err != nil || len(files) != 58 {
		t.Fatalf("%d captures (%v), want 58", len(files), err)
	}

	// The captures of the source hold one question each: what they share is that
	// somebody asks.
	train := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.Symlink(files[i], filepath.Join(train, filepath.Base(files[i]))); err != nil {
			t.Fatal(err)
		}
	}
	events := questions(t, dir)
	labels := "time,device,activity\n"
	for _, of := range events {
		for _, at := range of {
			labels += fmt.Sprintf("%.6f,echo,voice_question\n", float64(at.UnixMicro())/1e6)
		}
	}
	for name, text := range map[string]string{"events.csv": labels, "devices.csv": "address,device\nc4:95:00:e3:93:2f,echo\n"} {
		if err := os.WriteFile(filepath.Join(train, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	for _, vantage := range []string{"lan", "wan"} {
		sig := filepath.Join(t.TempDir(), "echo.sig")
		run(t, "learn", train, "--label-clock", "epoch", "--attack", "signatures", "--vantage", vantage, "--out", sig)
		all := 0
		for i := 1; i < len(files); i += 2 {
			found := alertsIn(t, sig, files[i])
			truth := events[strings.TrimSuffix(filepath.Base(files[i]), ".pcapng.gz")]
			if len(found) != 5 || len(truth) != 5 {
				t.Errorf("%s from %s: %d alerts for %d questions", filepath.Base(files[i]), vantage, len(found), len(truth))
				continue
			}
			for k, a := range found {
				if d := a.at.Sub(truth[k]); d < -5*time.Second || d > 5*time.Second {
					t.Errorf("%s from %s: alert %d is %v from its question", filepath.Base(files[i]), vantage, k+1, d)
				}
				all++
			}
		}
		t.Logf("from %s: %d alerts for 145 questions", vantage, all)
	}
}

// questions are the times of the questions in each capture, in order.
func questions(t *testing.T, dir string) map[string][]time.Time {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "events.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]time.Time{}
	for _, r := range rows[1:] {
		var s float64
		if _, err := fmt.Sscan(r[1], &s); err != nil {
			t.Fatal(err)
		}
		out[r[4]] = append(out[r[4]], time.UnixMicro(int64(s*1e6)).UTC())
	}
	return out
}

// The exchanges of IoTEvent's figure 4: frames up and down when the Mi hub's alert
// is enabled and disabled.
var figure4 = map[string][]int32{
	"xiaomi_hub/alert_enabled":  {154, -106, 186, -106},
	"xiaomi_hub/alert_disabled": {170, -106, 138, -106, 170, -106},
}

// TestHandCountOfAnotherSession: in a generated session of the same devices, alerts
// for the alarm of a hub are as many as a count by hand finds of the published
// exchanges in the packets, and as many as happened.
func TestHandCountOfAnotherSession(t *testing.T) {
	ds, err := home.Generate(context.Background(), "home:event_signatures-ten:homes=2,hours=4", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := home.Export(context.Background(), dir, ds); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(dir, "home-01"), filepath.Join(dir, "home-02.pcap")
	byHand := handCount(t, second)
	for class, n := range byHand {
		happened := 0
		for _, e := range ds.Recordings[1].Labels.Events {
			if ds.Recordings[1].Labels.Class(e) == class {
				happened++
			}
		}
		if n != happened || n == 0 {
			t.Errorf("%s: %d by hand, %d happened", class, n, happened)
		}
	}

	for _, c := range []struct{ attack, vantage string }{
		{"event-knn", "wan"},
		{"event-knn", "lan"},
		{"event-knn", "wifi"},
		{"signatures", "wan"},
		{"signatures", "wifi"},
	} {
		sig := filepath.Join(dir, "home.sig")
		run(t, "learn", first+".pcap", "--labels", first+".events.csv,"+first+".devices.csv", "--attack", c.attack, "--vantage", c.vantage, "--out", sig)
		found := map[string]int{}
		for _, a := range alertsIn(t, sig, second, "--private", "security") {
			found[a.class]++
		}
		for class, n := range byHand {
			if found[class] != n {
				t.Errorf("%s from %s, %s: %d alerts, %d by hand", c.attack, c.vantage, class, found[class], n)
			}
		}
	}
}

// TestDetectFromInsideAndOutside: captures that were made where the observer sits,
// at the line with addresses behind NAPT and by the radio of the Wi-Fi with nothing
// but lengths, give the same alerts as a hand count inside.
func TestDetectFromInsideAndOutside(t *testing.T) {
	ds, err := home.Generate(context.Background(), "home:event_signatures-ten:homes=2,hours=4", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := home.Export(context.Background(), dir, ds); err != nil {
		t.Fatal(err)
	}
	byHand := handCount(t, filepath.Join(dir, "home-02.pcap"))
	first := filepath.Join(dir, "home-01")
	for _, v := range []datasets.Vantage{datasets.WiFi, datasets.WAN} {
		view, _ := v.View(rand.New(rand.NewPCG(1, 2)), ds.Recordings[1].Trace)
		path := filepath.Join(dir, string(v)+".pcap")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := write.Capture(f, view); err != nil {
			t.Fatal(err)
		}
		f.Close()

		// Outside, the address of the router is all there is of the home, and names
		// come from a list as those of a reverse look-up would.
		args := []string{path, "--private", "security"}
		if v == datasets.WAN {
			names := filepath.Join(dir, "names.csv")
			f, err := os.Create(names)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := write.Names(f, view); err != nil {
				t.Fatal(err)
			}
			f.Close()
			args = append(args, "--home", view.Flows[0].Local.Addr().String(), "--names", names)
		}
		for _, attack := range []string{"event-knn", "signatures"} {
			sig := filepath.Join(dir, "home.sig")
			run(t, "learn", first+".pcap", "--labels", first+".events.csv,"+first+".devices.csv", "--attack", attack, "--vantage", string(v), "--out", sig)
			found := map[string]int{}
			for _, a := range alertsIn(t, append([]string{sig}, args...)...) {
				found[a.class]++
			}
			for class, n := range byHand {
				if found[class] != n {
					t.Errorf("%s at %s, %s: %d alerts, %d by hand", attack, v, class, found[class], n)
				}
			}
		}
	}
}

// handCount counts the exchanges of figure 4 in a capture: runs of payload of one
// flow with these sizes.
func handCount(t *testing.T, path string) map[string]int {
	t.Helper()
	tr, _, err := capture.Open(context.Background(), path, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	flows := make([][]int32, len(tr.Flows))
	for _, p := range tr.Packets {
		size := p.Size
		if p.Dir == datasets.Down {
			size = -size
		}
		if p.Payload > 0 {
			flows[p.Flow] = append(flows[p.Flow], size)
		}
	}
	out := map[string]int{}
	for class, want := range figure4 {
		for _, f := range flows {
			for i := range f {
				if len(f)-i >= len(want) && slices.Equal(f[i:i+len(want)], want) {
					out[class]++
				}
			}
		}
	}
	return out
}

// TestCombine: locked, dark and still within ten minutes is away; a movement
// between or after says that somebody is there.
func TestCombine(t *testing.T) {
	at := func(minutes float64, class string) detection {
		return detection{recording: "r", at: time.Duration(minutes * float64(time.Minute)), class: class}
	}
	for _, c := range []struct {
		found []detection
		away  int
	}{
		{[]detection{at(1, "lamp/off"), at(3, "door-lock/lock")}, 1},
		{[]detection{at(1, "door-lock/lock"), at(10, "lamp/off")}, 1},
		{[]detection{at(1, "lamp/off"), at(12, "door-lock/lock")}, 0},
		{[]detection{at(1, "lamp/off"), at(2, "hall/motion"), at(3, "door-lock/lock")}, 0},
		{[]detection{at(1, "lamp/off"), at(3, "door-lock/lock"), at(9, "hall/motion")}, 0},
		{[]detection{at(1, "lamp/off"), at(3, "door-lock/lock"), at(14, "hall/motion")}, 1},
		{[]detection{at(1, "lamp/off")}, 0},
	} {
		n := 0
		for _, x := range combine(c.found, 10*time.Minute) {
			if x.Combination.ID == "away" {
				n++
			}
		}
		if n != c.away {
			t.Errorf("%v: away %d times, want %d", c.found, n, c.away)
		}
	}
}

// TestUniqueness: what classes share, by exact sequences and by ranges.
func TestUniqueness(t *testing.T) {
	one := func(lo, hi int32, classes ...string) sigfile.Signature {
		return sigfile.Signature{Packets: []sigfile.Range{{Lo: lo, Hi: hi}}, Classes: classes}
	}
	u := uniquenessOf([]sigfile.Signature{
		one(5, 5, "a/on", "a/off"), one(6, 6, "a/on"), one(7, 7, "other", "a/off"),
		one(10, 20, "b/on"), one(20, 30, "b/off"), one(31, 31, "b/off"),
	})
	for class, want := range map[string]string{
		"a/on":  "2 1 partly unique [a/off]",
		"a/off": "2 0 never unique [a/on other]",
		"b/on":  "1 0 never unique [b/off]",
		"b/off": "2 1 partly unique [b/on]",
		"other": "1 0 never unique [a/off]",
	} {
		if got := fmt.Sprintf("%d %d %s %v", u[class].all, u[class].own, u[class].verdict(), u[class].shared); got != want {
			t.Errorf("%s: %s, want %s", class, got, want)
		}
	}
}

// TestMostActivitiesAreUnique: of the 37 activities of ten generated devices nearly
// all have a signature that no other activity and no heartbeat has, and most
// signatures are of one activity alone.
func TestMostActivitiesAreUnique(t *testing.T) {
	ds, err := home.Generate(context.Background(), "home:event_signatures-ten:homes=1,hours=4", 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := home.Export(context.Background(), dir, ds); err != nil {
		t.Fatal(err)
	}
	first, sig := filepath.Join(dir, "home-01"), filepath.Join(dir, "home.sig")
	run(t, "learn", first+".pcap", "--labels", first+".events.csv,"+first+".devices.csv", "--out", sig)
	shown := run(t, "show", sig)
	if !strings.Contains(shown, "36 of 37 activities have a signature of their own") {
		t.Errorf("want 36 of 37 activities:\n%s", shown[strings.LastIndex(shown, "activities")-20:])
	}
	file, err := open(app(), sig)
	if err != nil {
		t.Fatal(err)
	}
	all, own := 0, 0
	for class, u := range uniquenessOf(file.model.(sigfile.Lister).Signatures()) {
		if class != datasets.Other {
			all, own = all+u.all, own+u.own
		}
	}
	if 2*own < all || all < 100 {
		t.Errorf("%d of %d signatures are of one activity alone, want most", own, all)
	}
}

// TestPrivate: by default all that tells something, else what is named by kind,
// class, activity or device.
func TestPrivate(t *testing.T) {
	for words, want := range map[string][]bool{
		"":               {true, true, false},
		"sleep":          {true, false, false},
		"unlock,gw":      {false, true, true},
		"front-lock":     {false, true, false},
		"gw/command off": {true, false, true},
	} {
		p := parsePrivate(words)
		for i, class := range []string{"lamp/off", "front-lock/unlock", "gw/command"} {
			if got := p.alerts(class, detection{}.burst); got != want[i] {
				t.Errorf("--private %q: %s is %v (%s)", words, class, got, privacy.OfClass(class).ID)
			}
		}
	}
}
