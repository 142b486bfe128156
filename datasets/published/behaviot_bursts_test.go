package published

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// What the description counts: rows, events, states and labels of each device.
func TestBurstCounts(t *testing.T) {
	dir := datatest.Recorded(t, "behaviot_bursts")
	ds, err := ReadBursts(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	distinct := func(n int, of func(i int) string) int {
		seen := map[string]bool{}
		for i := range n {
			seen[of(i)] = true
		}
		return len(seen)
	}
	rows := readCSV(t, filepath.Join(dir, "devices.csv"))
	if len(ds) != 21 || len(rows) != 22 {
		t.Fatalf("%d devices, the list has %d", len(ds), len(rows)-1)
	}
	train, test, flat := 0, 0, 0
	for i, d := range ds {
		all := append(append([]Burst{}, d.Train...), d.Test...)
		got := fmt.Sprint([]string{
			d.Name, fmt.Sprint(len(d.Train)), fmt.Sprint(len(d.Test)),
			fmt.Sprint(distinct(len(d.Train), func(i int) string { return d.Train[i].Event })),
			fmt.Sprint(distinct(len(d.Test), func(i int) string { return d.Test[i].Event })),
			fmt.Sprint(distinct(len(all), func(i int) string { return all[i].State })),
			fmt.Sprint(distinct(len(all), func(i int) string { return d.Merged[all[i].State] })),
		})
		if want := fmt.Sprint(rows[i+1][:7]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		train, test = train+len(d.Train), test+len(d.Test)
		for _, b := range all {
			if b.Features[4] == 0 && b.Features[5] == -3 {
				flat++
			}
		}
	}
	if train != 43449 || test != 10662 || flat != 13748 {
		t.Errorf("%d and %d rows, %d of equal lengths; want 43449, 10662, 13748", train, test, flat)
	}
}

// A run is told why it cannot have them.
func TestBurstsAreNoDataset(t *testing.T) {
	if _, err := Load(t.Context(), BurstsName, datatest.Recorded(t, "behaviot_bursts")); err == nil || !strings.Contains(err.Error(), "no packets") {
		t.Error(err)
	}
}

func burstText(cells string) string { return strings.Join(burstColumns(), ",") + "\n" + cells }

func TestBurstBadInput(t *testing.T) {
	d := BurstDevice{Name: "plug", Merged: map[string]string{"on": "on"}}
	numbers := strings.Repeat("1.5,", burstFeatures-1)
	for _, c := range []struct{ text, want string }{
		{"a,b\n", `1: no column "meanBytes"`},
		{burstText(numbers + "x,plug,on,e1\n"), `2: meanBytes_in_local "x"`},
		{burstText(numbers + "NaN,plug,on,e1\n"), `2: meanBytes_in_local "NaN"`},
		{burstText(numbers + "1,lamp,on,e1\n"), `2: event "e1", state "on" of "lamp"`},
		{burstText(numbers + "1,plug,off,e1\n"), `state "off" of "plug"`},
		{burstText(numbers + "1,plug,on,\n"), `event ""`},
	} {
		if _, err := parseBursts(strings.NewReader(c.text), d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
	bs, err := parseBursts(strings.NewReader(burstText(numbers+",plug,on,e1\n")), d)
	if err != nil || len(bs) != 1 || bs[0].Features[0] != 1.5 || bs[0].Features[burstFeatures-1] != -1 {
		t.Errorf("%v, %v", bs, err)
	}
}

func TestBurstFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadBursts(t.Context(), dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte("device,state,action,merged\nplug,local_on,on,on_off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "train"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBursts(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Error(err)
	}

	// Compressed or not, and without a test file.
	f, err := os.Create(filepath.Join(dir, "train", "plug.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	zw := gzip.NewWriter(f)
	fmt.Fprint(zw, burstText(strings.Repeat("1,", burstFeatures)+"plug,local_on,e1\n"))
	if err := errors.Join(zw.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	ds, err := ReadBursts(t.Context(), dir)
	if err != nil || len(ds) != 1 || len(ds[0].Train) != 1 || ds[0].Test != nil || ds[0].Merged["local_on"] != "on_off" || ds[0].Action["local_on"] != "on" {
		t.Errorf("%+v, %v", ds, err)
	}
}

func FuzzBursts(f *testing.F) {
	f.Add(burstText(strings.Repeat("1,", burstFeatures) + "plug,on,e1\n"))
	d := BurstDevice{Name: "plug", Merged: map[string]string{"on": "on"}}
	f.Fuzz(func(t *testing.T, text string) {
		bs, err := parseBursts(strings.NewReader(text), d)
		for _, b := range bs {
			if err != nil || b.State != "on" || b.Event == "" {
				t.Fatalf("%+v, %v", b, err)
			}
			for _, x := range b.Features {
				if x != x {
					t.Fatal("no number")
				}
			}
		}
	})
}

// TestRoutines: what the description counts of five days: 660 detections of 18
// devices, of which those outside of any recording are left out.
func TestRoutines(t *testing.T) {
	ds := load1(t, "behaviot-routines", datatest.Recorded(t, "behaviot_bursts"))
	n, hours := 0, 0.
	for _, r := range ds.Recordings {
		n += len(r.Labels.Events)
		hours += r.Trace.End.Hours()
		if len(r.Labels.Devices) != 18 || len(r.Trace.Packets) != 0 || len(r.Labels.Stays) != 1 || r.Labels.Stays[0].Home != -1 {
			t.Errorf("%s: %d devices, %d packets, stays %v", r.ID, len(r.Labels.Devices), len(r.Trace.Packets), r.Labels.Stays)
		}
	}
	t.Logf("%d events in %.1f hours; %q", n, hours, ds.Warnings)
	if len(ds.Recordings) != 5 || ds.Recordings[0].ID != "2021-10-20" || n < 648 || n > 660 || hours < 23 || hours > 25 {
		t.Errorf("%d recordings, %d events in %.1f hours", len(ds.Recordings), n, hours)
	}
	if _, err := ds.Split.Folds(&ds, ds.Tasks[0]); err != nil {
		t.Error(err)
	}
}
