package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/capturetest"
	"veilbench/datasets/capture/write"
)

// labeledCapture writes a capture of seconds one-packet seconds and a label
// file, and returns the data set made of them.
func labeledCapture(t *testing.T, seconds int, labels string, o DatasetOptions) (datasets.Dataset, error) {
	t.Helper()
	dir := t.TempDir()
	tr := datasets.Trace{Start: time.Date(2021, 3, 8, 0, 0, 0, 0, time.UTC), End: time.Duration(seconds) * time.Second}
	base := capturetest.PortTrace(17, []uint16{443, 9999}, []int32{100}, "52.1.2.3")
	tr.Flows = base.Flows
	for i := range seconds {
		tr.Packets = append(tr.Packets, datasets.Packet{Time: time.Duration(i) * time.Second, Size: 142, Payload: 100, Flow: int32(i & 1)})
	}
	path := filepath.Join(dir, "x.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := write.Capture(f, tr); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if labels != "" {
		name := filepath.Join(dir, "l.csv")
		if err := os.WriteFile(name, []byte(labels), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Labels = append(o.Labels, name)
	}
	return Dataset(t.Context(), path, o)
}

func TestDatasetIsCutIntoGroups(t *testing.T) {
	many := "time,device,activity\n"
	for _, s := range []string{"10", "20", "30", "40", "50", "60", "70", "80", "90", "95"} {
		many += s + ",plug,on\n"
	}
	days := "time,device,activity\n2021-03-08T12:00:00Z,plug,on\n2021-03-09T12:00:00Z,plug,on\n2021-03-10T12:00:00Z,plug,on\n"
	for name, tc := range map[string]struct {
		labels  string
		seconds int
		groups  int
		split   datasets.Split
		tasks   int
		warning string
	}{
		"blocks":       {many, 100, 5, "group-kfold:k=5", 1, "cut into 5 groups, with about equally many labels each"},
		"days":         {days, 3 * 86400, 3, "group-kfold:k=3", 1, "cut into 3 groups, one a day (UTC)"},
		"few":          {"time,device,activity\n1,plug,on\n9,plug,on\n", 20, 1, "kfold:k=2", 1, "only 2 labels: the capture is one group"},
		"one label":    {"time,device,activity\n1,plug,on\n", 20, 1, "group-kfold:k=5", 1, "too few labels"},
		"no label":     {"", 20, 1, "group-kfold:k=5", 0, ""},
		"a long state": {"start,end,device,activity\n1,19,cam,stream\n2,,plug,on\n9,,plug,off\n15,,plug,on\n", 20, 1, "group-kfold:k=5", 1, "too few labels"},
	} {
		ds, err := labeledCapture(t, tc.seconds, tc.labels, DatasetOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		groups := map[string]bool{}
		packets, events := 0, 0
		for _, r := range ds.Recordings {
			groups[r.Group] = true
			packets += len(r.Trace.Packets)
			events += len(r.Labels.Events)
			if err := r.Trace.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, e := range r.Labels.Events {
				if e.Start < 0 || e.End > r.Trace.End {
					t.Errorf("%s: event %+v in a recording of %v", name, e, r.Trace.End)
				}
			}
		}
		warned := tc.warning == "" || strings.Contains(strings.Join(ds.Warnings, "\n"), tc.warning)
		if len(groups) != tc.groups || packets != tc.seconds || events != max(0, strings.Count(tc.labels, "\n")-1) || ds.Split != tc.split || len(ds.Tasks) != tc.tasks || !warned {
			t.Errorf("%s: %d groups, %d packets, %d events, split %s, tasks %v, warnings %q", name, len(groups), packets, events, ds.Split, ds.Tasks, ds.Warnings)
		}
		if !strings.HasPrefix(ds.Name, "capture=") || ds.Recorded != datasets.LAN {
			t.Errorf("%s: %s at %s", name, ds.Name, ds.Recorded)
		}
	}
}

func TestDatasetOwnersServeTheDeviceTask(t *testing.T) {
	ds, err := labeledCapture(t, 100, "address,device\n192.168.0.7,plug\n", DatasetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// One device is no task, but owners are there.
	if len(ds.Tasks) != 0 || ds.Recordings[0].Labels.Owners[0] != 0 {
		t.Errorf("%v %v", ds.Tasks, ds.Recordings[0].Labels.Owners)
	}
	if len(ds.Recordings) != 5 || len(ds.Recordings[0].Trace.Packets) != 20 || len(ds.Recordings[4].Labels.Owners) != 20 {
		t.Errorf("%d recordings", len(ds.Recordings))
	}
}

func TestDatasetNamesFileAndLine(t *testing.T) {
	_, err := labeledCapture(t, 20, "time,device,activity\n500,plug,on\n", DatasetOptions{})
	if err == nil || !strings.Contains(err.Error(), "l.csv:2: none of 1 labels lies in the recording") {
		t.Error(err)
	}
	_, err = Dataset(t.Context(), "nowhere.pcap", DatasetOptions{})
	if err == nil || !strings.Contains(err.Error(), "nowhere.pcap") {
		t.Error(err)
	}
}
