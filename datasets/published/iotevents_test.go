package published

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// The numbers of the data's own description.
func TestIoTEventsCounts(t *testing.T) {
	dir := datatest.Recorded(t, "iotevents")
	sets, err := Load(t.Context(), "iotevents", dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		stem                    string
		clips, classes, packets int
		backwardClips, shortest int
	}{
		{"12_27jdgn_cz", 124, 3, 1281, 0, 7},
		{"12_30samsung_renti", 16, 4, 56, 0, 3},
		{"12_30tplink_cz", 66, 2, 1808, 53, 25},
		{"12_31hwsmy_dp", 63, 9, 574, 3, 6},
		{"12_31jdsp_cz", 11, 2, 44, 0, 3},
		{"12_31samsung_dp", 10, 2, 98, 0, 9},
		{"12_31tuya_cz", 12, 3, 39, 0, 3},
	}
	if len(sets) != len(want) {
		t.Fatalf("%d data sets, want %d", len(sets), len(want))
	}
	for i, w := range want {
		ds := sets[i]
		classes, packets, shortest := map[string]bool{}, 0, 99
		for _, r := range ds.Recordings {
			classes[r.ClipClass()] = true
			packets += len(r.Trace.Packets)
			shortest = min(shortest, len(r.Trace.Packets))
			if err := r.Trace.Check(); err != nil {
				t.Errorf("%s: %v", r.ID, err)
			}
			if r.Trace.End != ds.Recordings[0].Trace.End {
				t.Errorf("%s ends at %v, others at %v", r.ID, r.Trace.End, ds.Recordings[0].Trace.End)
			}
		}
		if ds.Name != "iotevents/"+w.stem || len(ds.Recordings) != w.clips || len(classes) != w.classes || packets != w.packets || shortest != w.shortest {
			t.Errorf("%s: %d clips, %d classes, %d packets, shortest %d; want %+v", ds.Name, len(ds.Recordings), len(classes), packets, shortest, w)
		}
		if s := fmt.Sprintf("in %d clips lie before", w.backwardClips); w.backwardClips > 0 && !strings.Contains(strings.Join(ds.Warnings, "\n"), s) {
			t.Errorf("%s: no warning %q in %q", ds.Name, s, ds.Warnings)
		}
		if got := slices.Contains(ds.Warnings, ds.Recordings[0].Labels.Devices[0]+": 8 clips are copies of earlier ones, with the same times"); got != (i == 0) {
			t.Errorf("%s: warnings %q", ds.Name, ds.Warnings)
		}
		if got := strings.Contains(strings.Join(ds.Warnings, "\n"), "12_19write_sx_data.txt: 72 packets and no label"); got != (i == 0) {
			t.Errorf("%s: warnings %q", ds.Name, ds.Warnings)
		}
	}
	pooled, err := readIoTEventsPooled(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(pooled.Recordings); n != 302 {
		t.Errorf("pooled: %d clips, want 302", n)
	}
}

// Labels and their counts, from the label list beside the data.
func TestIoTEventsLabels(t *testing.T) {
	dir := datatest.Recorded(t, "iotevents")
	pooled, err := readIoTEventsPooled(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	count := map[string]int{}
	for _, r := range pooled.Recordings {
		count[r.ClipClass()]++
	}
	for c, n := range count {
		got[c] = fmt.Sprint(n)
	}
	rows := readCSV(t, filepath.Join(dir, "labels.csv"))
	for _, r := range rows[1:] {
		class := strings.TrimSuffix(r[0], ".txt") + "/" + r[2]
		if r[4] != "0" && got[class] != r[4] {
			t.Errorf("%s: %q clips, want %s", class, got[class], r[4])
		}
		delete(got, class)
	}
	if len(got) > 0 {
		t.Errorf("classes that the label list does not have: %v", got)
	}
}

// The published method, a nearest-neighbor vote among clips with the same
// number of packets, on both of the reference's splits: the reader and the
// splits together give the reference's counts exactly.
func TestIoTEventsReference(t *testing.T) {
	dir := datatest.Recorded(t, "iotevents")
	sets, err := Load(t.Context(), "iotevents", dir)
	if err != nil {
		t.Fatal(err)
	}
	pooled, err := readIoTEventsPooled(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*datasets.Dataset{"POOLED": &pooled}
	for i := range sets {
		byName[strings.TrimPrefix(sets[i].Name, "iotevents/")+".txt"] = &sets[i]
	}
	rows := readCSV(t, filepath.Join(dir, "reference_knn.csv"))
	split := map[string]datasets.Split{"loo_same_count": "leave-one-out", "first80_same_count": "fixed-80-20"}
	compared := 0
	for _, r := range rows[1:] {
		s, ok := split[r[3]]
		if !ok || r[5] != "lex" {
			continue
		}
		folds, err := s.Folds(byName[r[0]], datasets.TaskClip)
		if err != nil {
			t.Fatal(err)
		}
		var k int
		fmt.Sscan(r[4], &k)
		correct, tested := sameCountKNN(byName[r[0]], folds[0], k)
		if got := fmt.Sprint(correct, "/", tested); got != r[6]+"/"+r[8] {
			t.Errorf("%s %s k=%d: %s, want %s/%s", r[0], r[3], k, got, r[6], r[8])
		}
		compared++
	}
	if compared != 48 {
		t.Errorf("compared %d rows, want 48", compared)
	}
}

// sameCountKNN is the reference's rule written down plainly.
func sameCountKNN(ds *datasets.Dataset, fold datasets.Fold, k int) (correct, tested int) {
	for _, part := range fold {
		for _, i := range part.Test {
			q := &ds.Recordings[i]
			type near struct{ d, i int }
			var all []near
			for _, j := range part.Train {
				if c := &ds.Recordings[j]; len(c.Trace.Packets) == len(q.Trace.Packets) {
					d := 0
					for x := range c.Trace.Packets {
						e := signed(c.Trace.Packets[x]) - signed(q.Trace.Packets[x])
						d += e * e
					}
					all = append(all, near{d, j})
				}
			}
			sort.SliceStable(all, func(a, b int) bool { return all[a].d < all[b].d })
			votes := map[string]int{}
			for _, n := range all[:min(k, len(all))] {
				votes[ds.Recordings[n.i].ClipClass()]++
			}
			best := ""
			for c, n := range votes {
				if n > votes[best] || n == votes[best] && c < best {
					best = c
				}
			}
			if tested++; best != "" && best == q.ClipClass() {
				correct++
			}
		}
	}
	return correct, tested
}

func signed(p datasets.Packet) int {
	if p.Dir == datasets.Down {
		return -int(p.Size)
	}
	return int(p.Size)
}

// The small file beside this test: 10 clips of three labels, one of them with
// a last packet 3.5 s before the clip, two rows after the last label, a row
// without its trailing tab, a blank last line.
func TestIoTEventsFile(t *testing.T) {
	sets, err := Load(t.Context(), "iotevents", filepath.Join("testdata", "iotevents", "lamp.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ds := sets[0]
	if len(sets) != 1 || ds.Name != "iotevents/lamp" || len(ds.Recordings) != 10 || ds.Recorded != datasets.WAN || !ds.Split.Within() {
		t.Fatalf("%d sets, %q, %d clips", len(sets), ds.Name, len(ds.Recordings))
	}
	want := []string{
		"lamp: 1 packets in 1 clips lie before an earlier packet; their time is the running maximum",
		"lamp: 2 packets after the last label, left out",
	}
	if !slices.Equal(ds.Warnings, want) {
		t.Errorf("warnings %q, want %q", ds.Warnings, want)
	}
	r := ds.Recordings[4]
	if r.ID != "lamp/0005" || r.Group != r.ID || r.ClipClass() != "lamp/off" {
		t.Errorf("clip 5: %q %q %q", r.ID, r.Group, r.ClipClass())
	}
	ms := time.Millisecond
	pk := []datasets.Packet{
		{Time: 0, Size: 215, Payload: 161, Dir: datasets.Down},
		{Time: 40 * ms, Size: 181, Payload: 127, Dir: datasets.Up},
		{Time: 50 * ms, Size: 85, Payload: 31, Dir: datasets.Up},
		{Time: 50 * ms, Size: 54, Payload: 0, Dir: datasets.Down},
	}
	if !slices.Equal(r.Trace.Packets, pk) {
		t.Errorf("clip 5: %v, want %v", r.Trace.Packets, pk)
	}
	if r.Trace.End != time.Second || r.Trace.Start != time.Unix(1600000240, 0).UTC() {
		t.Errorf("clip 5: start %v, end %v", r.Trace.Start, r.Trace.End)
	}
}

func TestIoTEventsBadInput(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "no line is a label"},
		{"no label", "\t1600000000.1\t1\t1\t60\n", "no line is a label"},
		{"label first", "on\n", `:1: label "on" closes an event without packets`},
		{"two labels", "\t1600000000.1\t1\t1\t60\non\noff\n", `:3: label "off" closes`},
		{"fields", "\t1600000000.1\t1\t1\non\n", ":1: 3 fields"},
		{"time", "\tnoon\t1\t1\t60\non\n", `:1: time "noon"`},
		{"negative time", "\t-5.2\t1\t1\t60\non\n", `:1: time "-5.2"`},
		{"direction", "\t1600000000.1\t1\t2\t60\non\n", `:1: direction "2"`},
		{"length", "\t1600000000.1\t1\t1\t99999\non\n", `:1: length "99999"`},
		{"negative length", "\t1600000000.1\t1\t1\t60\n\t1600000000.2\t1\t1\t-1\non\n", `:2: length "-1"`},
		{"binary", strings.Repeat("\x00", maxLine+10), ":1: line of more than"},
	} {
		path := filepath.Join(t.TempDir(), "x.txt")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(t.Context(), "iotevents", path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: error %v, want %s...%s", c.name, err, path, c.want)
		}
	}
	if _, err := Load(t.Context(), "iotevents", t.TempDir()); err == nil {
		t.Error("an empty folder is no error")
	}
}

func FuzzIoTEvents(f *testing.F) {
	for _, name := range []string{"lamp.txt", "outlet.txt", "idle.txt"} {
		b, err := os.ReadFile(filepath.Join("testdata", "iotevents", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parseIoTEvents(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range iotEventsDataset([]iotFile{file}).Recordings {
			if err := r.Trace.Check(); err != nil {
				t.Fatalf("%s: %v", r.ID, err)
			}
		}
	})
}
