package doubt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/doubt"
)

// move moves the labels of a device, or of all for "", and leaves out what moves
// out of its recording, as laying label files over a trace does.
func move(ds *datasets.Dataset, by time.Duration, device string) {
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		var out []datasets.Event
		for _, e := range r.Labels.Events {
			if device == "" || r.Labels.Devices[e.Device] == device {
				e.Start, e.End = e.Start+by, e.End+by
			}
			if e.Start >= 0 && e.Start <= r.Trace.End {
				out = append(out, e)
			}
		}
		slices.SortStableFunc(out, func(a, b datasets.Event) int { return int(a.Start - b.Start) })
		r.Labels.Events = out
	}
}

// atHome makes flows stay in the home: those of packets that which names by
// recording and packet.
func atHome(ds *datasets.Dataset, which func(r, packet int) bool) {
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		r.Trace.Flows = slices.Clone(r.Trace.Flows)
		for k, p := range r.Trace.Packets {
			if which(i, k) {
				r.Trace.Flows[p.Flow].LAN = true
			}
		}
	}
}

// TestPlantedInDatasets plants mistakes into data that have none: each raises its
// doubt, and what is named with it.
func TestPlantedInDatasets(t *testing.T) {
	const plain = "home:event_signatures:homes=3,hours=6"
	event := []datasets.Task{datasets.TaskEvent}
	for _, tc := range []struct {
		name   string
		plant  func(ds *datasets.Dataset)
		code   string
		where  string
		says   string
		spoils []datasets.Task
	}{
		{"two hours off", func(ds *datasets.Dataset) { move(ds, -2*time.Hour, "") }, datasets.DoubtShifted, "tplink_plug", "moved by +2h0m0s", event},
		{"half an hour off", func(ds *datasets.Dataset) { move(ds, 30*time.Minute, "") }, datasets.DoubtShifted, "huawei_bulb", "moved by -30m0s", event},
		{"two and a half minutes off", func(ds *datasets.Dataset) { move(ds, -150*time.Second, "") }, datasets.DoubtShifted, "tplink_plug", "moved by +2m", event},
		{"a lost offset of 20 s", func(ds *datasets.Dataset) { move(ds, 20*time.Second, "") }, datasets.DoubtShifted, "tuya_bulb", "moved by -", event},
		{"one device an hour off", func(ds *datasets.Dataset) { move(ds, time.Hour, "tuya_bulb") }, datasets.DoubtShifted, "tuya_bulb", "moved by -1h0m0s", event},
		{"a zone that is stated wrongly", func(ds *datasets.Dataset) { move(ds, time.Hour, ""); ds.LabelZone = "Europe/London" }, datasets.DoubtShifted, "tplink_plug", "--label-zone", event},
		{"labels of another home", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				l := &ds.Recordings[i].Labels
				l.Events = slices.Clone(l.Events)
				for k := range l.Events { // turned round in time
					e := &l.Events[k]
					e.Start = ds.Recordings[i].Trace.End - e.Start
					e.End = e.Start
				}
				slices.Reverse(l.Events)
			}
		}, datasets.DoubtSilent, "tplink_plug", "have no packet", event},
		{"a stream over everything", func(ds *datasets.Dataset) {
			rng := rand.New(rand.NewPCG(1, 1))
			for i := range ds.Recordings {
				r := &ds.Recordings[i]
				k := slices.Index(r.Labels.Owners, 2)
				for at := time.Duration(0); at < r.Trace.End; at += time.Duration(rng.ExpFloat64() * float64(10*time.Second)) {
					p := r.Trace.Packets[k]
					p.Time, p.Size = at, 1<<20 // a burst of some kind
					r.Trace.Packets, r.Labels.Owners = append(r.Trace.Packets, p), append(r.Labels.Owners, 2)
				}
				r.Labels.Cause = nil
				order := make([]int, len(r.Trace.Packets))
				for j := range order {
					order[j] = j
				}
				slices.SortStableFunc(order, func(a, b int) int { return int(r.Trace.Packets[a].Time - r.Trace.Packets[b].Time) })
				ps, owners := slices.Clone(r.Trace.Packets), slices.Clone(r.Labels.Owners)
				for j, o := range order {
					r.Trace.Packets[j], r.Labels.Owners[j] = ps[o], owners[o]
				}
			}
		}, datasets.DoubtSilent, "tplink_plug", "as other moments have", []datasets.Task{}},
		{"a device that was switched off", func(ds *datasets.Dataset) {
			// Its heartbeats stopped, and with them what labels are about.
			for i := range ds.Recordings {
				r := &ds.Recordings[i]
				var ps []datasets.Packet
				var owners []int32
				for k, p := range r.Trace.Packets {
					if r.Labels.Owners[k] != 2 || p.Time < 10*time.Minute {
						ps, owners = append(ps, p), append(owners, r.Labels.Owners[k])
					}
				}
				r.Trace.Packets, r.Labels.Owners, r.Labels.Cause = ps, owners, nil
			}
		}, datasets.DoubtSilent, "tplink_plug", "have no packet", nil},
		{"everything stays in the home", func(ds *datasets.Dataset) { atHome(ds, func(int, int) bool { return true }) }, datasets.DoubtUnseen, "", "sees 0 (0.0 %)", nil},
		{"a device stays in the home", func(ds *datasets.Dataset) {
			atHome(ds, func(r, k int) bool { return ds.Recordings[r].Labels.Owners[k] == 0 })
		}, datasets.DoubtUnseenDevices, "", "1 of 4 labeled devices", nil},
		{"a recording stays in the home", func(ds *datasets.Dataset) { atHome(ds, func(r, _ int) bool { return r == 0 }) }, datasets.DoubtEmpty, "", "1 of 3 recordings", nil},
		{"three trials of a class", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				l := &ds.Recordings[i].Labels
				l.Events = slices.Clone(l.Events)
				l.Events[0].Activity = "rare"
			}
		}, datasets.DoubtRare, "", "hue_bridge/rare 1", nil},
		{"each group has classes of its own", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				l := &ds.Recordings[i].Labels
				l.Events = slices.Clone(l.Events)
				for k := range l.Events {
					l.Events[k].Activity += fmt.Sprint(i)
				}
			}
		}, datasets.DoubtUntrained, "", "in one group only", event},
	} {
		ds := generate(t, plain)
		tc.plant(&ds)
		expect(t, tc.name, doubt.Of(&ds, datasets.WAN, 1), tc.code, tc.where, tc.says, tc.spoils)
	}
}

// TestClassesScoredAsOne: classes that each group has for itself raise no doubt
// where scores merge them, as of commands of which all that counts is that one was
// given.
func TestClassesScoredAsOne(t *testing.T) {
	ds := generate(t, "home:event_signatures:homes=3,hours=6")
	same := map[string]bool{}
	for i := range ds.Recordings {
		l := &ds.Recordings[i].Labels
		l.Events = slices.Clone(l.Events)
		for k := range l.Events {
			l.Events[k].Activity += fmt.Sprint(i)
			same[l.Class(l.Events[k])] = true
		}
	}
	ds.Same = [][]string{slices.Sorted(maps.Keys(same))}
	for _, d := range doubt.Of(&ds, datasets.WAN, 1) {
		if d.Code == datasets.DoubtUntrained {
			t.Error(d.Detail)
		}
	}
}

// expect looks for a doubt. spoils nil is whatever it is.
func expect(t *testing.T, name string, got []datasets.Doubt, code, where, says string, spoils []datasets.Task) {
	t.Helper()
	for _, d := range got {
		if d.Code == code && d.Where == where && strings.Contains(d.String(), says) && (spoils == nil || slices.Equal(d.Spoils, spoils)) {
			if d.Count < 1 || d.Of > 0 && d.Count > d.Of {
				t.Errorf("%s: %d of %d: %s", name, d.Count, d.Of, d)
			}
			return
		}
	}
	t.Errorf("%s: no doubt %s of %q that says %q and spoils %v; there are %v", name, code, where, says, spoils, got)
}

// frame is a TCP packet of the plug in an Ethernet frame.
func frame(id int, payload int, down bool) []byte {
	macs := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}
	src, dst, sport, dport := []byte{192, 168, 1, 23}, []byte{203, 0, 113, 10}, uint16(40000), uint16(443)
	if down {
		macs = []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
		src, dst, sport, dport = dst, src, dport, sport
	}
	b := append(macs, 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(40+payload))
	b = binary.BigEndian.AppendUint16(b, uint16(id))
	b = append(b, 0, 0, 64, 6, 0, 0)
	b = append(append(b, src...), dst...)
	b = binary.BigEndian.AppendUint16(b, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	b = binary.BigEndian.AppendUint32(b, uint32(id)*100)
	b = append(b, 0, 0, 0, 1, 0x50, 24, 1, 0, 0, 0, 0, 0)
	return append(b, bytes.Repeat([]byte{byte(id)}, payload)...)
}

// record is a frame and when it came, in seconds.
type record struct {
	at   float64
	data []byte
}

// exchanges are a message up and one down at each of the times.
func exchanges(at ...float64) []record {
	var out []record
	for i, s := range at {
		out = append(out, record{s, frame(2*i+1, 200, false)}, record{s + 0.05, frame(2*i+2, 300, true)})
	}
	return out
}

// pcap is a capture of records that begins at the full hour of 1.7e9 s and after.
func pcap(link uint32, records ...record) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, 65535), link)
	for _, r := range records {
		us := int64(begin)*1e6 + int64(r.at*1e6)
		for _, v := range []uint32{uint32(us / 1e6), uint32(us % 1e6), uint32(len(r.data)), uint32(len(r.data))} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		b = append(b, r.data...)
	}
	return b
}

// begin is when captures begin, in seconds since 1970: a full hour.
const begin = 1_700_002_800

// table writes labels of the plug that is switched at times.
func table(head string, row func(i int, at float64) string, at ...float64) string {
	rows := []string{head}
	for i, s := range at {
		rows = append(rows, row(i, s))
	}
	return strings.Join(rows, "\n") + "\n"
}

// TestPlantedInFiles plants mistakes into captures and label files.
func TestPlantedInFiles(t *testing.T) {
	var every, minutes []float64
	for i := range 20 {
		every = append(every, float64(90+200*i)+0.7)
		minutes = append(minutes, float64(60+180*i))
	}
	plain := func(i int, at float64) string { return fmt.Sprintf("%.1f,plug,on", begin+at) }
	labels := table("time,device,activity", plain, every...)
	base := exchanges(every...)
	more := func(rs ...record) []record { return append(slices.Clone(base), rs...) }
	end := base[len(base)-1].at

	twice := func() []record {
		var out []record
		for _, r := range base {
			again := bytes.Clone(r.data)
			again[5], again[11] = again[11]+7, again[5]+7 // sent on by a machine in between
			out = append(out, r, record{r.at + 0.0004, again})
		}
		return out
	}
	set := func(from int, by float64) []record {
		out := slices.Clone(base)
		for i := from; i < len(out); i++ {
			out[i].at += by
		}
		return out
	}
	foreign := func() []record {
		out := make([]record, len(base))
		for i, r := range base {
			out[i] = record{r.at, bytes.Clone(r.data)}
			for _, at := range []int{26, 30} { // both addresses are public
				if out[i].data[at] == 192 {
					copy(out[i].data[at:], []byte{198, 51, 100, 7})
				}
			}
		}
		return out
	}
	sealed := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xe5}, make([]byte, 60)...)
	long := frame(99, 300, false)
	long[16], long[17] = 0x7f, 0xff // an IP length beyond the frame

	for _, tc := range []struct {
		name    string
		capture []byte
		labels  string
		o       capture.DatasetOptions
		code    string
		says    string // "!" and text is an error that says so
	}{
		{name: "nothing", capture: pcap(1, base...), labels: labels},
		{name: "every packet twice", capture: pcap(1, twice()...), labels: labels, code: datasets.DoubtCopies, says: "--drop-copies"},
		{name: "every packet twice, dropped", capture: pcap(1, twice()...), labels: labels, o: capture.DatasetOptions{Options: capture.Options{DropCopies: true}}},
		{name: "clock set back an hour", capture: pcap(1, set(20, -3600)...), code: datasets.DoubtClock, says: "--split-at-jumps"},
		{name: "three days of silence", capture: pcap(1, set(20, 3*86400)...), labels: labels, code: datasets.DoubtClock, says: "gap of 3 days"},
		{name: "times out of order", capture: pcap(1, more(record{end - 0.2, frame(77, 9, false)}, record{end + 1, frame(78, 9, false)})...), labels: labels, code: datasets.DoubtOrder, says: "--sort-times"},
		{name: "frames in MACsec", capture: pcap(1, more(record{end + 1, sealed}, record{end + 2, sealed})...), labels: labels, code: datasets.DoubtUnopened, says: "MACsec"},
		{name: "lengths that lie", capture: pcap(1, more(record{end + 1, long})...), labels: labels, code: datasets.DoubtDamaged, says: "IP length exceeds the frame"},
		{name: "frames above any MTU", capture: pcap(1, more(record{end + 1, frame(78, 4000, false)})...), labels: labels, o: capture.DatasetOptions{Options: capture.Options{WholeFrames: true}}, code: datasets.DoubtLarge, says: "ethtool"},
		{name: "no side at home", capture: pcap(1, foreign()...), labels: labels, code: datasets.DoubtSides, says: "--home"},
		{name: "cut inside a packet", capture: pcap(1, base...)[:6000], labels: labels, o: capture.DatasetOptions{Options: capture.Options{AllowTruncated: true}}, code: datasets.DoubtCut, says: "ends inside the packet"},
		{name: "times of whole minutes", capture: pcap(1, exchanges(minutes...)...), labels: table("time,device,activity", func(_ int, at float64) string { return fmt.Sprintf("%.0f,plug,on", begin+at) }, minutes...), code: datasets.DoubtMinutes, says: "20 of 20 event times are whole minutes"},
		{name: "nine of ten of whole minutes", capture: pcap(1, exchanges(minutes...)...), labels: table("time,device,activity", func(i int, at float64) string {
			if i%10 == 3 {
				at += 7
			}
			return fmt.Sprintf("%.0f,plug,on", begin+at)
		}, minutes...), code: datasets.DoubtMinutes, says: "18 of 20 event times"},
		{name: "whole minutes, stated to be exact", capture: pcap(1, exchanges(minutes...)...), labels: "# resolution: 1s\n" + table("time,device,activity", func(_ int, at float64) string { return fmt.Sprintf("%.0f,plug,on", begin+at) }, minutes...)},
		{name: "times without seconds", capture: pcap(1, exchanges(minutes...)...), labels: table("time,device,activity", func(_ int, at float64) string {
			return time.Unix(begin+int64(at), 0).UTC().Format("2006-01-02T15:04Z") + ",plug,on"
		}, minutes...), code: datasets.DoubtMinutes, says: "without seconds"},
		{name: "times without a zone", capture: pcap(1, base...), labels: table("time,device,activity", func(_ int, at float64) string {
			return time.UnixMilli(int64((begin+at)*1e3)).UTC().Format("2006-01-02 15:04:05.0") + ",plug,on"
		}, every...), code: datasets.DoubtZone, says: "--label-zone"},
		{name: "labels behind the end", capture: pcap(1, base...), labels: labels + fmt.Sprintf("%d,plug,on\n", begin+90000), code: datasets.DoubtOutside, says: "1 of 21 labels"},
		{name: "all labels behind the end", capture: pcap(1, base...), labels: table("time,device,activity", func(_ int, at float64) string { return fmt.Sprintf("%.1f,plug,on", begin+at+5*3600) }, every...), says: "!moved by -5h0m0s"},
		{name: "on and off at once", capture: pcap(1, base...), labels: labels + fmt.Sprintf("%.1f,plug,off\n", begin+every[3]), code: datasets.DoubtConflict, says: "different activities"},
		{name: "a misspelt column", capture: pcap(1, base...), labels: table("time,ned,device,activity", func(_ int, at float64) string { return fmt.Sprintf("%.1f,%.1f,plug,on", begin+at, begin+at+9) }, every...), code: datasets.DoubtMisspelt, says: `line 1: columns that are not used look misspelt: "ned" (did you mean "end"?)`},
		{name: "a misspelt directive", capture: pcap(1, base...), labels: "# ofset: -20s\n" + labels, says: `!l.csv:1: unknown directive "ofset"; did you mean "offset"?`},
		{name: "a column nobody knows", capture: pcap(1, base...), labels: table("time,device,activity", plain, every...)},
		{name: "labels for several captures", capture: pcap(1, base...), labels: table("time,device,activity", func(_ int, at float64) string { return fmt.Sprintf("%.1f,plug,on", at-every[0]) }, every...), o: capture.DatasetOptions{SharedLabels: true}, code: datasets.DoubtShared, says: "capture=FILE:labels="},
		{name: "an address that no packet has", capture: pcap(1, base...), labels: "address,device\n02:00:00:00:00:01,plug\n192.168.1.99,lamp\n", code: datasets.DoubtAbsent, says: "line 3"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "c.pcap")
		must(t, os.WriteFile(path, tc.capture, 0o600))
		o := tc.o
		if tc.labels != "" {
			o.Labels = []string{filepath.Join(dir, "l.csv")}
			must(t, os.WriteFile(o.Labels[0], []byte(tc.labels), 0o600))
		}
		ds, err := capture.Dataset(t.Context(), path, o)
		if says, is := strings.CutPrefix(tc.says, "!"); is {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: error %v, want %s", tc.name, err, says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		got := doubt.Of(&ds, datasets.WAN, 1)
		if tc.code == "" {
			if len(got) > 0 {
				t.Errorf("%s: %v", tc.name, got)
			}
			continue
		}
		where := ""
		if strings.Contains(" "+strings.Join([]string{datasets.DoubtMinutes, datasets.DoubtZone, datasets.DoubtOutside, datasets.DoubtConflict, datasets.DoubtMisspelt, datasets.DoubtAbsent}, " ")+" ", " "+tc.code+" ") {
			where = "l.csv"
		}
		expect(t, tc.name, got, tc.code, where, tc.says, nil)
	}
}

// TestSplitAtJumps: a clock that was set in the middle gives two recordings, each
// of one clock, with their own labels and no silence between them.
func TestSplitAtJumps(t *testing.T) {
	var times []float64
	for i := range 20 {
		times = append(times, float64(90+200*i)+0.7)
	}
	records := exchanges(times...)
	rows := "time,device,activity\n"
	for i := range records {
		if i >= 20 {
			records[i].at += 3 * 86400
		}
		if i%2 == 0 {
			rows += fmt.Sprintf("%.1f,plug,on\n", begin+records[i].at)
		}
	}
	dir := t.TempDir()
	path, labels := filepath.Join(dir, "c.pcap"), filepath.Join(dir, "l.csv")
	must(t, os.WriteFile(path, pcap(1, records...), 0o600))
	must(t, os.WriteFile(labels, []byte(rows), 0o600))

	ds, err := capture.Dataset(t.Context(), path, capture.DatasetOptions{Options: capture.Options{SplitAtJumps: true}, Labels: []string{labels}, Blocks: 1})
	must(t, err)
	if got := doubt.Of(&ds, datasets.WAN, 1); len(got) > 0 {
		t.Error(got)
	}
	if len(ds.Recordings) != 2 {
		t.Fatalf("%d recordings", len(ds.Recordings))
	}
	for i, r := range ds.Recordings {
		if len(r.Trace.Packets) != 20 || len(r.Labels.Events) != 10 || r.Trace.End > time.Hour || r.Trace.Check() != nil || r.ID != fmt.Sprintf("c.pcap#%02d", i+1) {
			t.Errorf("recording %s: %d packets, %d events in %v", r.ID, len(r.Trace.Packets), len(r.Labels.Events), r.Trace.End)
		}
	}
	if between := ds.Recordings[1].Trace.Start.Sub(ds.Recordings[0].Trace.Start); between < 3*24*time.Hour {
		t.Errorf("the second begins %v after the first", between)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
