package folder

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/datatest"
)

// rig puts the captures of a rig: two devices with two activities each, four trials
// of each, a day apart. name says where a trial lies.
func rig(t *testing.T, dir string, name func(device, activity string, trial int, at time.Time) string) {
	t.Helper()
	for i := range 16 {
		at := noon().Add(time.Duration(i) * 24 * time.Hour)
		d, a := i%2, i/2%2
		put(t, dir, name([]string{"plug", "lamp"}[d], []string{"on", "off"}[a], i/4+1, at), traffic(1+d, at, 10, 3))
	}
}

// sessions puts five captures of ten minutes, an hour apart, with events at 100 and
// 200 s in each.
func sessions(t *testing.T, dir, pattern string) (starts []time.Time) {
	t.Helper()
	for s := range 5 {
		at := noon().Add(time.Duration(s) * time.Hour)
		put(t, dir, fmt.Sprintf(pattern, s+1), traffic(1, at, 600, 100, 200))
		starts = append(starts, at)
	}
	return starts
}

// Folders as strangers have them. Each has one right reading, whatever its files are
// called and wherever they lie.
func TestStrangersFolders(t *testing.T) {
	clips := want{recordings: 16, groups: 16, classes: "lamp/off 4, lamp/on 4, plug/off 4, plug/on 4", tasks: "clip"}
	in := func(w want, captures string) want { w.captures = captures; return w }
	events := want{recordings: 5, groups: 5, classes: "plug/off 5, plug/on 5", tasks: "event"}
	for _, c := range []struct {
		name string
		make func(t *testing.T, dir string)
		want
	}{
		// Where the parts stand.
		{"activity before device", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s/%s/%d.pcap", a, d, n) })
		}, in(clips, "{activity}/{device}/{trial}.pcap")},
		{"trial before activity", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s/%d/%s.pcap", d, n, a) })
		}, clips},
		{"trial first", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%02d_%s_%s.pcap", n, d, a) })
		}, clips},
		{"round as the top folder", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("round%d/%s_%s.pcap", n, d, a) })
		}, want{captures: "{session}/{device}_{activity}.pcap", recordings: 16, groups: 4, classes: clips.classes, tasks: "clip"}},
		{"date first", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, _ int, at time.Time) string {
				return fmt.Sprintf("%s_%s_%s.pcap", at.Format("20060102-150405"), d, a)
			})
		}, in(clips, "{time}_{device}_{activity}.pcap")},
		{"day, then device and activity", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, at time.Time) string {
				return fmt.Sprintf("%s/%s-%s-%d.pcap", at.Format("2006-01-02"), d, a, n)
			})
		}, clips},
		{"epoch in the name", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, _ int, at time.Time) string {
				return fmt.Sprintf("%s_%s_%d.pcap", d, a, at.Unix())
			})
		}, clips},
		// One level deeper.
		{"folders around", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string {
				return fmt.Sprintf("release-1.0/pcaps/%s/%s/%d.pcap", d, a, n)
			})
		}, clips},
		{"folders around names", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string {
				return fmt.Sprintf("data/raw/%s_%s_%d.pcap", d, a, n)
			})
		}, clips},
		{"a folder around activities alone", func(t *testing.T, dir string) {
			for i := range 8 {
				put(t, dir, fmt.Sprintf("captures/%s-%d.pcap", []string{"on", "off"}[i%2], i/2), traffic(1, noon().Add(time.Duration(i)*24*time.Hour), 10))
			}
		}, want{recordings: 8, groups: 8, classes: "device/off 4, device/on 4", tasks: "clip"}},
		// What parts the words.
		{"blanks", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s %s %d.pcap", d, a, n) })
		}, clips},
		{"dots", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s.%s.%d.pcap", d, a, n) })
		}, clips},
		{"two signs", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s__%s__%d.pcap", d, a, n) })
		}, clips},
		{"signs that differ", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s-%s_%03d.pcap", d, a, n) })
		}, clips},
		{"brackets", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s_%s (%d).pcap", d, a, n) })
		}, clips},
		{"a word before the number", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s_%s_trial%d.pcap", d, a, n) })
		}, clips},
		{"a word and a sign before the number", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s/%s_run-%d.pcap", d, a, n) })
		}, clips},
		// Endings.
		{"capitals", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s_%s_%d.PCAP", d, a, n) })
		}, in(clips, "{device}_{activity}_{n}.pcap")},
		{"pcapng in xz", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s_%s_%d.pcap", d, a, n) })
			files, _ := filepath.Glob(filepath.Join(dir, "*.pcap"))
			for _, f := range files {
				ng := strings.TrimSuffix(f, ".pcap") + ".pcapng"
				for _, args := range [][]string{{datatest.Tool(t, "editcap"), "-F", "pcapng", f, ng}, {datatest.Tool(t, "xz"), ng}} {
					if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
				}
				os.Remove(f)
			}
		}, clips},
		// Where labels lie, and what they are called.
		{"labels in a folder of their own", func(t *testing.T, dir string) {
			for s, at := range sessions(t, dir, "captures/session%d.pcap") {
				text(t, dir, fmt.Sprintf("labels/session%d.csv", s+1), "time,device,activity",
					at.Add(100*time.Second).Format(time.RFC3339)+",plug,on", at.Add(200*time.Second).Format(time.RFC3339)+",plug,off")
			}
		}, events},
		{"labels in a folder of their own, since the start", func(t *testing.T, dir string) {
			for s := range sessions(t, dir, "pcap/session%d.pcap") {
				text(t, dir, fmt.Sprintf("annotations/session%d_labels.csv", s+1), "time,device,activity", "100,plug,on", "200,plug,off")
			}
		}, events},
		{"one file in a folder beside the captures", func(t *testing.T, dir string) {
			rows := []string{"timestamp,device,event"}
			for _, at := range sessions(t, dir, "pcaps/s%d.pcap") {
				rows = append(rows, fmt.Sprintf("%d,plug,on", at.Unix()+100), fmt.Sprintf("%d,plug,off", at.Unix()+200))
			}
			text(t, dir, "labels/all.csv", rows...)
		}, events},
		{"a column file with paths of another machine", func(t *testing.T, dir string) {
			rows := []string{"file\ttime\tdevice\tactivity"}
			for s := range sessions(t, dir, "caps/s%d.pcapng") {
				rows = append(rows, fmt.Sprintf("/home/ann/lab/caps/s%d.pcapng\t100\tplug\ton", s+1), fmt.Sprintf(`C:\lab\caps\s%d.pcapng`+"\t200\tplug\toff", s+1))
			}
			text(t, dir, "events.tsv", rows...)
		}, events},
		{"a session a folder, with its own labels", func(t *testing.T, dir string) {
			for s, at := range sessions(t, dir, "session-%d/capture.pcap") {
				text(t, dir, fmt.Sprintf("session-%d/labels.json", s+1), fmt.Sprintf(`{"events":[{"timestamp":%d.25,"device":"plug","action":"on"},{"timestamp":%d.25,"device":"plug","action":"off"}]}`, at.Unix()+100, at.Unix()+200))
			}
		}, events},
		{"a log of Home Assistant", func(t *testing.T, dir string) {
			rows := []string{"entity_id,state,last_changed"}
			for _, at := range sessions(t, dir, "s%d.pcap") {
				rows = append(rows, at.Add(100*time.Second).Format("switch_plug,on,2006-01-02T15:04:05.000Z"), at.Add(200*time.Second).Format("switch_plug,off,2006-01-02T15:04:05.000Z"))
			}
			text(t, dir, "history.csv", rows...)
		}, want{recordings: 5, groups: 5, classes: "switch_plug/off 5, switch_plug/on 5", tasks: "event"}},
		{"an answer of Home Assistant", func(t *testing.T, dir string) {
			var items []string
			for _, at := range sessions(t, dir, "s%d.pcap") {
				items = append(items, at.Add(100*time.Second).Format(`{"entity_id":"plug","state":"on","last_changed":"2006-01-02T15:04:05+00:00"}`),
					at.Add(200*time.Second).Format(`{"entity_id":"plug","state":"off","last_changed":"2006-01-02T15:04:05+00:00"}`))
			}
			text(t, dir, "history.json", "[["+strings.Join(items, ",\n")+"]]")
		}, events},
		{"day and time in two columns, with semicolons", func(t *testing.T, dir string) {
			rows := []string{"sep=;", "# zone: UTC", "Date;Time;Device Name;Event;Comment"}
			for _, at := range sessions(t, dir, "s%d.pcap") {
				for k, a := range []string{"on", "off"} {
					rows = append(rows, at.Add(time.Duration(k+1)*100*time.Second).Format("02.01.2006;15:04:05")+";plug;"+a+";by hand")
				}
			}
			text(t, dir, "log.csv", rows...)
		}, events},
		{"UTF-16 and line ends of Windows", func(t *testing.T, dir string) {
			rows := "time\tdevice\tactivity\r\n"
			for _, at := range sessions(t, dir, "s%d.pcap") {
				for k, a := range []string{"on", "off"} {
					rows += at.Add(time.Duration(k+1)*100*time.Second).Format(time.RFC3339) + "\tplug\t" + a + "\r\n"
				}
			}
			b := []byte{0xff, 0xfe}
			for _, c := range []byte(rows) {
				b = append(b, c, 0)
			}
			os.WriteFile(filepath.Join(dir, "labels.txt"), b, 0o600)
		}, events},
		{"no column for the only device", func(t *testing.T, dir string) {
			rows := []string{"epoch,offset_s,activity"}
			for _, at := range sessions(t, dir, "s%d.pcap") {
				rows = append(rows, fmt.Sprintf("%d.5,1,on", at.Unix()+100), fmt.Sprintf("%d.5,2,off", at.Unix()+200))
			}
			text(t, dir, "truth.csv", rows...)
			text(t, dir, "devices.txt", "plug 50:c7:bf:00:00:01")
		}, events},
		{"one list of times for each activity", func(t *testing.T, dir string) {
			var on, off []string
			for _, at := range sessions(t, dir, "plug%d.pcap") {
				on, off = append(on, at.Add(100*time.Second).Format(time.RFC3339)), append(off, at.Add(200*time.Second).Format(time.RFC3339))
			}
			text(t, dir, "plug_on.txt", on...)
			text(t, dir, "plug_off.txt", off...)
		}, events},
		{"a capture and a list of times for each activity", func(t *testing.T, dir string) {
			for _, a := range []string{"on", "off"} {
				at := noon().Add(time.Duration(len(a)) * time.Hour)
				put(t, dir, "plug-"+a+".pcap", traffic(1, at, 1200, 100, 300, 500, 700, 900))
				var rows []string
				for _, s := range []int{100, 300, 500, 700, 900} {
					rows = append(rows, fmt.Sprintf("%d.5", at.Unix()+int64(s)))
				}
				text(t, dir, "plug-"+a+".timestamps", rows...)
			}
		}, want{recordings: 2, groups: 2, classes: "plug/off 5, plug/on 5", tasks: "event"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			check(t, open(t, dir), c.want)
		})
	}
}

// Lists of devices as strangers keep them.
func TestStrangersLists(t *testing.T) {
	for name, file := range map[string]struct {
		name  string
		lines []string
	}{
		"JSON object":        {"devices.json", []string{`{"plug": "50:c7:bf:00:00:01", "lamp": "50:c7:bf:00:00:02"}`}},
		"JSON object, lists": {"macs.json", []string{`{"plug": ["50-C7-BF-00-00-01", "192.168.1.99"], "lamp": ["50-C7-BF-00-00-02"]}`}},
		"JSON by address":    {"devices.json", []string{`{"50:c7:bf:00:00:01": "plug", "50:c7:bf:00:00:02": "lamp"}`}},
		"JSON list":          {"devices.json", []string{`{"devices": [{"id": 1, "name": "plug", "mac": "50c7bf000001"},`, `{"id": 2, "name": "lamp", "mac": "50c7bf000002"}]}`}},
		"dashes":             {"devices.csv", []string{"MAC Address;Device", "50-C7-BF-00-00-01;plug", "50-C7-BF-00-00-02;lamp"}},
		"Cisco":              {"devices.txt", []string{"50c7.bf00.0001   plug", "50c7.bf00.0002   lamp"}},
		"colons":             {"macs.txt", []string{"plug: 50:c7:bf:00:00:01", "lamp: 50:c7:bf:00:00:02"}},
		"Markdown":           {"devices.txt", []string{"| Device | MAC |", "|---|---|", "| plug | `50:c7:bf:00:00:01` |", "| lamp | `50:c7:bf:00:00:02` |"}},
		"ethers":             {"ethers", []string{"50:c7:bf:00:00:01 plug", "50:c7:bf:00:00:02 lamp"}},
		"YAML":               {"devices.yml", []string{"plug: 50:c7:bf:00:00:01", "lamp: \"50:c7:bf:00:00:02\""}},
		"dnsmasq":            {"dnsmasq.leases", []string{"1714600000 50:c7:bf:00:00:01 192.168.1.11 plug 01:50:c7:bf:00:00:01", "1714600000 50:c7:bf:00:00:02 192.168.1.12 lamp *"}},
		"arp":                {"arp.txt", []string{"plug (192.168.1.11) at 50:c7:bf:0:0:1 on en0 ifscope [ethernet]", "lamp (192.168.1.12) at 50:c7:bf:0:0:2 on en0 ifscope [ethernet]"}},
		"with times":         {"owners.csv", []string{"MAC;Device;Valid from;Valid until", "50:c7:bf:00:00:01;plug;2024-04-01 00:00+00:00;", "50:c7:bf:00:00:02;lamp;2024-04-01 00:00+00:00;2024-06-01 00:00+00:00"}},
		"UTF-16":             {"devices.csv", []string{"\xff\xfed\x00e\x00v\x00i\x00c\x00e\x00,\x00m\x00a\x00c\x00\n\x00" + utf16("plug,50:c7:bf:00:00:01\nlamp,50:c7:bf:00:00:02")}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i := range 6 {
				at := noon().Add(time.Duration(i) * 24 * time.Hour)
				both := traffic(1, at, 100)
				lamp := traffic(2, at, 100)
				both.Flows = append(both.Flows, lamp.Flows...)
				for _, p := range lamp.Packets {
					p.Flow = 1
					both.Packets = append(both.Packets, p)
				}
				slices.SortStableFunc(both.Packets, func(a, b datasets.Packet) int { return cmp.Compare(a.Time, b.Time) })
				put(t, dir, at.Format("2006-01-02")+".pcap", both)
			}
			b := strings.Join(file.lines, "\n")
			if !strings.HasPrefix(b, "\xff\xfe") {
				b += "\n"
			}
			os.WriteFile(filepath.Join(dir, file.name), []byte(b), 0o600)
			check(t, open(t, dir), want{captures: "{day}.pcap", recordings: 6, groups: 6, devices: "lamp, plug", tasks: "device", classes: "none"})
		})
	}
}

func utf16(s string) string {
	out := ""
	for _, c := range []byte(s) {
		out += string([]byte{c, 0})
	}
	return out + "\n\x00"
}

// One recording in the files of capturing programs.
func TestStrangersRotations(t *testing.T) {
	ten := func(i int) time.Time { return noon().Add(time.Duration(i) * 100 * time.Second) }
	for name, file := range map[string]func(i int) string{
		"tcpdump -C -W 100":            func(i int) string { return fmt.Sprintf("cap.pcap%02d", i) },
		"tcpdump -C -W, after a wrap":  func(i int) string { return fmt.Sprintf("cap.pcap%d", (i+7)%10) },
		"tcpdump -C, dot":              func(i int) string { return fmt.Sprintf("cap.pcap.%d", i) },
		"tcpdump -G %s":                func(i int) string { return fmt.Sprintf("cap-%d.pcap", ten(i).Unix()) },
		"tcpdump -G %H%M%S":            func(i int) string { return "cap-" + ten(i).Format("150405") + ".pcap" },
		"tcpdump -G %Y-%m-%dT%H:%M:%S": func(i int) string { return ten(i).Format("2006-01-02T15:04:05") + ".pcap" },
		"tcpdump -G -C": func(i int) string {
			return "cap-" + ten(i/5*5).Format("20060102150405") + ".pcap" + []string{"", "1", "2", "3", "4"}[i%5]
		},
		"dumpcap":                        func(i int) string { return fmt.Sprintf("eth_%05d_%s.pcapng", i+1, ten(i).Format("20060102150405")) },
		"dumpcap nametimenum":            func(i int) string { return fmt.Sprintf("eth_%s_%05d.pcapng", ten(i).Format("20060102150405"), i+1) },
		"one level deeper, capitals":     func(i int) string { return fmt.Sprintf("Home1/CAP.PCAP%d", i) },
		"a day a folder":                 func(i int) string { return fmt.Sprintf("2024-05-01/cap.pcap%d", i) },
		"editcap -c":                     func(i int) string { return fmt.Sprintf("cap_%05d_%s.pcap", i, ten(i).Format("20060102150405")) },
		"numbered in the middle of both": func(i int) string { return fmt.Sprintf("lab-part%d.pcap", i+1) },
		"split (of tcpslice) with dates": func(i int) string { return "home_" + ten(i).Format("2006-01-02_15.04.05") + ".cap" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i := range 10 {
				tr := traffic(1, ten(i), 100)
				tr.End = tr.Packets[99].Time
				put(t, dir, file(i), tr)
			}
			f := open(t, dir)
			if len(f.recordings) != 1 || len(f.recordings[0].Trace.Packets) != 1000 {
				t.Errorf("%d recordings; %v", len(f.recordings), f.recordings[0].ID)
			}
			saidAgain(t, f)
		})
	}
}

// Label files and lists of every make say in a folder what they say beside a capture.
func TestLabelsOfEveryMakeInAFolder(t *testing.T) {
	root := filepath.Join(filepath.Dir(datatest.Recorded(t)), "cases", "odd_captures")
	dirs, err := filepath.Glob(filepath.Join(root, "[lo][aw][bn]_*"))
	if err != nil || len(dirs) == 0 {
		t.Skip("no label files of other makes beside the repository")
	}
	for _, from := range dirs {
		t.Run(filepath.Base(from), func(t *testing.T) {
			dir, list := t.TempDir(), ""
			for _, name := range []string{"a.pcap", "l.csv", "o.csv"} {
				b, err := os.ReadFile(filepath.Join(from, name))
				if err != nil || name == "l.csv" && strings.HasPrefix(filepath.Base(from), "own") {
					continue
				}
				if name != "a.pcap" {
					list = name
				}
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, wantErr := capture.Dataset(t.Context(), filepath.Join(dir, "a.pcap"), capture.DatasetOptions{Labels: []string{filepath.Join(dir, list)}, Blocks: 1})
			f, err := Open(t.Context(), dir, Options{})
			if wantErr != nil {
				single := strings.HasSuffix(from, "own_prefix") // a /32 is an address, said as one of a whole home
				if err == nil && len(f.left) == 0 && len(f.doubts) == 0 && !(single && len(f.recordings[0].Labels.Owners) > 0) {
					t.Errorf("beside a capture: %v; in a folder nothing is said", wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			a, b := want.Recordings[0].Labels, f.recordings[0].Labels
			if !slices.Equal(a.Events, b.Events) || !slices.Equal(a.Owners, b.Owners) {
				t.Errorf("events %v, %d owners of %v; beside a capture %v, %d of %v", b.Events, len(b.Owners), b.Devices, a.Events, len(a.Owners), a.Devices)
			}
		})
	}
}

// More folders of strangers, with more than one reading that looks right.
func TestStrangersTraps(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name string
		make func(t *testing.T, dir string)
		want
	}{
		{"a file for each device and day", func(t *testing.T, dir string) {
			for i := range 10 {
				at := noon().Add(time.Duration(i/2) * day)
				put(t, dir, fmt.Sprintf("%s_%s.pcap", []string{"philips-hue", "tplink-plug"}[i%2], at.Format("2006-01-02")), traffic(1+i%2, at, 100))
			}
		}, want{captures: "{device}_{time}.pcap", recordings: 10, groups: 5, devices: "philips-hue, tplink-plug", tasks: "device", classes: "none"}},
		{"a folder for each device, a file for each day", func(t *testing.T, dir string) {
			for i := range 10 {
				at := noon().Add(time.Duration(i/2) * day)
				put(t, dir, fmt.Sprintf("%s/%s.pcap", []string{"hue", "plug"}[i%2], at.Format("20060102")), traffic(1+i%2, at, 100))
			}
		}, want{captures: "{device}/{day}.pcap", recordings: 10, groups: 5, devices: "hue, plug", tasks: "device", classes: "none"}},
		{"a folder for each home, a file for each device", func(t *testing.T, dir string) {
			for i := range 9 {
				put(t, dir, fmt.Sprintf("home%d/%s.pcap", i/3+1, []string{"hue", "plug", "cam"}[i%3]), traffic(1+i%3, noon().Add(time.Duration(i/3)*time.Hour), 100))
			}
		}, want{captures: "{home}/{device}.pcap", recordings: 9, groups: 3, devices: "cam, hue, plug", tasks: "device", classes: "none"}},
		{"people as homes", func(t *testing.T, dir string) {
			for i := range 24 {
				put(t, dir, fmt.Sprintf("%s/%s/%s/%d.pcap", []string{"ann", "bob", "eve"}[i/8], "plug", []string{"on", "off"}[i%2], i%8/2), traffic(1+i/8, noon().Add(time.Duration(i)*time.Minute), 10))
			}
		}, want{captures: "{home}/{device}/{activity}/{trial}.pcap", recordings: 24, groups: 3, classes: "plug/off 12, plug/on 12", tasks: "clip"}},
		{"background among the trials", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s/%s/%d.pcap", d, a, n) })
			put(t, dir, "plug/no_activity/1.pcap", traffic(1, noon().Add(20*day), 10))
			put(t, dir, "lamp/Idle/1.pcap", traffic(2, noon().Add(21*day), 10))
		}, want{recordings: 18, groups: 18, classes: "lamp/off 4, lamp/on 4, plug/off 4, plug/on 4", tasks: "clip"}},
		{"lan and wan", func(t *testing.T, dir string) {
			for s := range 4 {
				at := noon().Add(time.Duration(s) * time.Hour)
				put(t, dir, fmt.Sprintf("session%d/lan.pcap", s+1), traffic(1, at, 300, 100))
				put(t, dir, fmt.Sprintf("session%d/wan.pcap", s+1), traffic(9, at, 300, 100))
			}
			text(t, dir, "events.csv", "session,time,device,activity", "session1,100,plug,on", "session2,100,plug,on", "session3,100,plug,off", "session4,100,plug,off")
		}, want{captures: "{session}/lan.pcap", recordings: 4, groups: 4, classes: "plug/off 2, plug/on 2", tasks: "event, clip", pairs: 4}},
		{"inside and outside, in one folder", func(t *testing.T, dir string) {
			for s := range 4 {
				at := noon().Add(time.Duration(s) * day)
				put(t, dir, at.Format("2006-01-02")+"-inside.pcap", traffic(1, at, 300, 100))
				put(t, dir, at.Format("2006-01-02")+"-outside.pcap", traffic(9, at, 300, 100))
			}
			text(t, dir, "devices.txt", "plug 50:c7:bf:00:00:01")
		}, want{captures: "{session}-inside.pcap", recordings: 4, groups: 4, pairs: 4}},
		{"before and after as folders", func(t *testing.T, dir string) {
			for s := range 3 {
				at := noon().Add(time.Duration(s) * day)
				put(t, dir, fmt.Sprintf("before/run%d.pcap", s), traffic(1, at, 300, 100))
				put(t, dir, fmt.Sprintf("after/run%d.pcap", s), traffic(9, at, 300, 100))
			}
		}, want{captures: "before/{session}.pcap", recordings: 3, groups: 3, pairs: 3}},
		{"before and after an update are no pairs", func(t *testing.T, dir string) {
			for s := range 6 {
				at := noon().Add(time.Duration(s) * day)
				put(t, dir, fmt.Sprintf("%s_%d.pcap", []string{"before", "after"}[s/3], s%3), traffic(1, at, 100))
			}
		}, want{recordings: 6, groups: 6, classes: "device/after 3, device/before 3", tasks: "clip"}},
		{"cells, rounds of all classes", func(t *testing.T, dir string) {
			for i := range 40 {
				text(t, dir, fmt.Sprintf("%d-%d", i%4, i/4), "0.0\t1", "0.1\t-1", "0.25\t-1")
			}
		}, want{captures: "{activity}-{n}", recordings: 40, groups: 10, classes: "page/0 10, page/1 10, page/2 10, page/3 10", tasks: "clip"}},
		{"cells with endings, sizes and commas", func(t *testing.T, dir string) {
			for i := range 12 {
				text(t, dir, fmt.Sprintf("crawl%d/example.org_%d.csv", i/6, i%6), "0.0,600", "0.1,-1500", "0.25,-52")
				text(t, dir, fmt.Sprintf("crawl%d/example.com_%d.csv", i/6, i%6), "0.0,600", "0.1,-1500", "0.25,-52")
			}
		}, want{recordings: 24, groups: 2, classes: "page/example.com 12, page/example.org 12", tasks: "clip"}},
		{"a capture that is cut, one of noise, hidden files and pictures", func(t *testing.T, dir string) {
			rig(t, dir, func(d, a string, n int, _ time.Time) string { return fmt.Sprintf("%s_%s_%d.pcap", d, a, n) })
			b, _ := os.ReadFile(filepath.Join(dir, "plug_on_1.pcap"))
			os.WriteFile(filepath.Join(dir, "plug_on_5.pcap"), b[:len(b)-5], 0o600)
			text(t, dir, "plug_on_6.pcap", "not a capture")
			text(t, dir, "._plug_on_1.pcap", "what a Mac leaves")
			text(t, dir, "__MACOSX/._plug_on_2.pcap", "what a Mac packs")
			text(t, dir, "Thumbs.db", "\x00\x01")
			text(t, dir, "figure.png", "\x89PNG")
			text(t, dir, "labels.xlsx", "PK")
		}, want{recordings: 16, groups: 16, classes: "lamp/off 4, lamp/on 4, plug/off 4, plug/on 4", tasks: "clip", left: "labels.xlsx: a spreadsheet: save it as CSV"}},
		{"an owner for a time, dates without zone", func(t *testing.T, dir string) {
			for i := range 4 {
				at := noon().Add(time.Duration(i) * day)
				tr := traffic(1, at, 100)
				tr.Flows[0].MAC = macOf(7)
				put(t, dir, at.Format("20060102")+".pcap", tr)
			}
			text(t, dir, "leases.csv", "# zone: UTC", "IP Address,Device Name,First seen,Last seen", "192.168.1.11,plug,2024-05-01 00:00,2024-05-03 00:00", "192.168.1.11,lamp,2024-05-03 00:00,")
		}, want{recordings: 4, groups: 4, devices: "lamp, plug", tasks: "device"}},
		{"names of two captures begin alike", func(t *testing.T, dir string) {
			for s := range 3 {
				put(t, dir, fmt.Sprintf("s%d.pcap", s*9+1), traffic(1, noon().Add(time.Duration(s)*time.Hour), 600, 100))
				text(t, dir, fmt.Sprintf("s%d.csv", s*9+1), "time,device,activity", "100,plug,on")
			}
		}, want{recordings: 3, groups: 3, classes: "plug/on 3", tasks: "event"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			check(t, open(t, dir), c.want)
		})
	}
}
