package folder

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
)

// Each case makes a folder of one layout and says how it must be read.
func TestLayouts(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name string
		make func(t *testing.T, dir string)
		want
	}{
		{"activity-n", func(t *testing.T, dir string) {
			for i := range 12 {
				put(t, dir, fmt.Sprintf("%s-%d.pcapng", []string{"on", "off"}[i%2], i/2), traffic(1, noon().Add(time.Duration(i)*day/3), 10))
			}
		}, want{captures: "{activity}-{n}.pcap", recordings: 12, groups: 5, classes: "device/off 6, device/on 6", tasks: "clip"}},
		{"device/activity-n", func(t *testing.T, dir string) {
			for i := range 16 {
				put(t, dir, fmt.Sprintf("%s/%s_%02d.pcap", []string{"plug", "bulb"}[i%2], []string{"on", "off"}[i/2%2], i/4), traffic(1+i%2, noon().Add(time.Duration(i)*day/4), 10))
			}
		}, want{captures: "{device}/{activity}_{n}.pcap", recordings: 16, groups: 5, classes: "bulb/off 4, bulb/on 4, plug/off 4, plug/on 4", tasks: "clip"}},
		{"device/activity/n", func(t *testing.T, dir string) {
			for i := range 16 {
				put(t, dir, fmt.Sprintf("%s/%s/%d.pcap", []string{"plug", "bulb"}[i%2], []string{"on", "off"}[i/2%2], i/4), traffic(1+i%2, noon().Add(time.Duration(i)*day/4), 10))
			}
		}, want{captures: "{device}/{activity}/{trial}.pcap", recordings: 16, groups: 5, classes: "bulb/off 4, bulb/on 4, plug/off 4, plug/on 4", tasks: "clip"}},
		{"home/device/activity/trial_n", func(t *testing.T, dir string) {
			for i := range 24 {
				put(t, dir, fmt.Sprintf("home%d/%s/%s/trial_%d.pcap", i%3+1, "plug", []string{"on", "off"}[i/3%2], i/6), traffic(1+i%3, noon().Add(time.Duration(i)*time.Minute), 10))
			}
		}, want{captures: "{home}/{device}/{activity}/{trial}.pcap", recordings: 24, groups: 3, classes: "plug/off 12, plug/on 12", tasks: "clip"}},
		{"one device, activity/n", func(t *testing.T, dir string) {
			for i := range 8 {
				put(t, dir, fmt.Sprintf("%s/%d.pcap", []string{"on", "off"}[i%2], i/2), traffic(1, noon().Add(time.Duration(i)*day), 10))
			}
		}, want{captures: "{activity}/{trial}.pcap", recordings: 8, groups: 8, classes: "device/off 4, device/on 4", tasks: "clip"}},
		{"device_activity_time", func(t *testing.T, dir string) {
			for i := range 16 {
				at := noon().Add(time.Duration(i) * 7 * time.Hour)
				put(t, dir, fmt.Sprintf("smart_plug_%s_%s.pcap", []string{"on", "off"}[i%2], at.Format("2006-01-02_15-04-05")), traffic(1, at, 10))
			}
		}, want{captures: "{device}_{activity}_{time}.pcap", recordings: 16, groups: 5, classes: "smart_plug/off 8, smart_plug/on 8", tasks: "clip"}},
		{"vendor first, told apart by addresses", func(t *testing.T, dir string) {
			for i := range 16 {
				put(t, dir, fmt.Sprintf("tplink_%s_%s_%d.pcap", []string{"plug", "bulb"}[i%2], []string{"on", "off"}[i/2%2], i/4), traffic(1+i%2, noon().Add(time.Duration(i)*day), 10))
			}
		}, want{recordings: 16, groups: 16, classes: "tplink_bulb/off 4, tplink_bulb/on 4, tplink_plug/off 4, tplink_plug/on 4"}},
		{"a list tells the devices", func(t *testing.T, dir string) {
			for i := range 8 {
				put(t, dir, fmt.Sprintf("living_room_lamp_turn_%s_%d.pcap", []string{"on", "off"}[i%2], i/2), traffic(1, noon().Add(time.Duration(i)*day), 10))
			}
			text(t, dir, "devices.csv", "Living Room Lamp;50:c7:bf:0:0:1;192.168.1.77", "Hub;50-C7-BF-00-00-02")
		}, want{recordings: 8, groups: 8, classes: "Living Room Lamp/turn_off 4, Living Room Lamp/turn_on 4", doubts: []string{"device Hub has no traffic"}}},
		{"hours and a table", func(t *testing.T, dir string) {
			for h := range 30 {
				at := noon().Add(time.Duration(h) * time.Hour)
				tr := traffic(1+h%2, at, 3590)
				put(t, dir, at.Format("2006-01-02-15")+".pcap", tr)
			}
			text(t, dir, "macs.txt", "plug 50c7bf000001", "bulb 50c7.bf00.0002")
		}, want{captures: "{time}.pcap", recordings: 30, groups: 2, classes: "none", tasks: "device", devices: "bulb, plug"}},
		{"column capture", func(t *testing.T, dir string) {
			rows := []string{"time;device;activity;capture"}
			for s := range 5 {
				put(t, dir, fmt.Sprintf("caps/s%d.pcap", s), traffic(1, noon().Add(time.Duration(s)*time.Hour), 600, 100, 200))
				rows = append(rows, fmt.Sprintf("100;plug;on;s%d.pcap", s), fmt.Sprintf("200;plug;off;s%d.pcap", s))
			}
			text(t, dir, "events.csv", append(rows, "5;plug;on;s9.pcap")...)
		}, want{recordings: 5, groups: 5, classes: "plug/off 5, plug/on 5", tasks: "event", doubts: []string{"names 1 captures that are not there: s9.pcap"}}},
		{"a file beside each capture", func(t *testing.T, dir string) {
			for s := range 4 {
				put(t, dir, fmt.Sprintf("home-%d.pcap", s+1), traffic(s, noon(), 600, 100, 200))
				text(t, dir, fmt.Sprintf("home-%d.csv", s+1), "start,device,activity", "100,plug,on", "200,plug,off")
			}
		}, want{captures: "{home}.pcap", recordings: 4, groups: 4, classes: "plug/off 4, plug/on 4", tasks: "event"}},
		{"one file for all, by time", func(t *testing.T, dir string) {
			rows := []string{"# clock: epoch", "time,device,activity"}
			for s := range 4 {
				at := noon().Add(time.Duration(s) * time.Hour)
				put(t, dir, fmt.Sprintf("evening%c.pcap", 'a'+s), traffic(1, at, 600, 100))
				rows = append(rows, fmt.Sprintf("%d,plug,on", at.Unix()+100))
			}
			text(t, dir, "labels.csv", append(rows, fmt.Sprintf("%d,plug,on", noon().Unix()+1800))...)
		}, want{recordings: 4, groups: 4, classes: "plug/on 4", doubts: []string{"labels.csv: 1 of 5 events lie outside of every capture"}}},
		{"triggers, 24 hours, day first", func(t *testing.T, dir string) {
			var rows []string
			tr := traffic(1, noon(), 36000, 1000, 4000, 9000, 20000, 30100)
			for _, s := range []int{1000, 4000, 9000, 20000, 30100} {
				rows = append(rows, noon().Add(time.Duration(s)*time.Second+2*time.Hour).Format("02.01.2006 15:04:05"))
			}
			put(t, dir, "plug.pcap", tr)
			text(t, dir, "plug-on.timestamps", rows...)
		}, want{recordings: 1, groups: 1, classes: "plug/on 5", tasks: "event"}},
		{"JSON list, milliseconds", func(t *testing.T, dir string) {
			put(t, dir, "home.pcap", traffic(1, noon(), 600, 100, 300))
			text(t, dir, "activity.json", fmt.Sprintf(`[{"device":"Plug","activity":"on","start":%d000,"end":%d500,"mac":"50:c7:bf:00:00:01"},`, noon().Unix()+100, noon().Unix()+101),
				fmt.Sprintf(`{"device":"Plug","activity":"off","start":"%s"}]`, noon().Add(300*time.Second).Format(time.RFC3339)))
		}, want{recordings: 1, groups: 1, classes: "Plug/off 1, Plug/on 1", tasks: "event", devices: "Plug"}},
		{"cells, class-trace", func(t *testing.T, dir string) {
			for i := range 12 {
				text(t, dir, fmt.Sprintf("%d-%d", i%3, i/3), "0.0\t1", "0.1\t-1", "0.25\t-1")
			}
		}, want{captures: "{activity}-{n}", recordings: 12, groups: 4, classes: "page/0 4, page/1 4, page/2 4", tasks: "clip"}},
		{"cells, class/trace, sizes", func(t *testing.T, dir string) {
			for i := range 12 {
				text(t, dir, fmt.Sprintf("site%c/%d.cell", 'a'+i%3, i/3), "0.0\t+600", "0.1\t-1500", "0.25\t-52")
			}
		}, want{captures: "{activity}/{trial}", recordings: 12, groups: 1, classes: "page/sitea 4, page/siteb 4, page/sitec 4", tasks: "clip"}},
		{"a broken and an empty capture", func(t *testing.T, dir string) {
			for i := range 8 {
				put(t, dir, fmt.Sprintf("plug_%s_%d.pcap", []string{"on", "off"}[i%2], i/2), traffic(1, noon().Add(time.Duration(i)*day), 10))
			}
			text(t, dir, "plug_on_9.pcap", "this is no capture")
			put(t, dir, "plug_idle_1.pcap", traffic(1, noon().Add(40*day), 0))
		}, want{recordings: 9, groups: 9, classes: "plug/off 4, plug/on 4", tasks: "clip"}},
		{"captures of one session in two groups", func(t *testing.T, dir string) {
			for s := range 4 {
				put(t, dir, fmt.Sprintf("night%c.pcap", 'a'+s), traffic(1, noon().Add(time.Duration(s/2)*time.Hour+time.Duration(s%2)*time.Minute), 600, 100, 200))
			}
			text(t, dir, "devices.txt", "plug\t50:c7:bf:00:00:01")
		}, want{recordings: 4, groups: 2, doubts: []string{"overlap in time and share a device"}}},
		{"labels two hours off", func(t *testing.T, dir string) {
			rows := []string{"time,device,activity"}
			tr := traffic(1, noon(), 36000, 9000, 12100, 15700, 20000, 30100)
			for _, s := range []int{9000, 12100, 15700, 20000, 30100} {
				rows = append(rows, noon().Add(time.Duration(s)*time.Second+2*time.Hour).Format(time.RFC3339)+",plug,on")
			}
			put(t, dir, "plug.pcap", tr)
			text(t, dir, "events.csv", rows...)
		}, want{recordings: 1, groups: 1, doubts: []string{"moved by -2h0m0s 4 have"}}},
		{"labels known to the minute", func(t *testing.T, dir string) {
			rows := []string{"time,device,activity"}
			var at []int
			for i := range 12 {
				at = append(at, 900+1800*i+7*i)
				rows = append(rows, noon().Add(time.Duration(at[i])*time.Second).Truncate(time.Minute).Format(time.RFC3339)+",plug,on")
			}
			put(t, dir, "plug.pcap", traffic(1, noon(), 36000, at...))
			text(t, dir, "events.csv", rows...)
		}, want{recordings: 1, groups: 1, vague: true, doubts: []string{"12 of 12 event times are whole minutes"}}},
		{"times alone, known to the minute and rounded", func(t *testing.T, dir string) {
			var rows []string
			var at []int
			for i := range 24 {
				at = append(at, 900+1200*i+17*i)
				rows = append(rows, fmt.Sprint(noon().Add(time.Duration(at[i])*time.Second).Round(time.Minute).Unix()))
			}
			put(t, dir, "plug.pcap", traffic(1, noon(), 36000, at...))
			text(t, dir, "plug.timestamps", rows...)
		}, want{recordings: 1, groups: 1, vague: true, doubts: []string{"24 of 24 event times are whole minutes", "24 of 24 times known to the minute were rounded"}}},
		{"one table for captures of one time", func(t *testing.T, dir string) {
			put(t, dir, "a.pcap", traffic(1, noon(), 600, 100, 200))
			put(t, dir, "b.pcap", traffic(2, noon(), 600, 100, 200))
			text(t, dir, "events.csv", "time,device,activity", noon().Add(100*time.Second).Format(time.RFC3339)+",plug,on", noon().Add(201*time.Second).Format(time.RFC3339)+",plug,on")
		}, want{recordings: 2, groups: 2, doubts: []string{"2 of 2 events lie in several captures at once"}}},
		{"a column that is misspelt", func(t *testing.T, dir string) {
			put(t, dir, "a.pcap", traffic(1, noon(), 600, 100, 200))
			text(t, dir, "events.csv", "time,ned,device,activity", noon().Add(100*time.Second).Format(time.RFC3339)+",,plug,on")
		}, want{recordings: 1, groups: 1, doubts: []string{`did you mean "end"`}}},
		{"a table with more columns than are known", func(t *testing.T, dir string) {
			rows := []string{"pcap,epoch_utc,offset_s,device,event,source"}
			for s := range 4 {
				at := noon().Add(time.Duration(s) * time.Hour)
				put(t, dir, fmt.Sprintf("caps/s%d.pcap", s), traffic(1, at, 600, 100))
				rows = append(rows, fmt.Sprintf("caps/s%d.pcap,%d.5,100.5,plug,on,app", s, at.Unix()+100))
			}
			text(t, dir, "events.csv", rows...)
			text(t, dir, "devices.csv", "pcap,mac,description,label_name", "caps/s0.pcap,50:c7:bf:0:0:1,the plug in the hall,plug")
		}, want{recordings: 4, groups: 4, classes: "plug/on 4", tasks: "event", devices: "plug"}},
		{"owners by time", func(t *testing.T, dir string) {
			tr := traffic(1, noon(), 600)
			tr.Flows[0].MAC = macOf(99)
			put(t, dir, "net.pcap", tr)
			text(t, dir, "leases.csv", "ip,name,from,until",
				fmt.Sprintf("192.168.1.11,plug,%d,%d", noon().Unix()-100, noon().Unix()+300),
				fmt.Sprintf("192.168.1.11,bulb,%s,", noon().Add(300*time.Second).Format(time.RFC3339)))
		}, want{recordings: 1, groups: 1, tasks: "device", devices: "bulb, plug"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			check(t, open(t, dir), c.want)
		})
	}
}

// A recording in rotated files, some of them compressed, is one; a file that is
// missing in the middle leaves a gap that is said.
func TestRotated(t *testing.T) {
	piece := func(t *testing.T, dir, name string, from, to int) {
		tr := traffic(1, noon().Add(time.Duration(from)*time.Second), to-from)
		tr.End = tr.Packets[to-from-1].Time
		put(t, dir, name, tr)
	}
	compress := func(t *testing.T, dir, name string, tool ...string) {
		cmd := exec.Command(datatest.Tool(t, tool[0]), append(tool[1:], name)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}

	t.Run("numbers", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 10 {
			name := "cap.pcap"
			if i > 0 {
				name = fmt.Sprintf("cap.pcap%d", i)
			}
			piece(t, dir, name, 100*i, 100*i+100)
		}
		compress(t, dir, "cap.pcap3", "gzip")
		compress(t, dir, "cap.pcap4", "xz")
		compress(t, dir, "cap.pcap5", "zstd", "--rm", "-q")
		f := open(t, dir)
		if len(f.recordings) != 1 || len(f.recordings[0].Trace.Packets) != 1000 {
			t.Fatalf("%d recordings, %v", len(f.recordings), f.broken)
		}
		os.Remove(filepath.Join(dir, "cap.pcap7"))
		check(t, open(t, dir), want{recordings: 1, groups: 1, doubts: []string{"without a packet before cap.pcap8"}})
	})
	t.Run("times", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 10 {
			at := noon().Add(time.Duration(i)*100*time.Second - 4*time.Hour)
			piece(t, dir, fmt.Sprintf("eth1_%05d_%s.pcap", i+1, at.Format("20060102150405")), 100*i, 100*i+100)
		}
		check(t, open(t, dir), want{recordings: 1, groups: 1})
	})
	t.Run("two interfaces", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 4 {
			piece(t, dir, fmt.Sprintf("lan.pcap%d", i), 100*i, 100*i+100)
			piece(t, dir, fmt.Sprintf("wlan.pcap%d", i), 100*i, 100*i+100)
		}
		check(t, open(t, dir), want{recordings: 2, groups: 1})
	})
	t.Run("trials are not joined", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 6 {
			at := noon().Add(time.Duration(i) * time.Hour)
			put(t, dir, "plug_on_"+at.Format("20060102-150405")+".pcap", traffic(1, at, 20))
		}
		if f := open(t, dir); len(f.recordings) != 6 {
			t.Errorf("%d recordings", len(f.recordings))
		}
	})
}

// What the layout cannot say is asked for, by the key that says it.
func TestAsks(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(t *testing.T, dir string)
	}{
		{"zone", "labels: {zone: Europe/Berlin} in dataset.yaml or with --label-zone", func(t *testing.T, dir string) {
			put(t, dir, "a.pcap", traffic(1, noon(), 600))
			text(t, dir, "events.csv", "time,device,activity", "2024-05-01 12:01:00,plug,on", "2024-05-01 12:02:00,plug,off")
		}},
		{"device", "devices: [smart] in dataset.yaml", func(t *testing.T, dir string) {
			for i := range 4 {
				put(t, dir, fmt.Sprintf("smart_plug_foo_%d.pcap", i), traffic(1, noon(), 10))
			}
		}},
		{"which capture", "add a column capture", func(t *testing.T, dir string) {
			put(t, dir, "a.pcap", traffic(1, noon(), 600))
			put(t, dir, "b.pcap", traffic(1, noon().Add(time.Hour), 600))
			text(t, dir, "events.csv", "time,device,activity", "10,plug,on")
		}},
		{"nothing there", "no capture", func(t *testing.T, dir string) { text(t, dir, "notes.txt", "hello") }},
		{"all broken", "no capture can be read", func(t *testing.T, dir string) { text(t, dir, "a.pcap", "hello") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			_, err := Open(t.Context(), dir, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

// A mistake in dataset.yaml is shown at its place.
func TestSpecErrors(t *testing.T) {
	for text, want := range map[string]string{
		"captures: \"{a}{b}.pcap\"\n":                   "dataset.yaml:1:11: captures: {a}{b}: nothing between them",
		"group: \"{home}\"\ntask: clips\n":              "dataset.yaml:2:7: task: \"clips\"; did you mean \"clip\"?",
		"labels: {file: e.csv, zone: Europe/Berlinn}\n": "dataset.yaml:1:29: labels.zone: unknown time zone",
		"labels:\n  offset: two\n":                      "dataset.yaml:2:11: labels.offset",
		"capture: x.pcap\n":                             "dataset.yaml:1:1: unknown field",
		"captures: a.pcap\ncaptures: b.pcap\n":          "dataset.yaml:2:1",
		"devices: {plug: [00:11:22:33:44:5g]}\n":        "dataset.yaml:1:",
		"home: [10.0.0.0/40]\n":                         "dataset.yaml:1:7: home: \"10.0.0.0/40\"",
		"same: 3\n":                                     "dataset.yaml:1:7",
		"captures: [\n":                                 "dataset.yaml:",
		"group: !!str x\n":                              "dataset.yaml:1:8: want plain keys",
		"pairs: {before: \"{s}/lan.pcap\"}\n":           "pairs: want both before and after",
	} {
		_, err := parseSpec(specFile, []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

// Addresses need no quotes, and one of a list no brackets.
func TestSpecSpellings(t *testing.T) {
	for _, text := range []string{
		"devices: {plug: [50:c7:bf:00:00:01, 10.0.0.1, fe80::1]}\nlabels: [a.csv, b.csv]\n",
		"devices:\n  plug:\n  - 50:c7:bf:00:00:01\n  - 10.0.0.1\n  - fe80::1\nlabels: {file: [a.csv, b.csv]}\n",
		"devices: {plug: [\"50:c7:bf:00:00:01\",10.0.0.1,  fe80::1]}\nlabels:\n  file:\n  - a.csv\n  - b.csv\n",
	} {
		s, err := parseSpec(specFile, []byte(text))
		if err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(s.Devices.Owned, s.Labels.File); got != "map[plug:[50:c7:bf:00:00:01 10.0.0.1 fe80::1]] [a.csv b.csv]" {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// Packets that do not fit the bound are refused before they fill the memory,
// also where a small file holds many.
func TestMemoryBound(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.pcap", traffic(1, noon(), 5000))
	for _, pack := range []bool{false, true} {
		if pack {
			cmd := exec.Command(datatest.Tool(t, "gzip"), "a.pcap")
			if cmd.Dir = dir; cmd.Run() != nil {
				t.Fatal("gzip failed")
			}
		}
		_, err := Open(t.Context(), dir, Options{MemoryBytes: 100_000})
		if err == nil || !strings.Contains(err.Error(), "do not fit the memory limit") {
			t.Errorf("packed %v: error %v", pack, err)
		}
		if _, err := Open(t.Context(), dir, Options{MemoryBytes: 1 << 20}); err != nil {
			t.Errorf("packed %v: %v", pack, err)
		}
	}
}
