package home

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// nonIoT is the label of all phones, tablets and computers.
const nonIoT = "non_iot"

// mustGenerate fails the test when the data set cannot be made.
func mustGenerate(t *testing.T, id string, seed uint64) datasets.Dataset {
	t.Helper()
	ds, err := Generate(context.Background(), id, seed)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestEventSignaturesAreBalancedAndConsistent(t *testing.T) {
	ds := mustGenerate(t, "home:event_signatures", 1)
	if len(ds.Recordings) != 5 {
		t.Fatalf("%d homes, want 5", len(ds.Recordings))
	}
	for _, rec := range ds.Recordings {
		n := map[string]int{}
		for i, e := range rec.Labels.Events {
			n[rec.Labels.Class(e)]++
			if i == 0 {
				continue
			}
			if gap := e.Start - rec.Labels.Events[i-1].Start; gap < 40*time.Second || gap > 80*time.Second {
				t.Errorf("%s: event %d follows after %v, want 40 to 80 s", rec.ID, i, gap)
			}
		}
		if len(n) != 16 {
			t.Errorf("%s: %d classes, want 16", rec.ID, len(n))
		}
		for class, k := range n {
			if k < 20 {
				t.Errorf("%s: %d repetitions of %s, want at least 20", rec.ID, k, class)
			}
		}
	}
}

// quickIDs names every preset, most of them shortened.
func quickIDs() []string {
	return []string{
		"event_signatures", "event_signatures-unseen:homes=2,hours=1", "event_signatures-ten:homes=1,hours=2",
		"event_clips:homes=2,hours=1", "event_clips-unseen:homes=2,hours=1", "homemole-ind:homes=1,hours=0.25",
		"homemole-noise:homes=1,hours=0.25", "homemole-ind-session:hours=0.25", "homemole-noise-session:hours=0.25", "homemole-quick:homes=2", "rates:homes=1", "gateway",
		"gateway-app:homes=2", "gateway-days:homes=1,hours=48", "castle-figures:homes=1", "castle-makers:homes=1,hours=1", "full:hours=1", "evening:homes=1,hours=0.2", "small",
		"castle_night", "routine:homes=2,hours=30", "routine-full:homes=1,hours=1", "routine-devices:homes=1,hours=1",
	}
}

// TestTruth holds every preset to the contracts of Trace and Labels.
func TestTruth(t *testing.T) {
	ids := quickIDs()
	for i, p := range Presets() {
		if !strings.HasPrefix(ids[i], p.Name) {
			t.Fatalf("preset %s is not in the list of quick ones", p.Name)
		}
	}
	for _, id := range ids {
		ds := mustGenerate(t, id, 5)
		seen := map[string]bool{}
		for i := range ds.Recordings {
			rec := &ds.Recordings[i]
			if seen[rec.ID] || rec.Group == "" {
				t.Errorf("%s: recording %q twice or without group", id, rec.ID)
			}
			seen[rec.ID] = true
			checkTruth(t, id, rec)
		}
	}
}

func checkTruth(t *testing.T, id string, rec *datasets.Recording) {
	t.Helper()
	fail := func(format string, args ...any) { t.Errorf("%s %s: %s", id, rec.ID, fmt.Sprintf(format, args...)) }
	l, pk := &rec.Labels, rec.Trace.Packets
	if err := rec.Trace.Check(); err != nil {
		fail("%v", err)
	}
	if len(l.Owners) != len(pk) || len(l.Cause) != len(pk) || !slices.IsSorted(l.Devices) {
		fail("%d owners and %d causes for %d packets, devices %v", len(l.Owners), len(l.Cause), len(pk), l.Devices)
		return
	}
	first := make([]time.Duration, len(l.Events))
	owner := map[datasets.MAC]int32{}
	state := map[int]string{}
	for i := range pk {
		m := rec.Trace.Flows[pk[i].Flow].MAC
		if o, ok := owner[m]; ok && o != l.Owners[i] {
			fail("packet %d: %s belongs to two devices", i, m)
			return
		}
		owner[m] = l.Owners[i]
		c := l.Cause[i]
		if c < 0 {
			continue
		}
		e := l.Events[c]
		if int(l.Owners[i]) != e.Device || pk[i].Time < e.Start {
			fail("packet %d at %v of %s is caused by %s at %v", i, pk[i].Time, l.Devices[l.Owners[i]], l.Class(e), e.Start)
			return
		}
		if first[c] == 0 {
			first[c] = pk[i].Time
		}
	}
	at := time.Duration(0)
	for _, s := range l.Stays {
		if s.Start != at || s.End <= s.Start || s.Home < 0 || s.Asleep && s.Home == 0 {
			fail("stay %+v after %v", s, at)
		}
		at = s.End
	}
	if len(l.Stays) > 0 && at != rec.Trace.End {
		fail("stays end at %v of %v", at, rec.Trace.End)
	}
	for i, e := range l.Events {
		if i > 0 && e.Start < l.Events[i-1].Start || e.End < e.Start || e.End > rec.Trace.End {
			fail("event %d: %+v is out of order", i, e)
		}
		if lag := first[i] - e.Start; lag > time.Second && first[i] > 0 {
			fail("event %d (%s): first packet %v after the trigger", i, l.Class(e), lag)
		}
		if e.Activity == "on" || e.Activity == "off" {
			if state[e.Device] == e.Activity {
				fail("event %d: %s twice in a row", i, l.Class(e))
			}
			state[e.Device] = e.Activity
		}
	}
}

// digest is the hash of everything in a data set.
func digest(ds datasets.Dataset) string {
	// A flow as it was when the sums were written down: it had no Peer, which no
	// generated one has.
	type flow struct {
		Proto         uint8
		Local, Remote netip.AddrPort
		Host          string
		MAC           datasets.MAC
		LAN           bool
	}
	h := sha256.New()
	for _, r := range ds.Recordings {
		var flows []flow
		for _, f := range r.Trace.Flows {
			flows = append(flows, flow{f.Proto, f.Local, f.Remote, f.Host, f.MAC, f.LAN})
		}
		fmt.Fprintln(h, r.ID, r.Group, r.Trace.Start, r.Trace.End, flows, r.Labels.Devices, r.Labels.Events, r.Labels.Commands)
		if r.Labels.Stays != nil {
			fmt.Fprintln(h, r.Labels.Stays)
		}
		binary.Write(h, binary.LittleEndian, r.Labels.Owners)
		binary.Write(h, binary.LittleEndian, r.Labels.Cause)
		for _, p := range r.Trace.Packets {
			binary.Write(h, binary.LittleEndian, [6]int64{int64(p.Time), int64(p.Size), int64(p.Payload), int64(p.Flow), int64(p.Dir)})
		}
	}
	fmt.Fprintln(h, ds.Name, ds.Tasks, ds.Same, ds.Split)
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// TestGolden: the same seed gives the same bytes on every platform. A change
// of the generator changes these sums; then write the new ones here and say so
// in the changelog.
func TestGolden(t *testing.T) {
	for id, want := range map[string]string{
		"event_signatures:homes=1,hours=1":        "4854d4b69ea1b2e6",
		"event_signatures-unseen:homes=2,hours=1": "8bf5ff905282341f",
		"small:homes=2,hours=0.5":                 "3ec7ade172f3e310",
		"full:hours=1":                            "1bddd7c422cbfce2",
		"gateway":                                 "9ad196256810f9e4",
		"homemole-ind:homes=1,hours=0.1":          "3ace62d1a4e6c8bb",
		"routine:homes=2,hours=24":                "f925c1950bd9b405",
	} {
		got := digest(mustGenerate(t, id, 1))
		if again := digest(mustGenerate(t, id, 1)); again != got {
			t.Errorf("%s: two runs differ: %s, %s", id, got, again)
		}
		if other := digest(mustGenerate(t, id, 2)); other == got {
			t.Errorf("%s: seeds 1 and 2 give the same", id)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestHomesDoNotDependOnEachOther(t *testing.T) {
	one, three := mustGenerate(t, "small:homes=1", 4), mustGenerate(t, "small:homes=3", 4)
	three.Recordings, three.Name, three.Split = three.Recordings[:1], one.Name, one.Split
	if digest(one) != digest(three) {
		t.Error("home-01 differs when there are more homes")
	}
}

func TestBadIDs(t *testing.T) {
	for id, want := range map[string]string{
		"home:event_signature":           `did you mean "event_signatures"?`,
		"home:small:home=3":              `did you mean "homes"?`,
		"home:small:homes=3.7":           "want a whole number",
		"home:small:homes=0":             "want 1 to 200",
		"home:small:hours=-1":            "want above 0",
		"home:small:firmware=other":      "want same or mixed or unseen",
		"home:small:homes=1,homes=2":     "set twice",
		"home:small:hours=1000000000000": "at most 744",
	} {
		if _, err := Generate(context.Background(), id, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", id, err, want)
		}
	}
	if ds := mustGenerate(t, "small:hours=1,homes=2", 1); ds.Name != "home:small:homes=2" {
		t.Errorf("canonical name %s", ds.Name)
	}
}

// TestSettings: a data set says how it was made, defaults too.
func TestSettings(t *testing.T) {
	ds := mustGenerate(t, "small:hours=0.1,homes=2", 1)
	want := []datasets.Setting{{Key: "devices", Value: "0"}, {Key: "firmware", Value: "same"}, {Key: "homes", Value: "2"}, {Key: "hours", Value: "0.1"}}
	if ds.Preset != "home:small" || !slices.Equal(ds.Settings, want) {
		t.Errorf("preset %q with %v, want home:small with %v", ds.Preset, ds.Settings, want)
	}
}

// TestShortRecordings: a recording too short for any event has none.
func TestShortRecordings(t *testing.T) {
	for _, p := range Presets() {
		for _, hours := range []string{"0.0001", "0.001"} {
			ds := mustGenerate(t, p.Name+":homes=1,hours="+hours, 1)
			for i := range ds.Recordings {
				checkTruth(t, ds.Name, &ds.Recordings[i])
			}
		}
	}
}

// TestTsharkAcceptsCaptures: no malformed packet, no wrong checksum.
func TestTsharkAcceptsCaptures(t *testing.T) {
	tshark := datatest.Tool(t, "tshark")
	dir := t.TempDir()
	var files []Files
	for _, id := range []string{"full:hours=0.2", "event_signatures-unseen:homes=1,hours=0.5"} {
		ds := mustGenerate(t, id, 6)
		for i := range ds.Recordings { // one name, one file
			ds.Recordings[i].ID = ds.Name + ds.Recordings[i].ID
		}
		more, err := Export(t.Context(), dir, ds)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, f := range files {
		cmd := exec.Command(tshark, "-n", "-r", filepath.Join(dir, f.Capture),
			"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
			"-Y", "_ws.malformed or ip.checksum.status==0 or tcp.checksum.status==0 or udp.checksum.status==0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", f.Capture, err)
		}
		if len(out) > 0 {
			t.Errorf("%s: tshark finds fault with\n%.1000s", f.Capture, out)
		}
	}
}

// However short, every preset makes a data set.
func TestShortestHomes(t *testing.T) {
	for _, p := range Presets() {
		for _, h := range []string{"0.01", "0.001"} {
			if _, err := Generate(context.Background(), "home:"+p.Name+":hours="+h, 1); err != nil {
				t.Errorf("%s, %s h: %v", p.Name, h, err)
			}
		}
	}
}

// Who is told to stop waits for no further home.
func TestGenerateStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if _, err := Generate(ctx, "home:small:homes=200,hours=744", 1); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("returned after %v", d)
	}
}
