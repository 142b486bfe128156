package published

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// sums counts what a data set holds and checks every trace.
type sums struct{ recordings, groups, packets, events, unowned int }

func sum(t *testing.T, ds datasets.Dataset) sums {
	t.Helper()
	s := sums{recordings: len(ds.Recordings)}
	groups, ids := map[string]bool{}, map[string]bool{}
	for _, r := range ds.Recordings {
		groups[r.Group], ids[r.ID] = true, true
		s.packets += len(r.Trace.Packets)
		s.events += len(r.Labels.Events)
		if err := r.Trace.Check(); err != nil {
			t.Errorf("%s %s: %v", ds.Name, r.ID, err)
		}
		if o := r.Labels.Owners; o != nil && len(o) != len(r.Trace.Packets) {
			t.Errorf("%s %s: %d owners of %d packets", ds.Name, r.ID, len(o), len(r.Trace.Packets))
		}
		for _, o := range r.Labels.Owners {
			if o < 0 {
				s.unowned++
			}
		}
		for _, e := range r.Labels.Events {
			if e.Start < 0 || e.End < e.Start || e.End > r.Trace.End || e.Device >= len(r.Labels.Devices) {
				t.Errorf("%s %s: event %v in a recording of %v", ds.Name, r.ID, e, r.Trace.End)
			}
		}
	}
	if s.groups = len(groups); len(ids) != s.recordings {
		t.Errorf("%s: %d recordings, %d IDs", ds.Name, s.recordings, len(ids))
	}
	return s
}

// owners counts the devices that own a packet.
func owners(ds datasets.Dataset) int {
	found := map[string]bool{}
	for _, r := range ds.Recordings {
		for _, o := range r.Labels.Owners {
			if o >= 0 {
				found[r.Labels.Devices[o]] = true
			}
		}
	}
	return len(found)
}

// load1 reads a data set that Load gives alone.
func load1(t *testing.T, name, path string) datasets.Dataset {
	t.Helper()
	sets, err := Load(t.Context(), name, path)
	if err != nil {
		t.Fatal(err)
	}
	if len(sets) != 1 || sets[0].Name != name {
		t.Fatalf("%s: %d data sets", name, len(sets))
	}
	if src, err := Find(name); err != nil || src.Recorded() != sets[0].Recorded {
		t.Errorf("%s was recorded at %s, its source says %s (%v)", name, sets[0].Recorded, src.Recorded(), err)
	}
	return sets[0]
}

// What the descriptions beside the data count, and that each data set's own
// split divides it for each of its tasks.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		devices      int
		want         sums
	}{
		{"echo-voice-captures", "echo_voice", 1, sums{2, 2, 5270, 10, 0}},
		{"iot-sentinel", "iot_sentinel", 31, sums{237, 237, 61222, 237, 1617}},
		{"lock-camera-week", "lock_camera_week", 5, sums{8, 8, 153923, 473, 0}},
		{"smart-plug-day", "smart_plug_day", 1, sums{12 + 11, 2, 2004 + 11661, 21 + 153, 0}},
		{"smart-plug-day-named", "smart_plug_day", 1, sums{12 + 11, 2, 2004 + 11661, 22 + 2, 0}},
		{"vpn-samples", "vpn_samples", 0, sums{5, 5, 1222 + 52 + 706 + 944 + 834, 0, 0}},
		{"whole-home", "whole_home", 8, sums{9, 1, 10798, 0, 0}},
		{"whole-home-devices", "whole_home", 8, sums{9, 4, 29761 - 10798, 0, 0}},
	} {
		ds := load1(t, c.name, datatest.Recorded(t, c.folder))
		got := sum(t, ds)
		c.want.unowned = got.unowned // not described
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if n := owners(ds); n != c.devices {
			t.Errorf("%s: packets of %d devices, want %d", c.name, n, c.devices)
		}
		e, err := Find(c.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range ds.Tasks {
			if !slices.Contains(e.Tasks, task) {
				t.Errorf("%s: serves %s, and the catalog does not say so", c.name, task)
			}
			if _, err := ds.Split.Folds(&ds, task); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestWholeHomeCounts(t *testing.T) {
	want := map[string]int{
		"all_devices/philips-hue": 2347, "all_devices/smartthings-hub": 4496, "all_devices/xiaomi-cam": 5451,
		"all_devices/dlink-cam": 1914, "all_devices/tuya-motion": 1397, "all_devices/tplink-plug": 842,
		"tplink_plug_runs/no_firewall_wlan24": 888, "tplink_plug_runs/base_firewall_wlan24": 832, "tplink_plug_runs/my_firewall_wlan24": 796,
	}
	ds := load1(t, "whole-home-devices", datatest.Recorded(t, "whole_home"))
	for _, r := range ds.Recordings {
		if len(r.Trace.Packets) != want[r.ID] {
			t.Errorf("%s: %d packets, want %d", r.ID, len(r.Trace.Packets), want[r.ID])
		}
		// A capture filtered to one device belongs to it, but for what it
		// does not send itself.
		own := 0
		device := slices.Index(r.Labels.Devices, filepath.Base(r.ID))
		if device < 0 {
			device = slices.Index(r.Labels.Devices, "tplink-plug")
		}
		for _, o := range r.Labels.Owners {
			if int(o) == device {
				own++
			}
		}
		t.Logf("%s: %d of %d packets are the device's", r.ID, own, len(r.Labels.Owners))
	}
}

// Windows of 20 packets, files at even positions training: 1676 and 1275 of
// 29 devices, the commonest of them 0.125 of the test windows.
func TestIoTSentinelWindows(t *testing.T) {
	ds := load1(t, "iot-sentinel-windows", datatest.Recorded(t, "iot_sentinel"))
	folds, err := ds.Split.Folds(&ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	p := folds[0][0]
	classes, test := map[string]int{}, map[string]int{}
	for _, i := range slices.Concat(p.Train, p.Test) {
		r := ds.Recordings[i]
		classes[r.ClipClass()]++
		if len(r.Trace.Packets) != 20 {
			t.Errorf("%s: %d packets", r.ID, len(r.Trace.Packets))
		}
	}
	most := 0
	for _, i := range p.Test {
		test[ds.Recordings[i].ClipClass()]++
		most = max(most, test[ds.Recordings[i].ClipClass()])
	}
	share := fmt.Sprintf("%.3f", float64(most)/float64(len(p.Test)))
	if len(p.Train) != 1676 || len(p.Test) != 1275 || len(classes) != 29 || share != "0.125" {
		t.Errorf("%d and %d windows of %d classes, commonest %s; want 1676, 1275, 29, 0.125", len(p.Train), len(p.Test), len(classes), share)
	}
}

// Without its table of hardware addresses the loader finds 30 of the 31; a
// computer that is in every capture of the last one sends more than it.
func TestIoTSentinelWithoutTable(t *testing.T) {
	dir := datatest.Recorded(t, "iot_sentinel")
	macs, err := sentinelMACs(t.Context(), filepath.Join(dir, "devices.csv"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := glob(dir, "*", "*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	got, err := guessMACs(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for device, want := range macs {
		if got[device] != want && device != "MAXGateway" {
			t.Errorf("%s: found %x, the table says %x", device, got[device], want)
		}
	}
	if len(got) != 31 {
		t.Errorf("%d devices, want 31", len(got))
	}
}

// Bytes per 30 s above 20,000 mark the cameras' events (the description finds
// 37 of 39 and 40 of 42, without a false one): so labels and packets have one
// clock, on both sides of the change of the clocks.
func TestLockCameraWeekLabels(t *testing.T) {
	ds := load1(t, "lock-camera-week", datatest.Recorded(t, "lock_camera_week"))
	labels := map[string]int{}
	for camera, want := range map[string]int{"blink-cam-01": 37, "blink-cam-02": 40} {
		found, all, stray := 0, 0, 0
		for _, r := range ds.Recordings {
			d := slices.Index(r.Labels.Devices, camera)
			bins := map[int64]int{}
			for i, p := range r.Trace.Packets {
				if int(r.Labels.Owners[i]) == d {
					bins[int64(p.Time/(30*time.Second))] += int(p.Size)
				}
			}
			near := map[int64]bool{}
			for _, e := range r.Labels.Events {
				labels[r.Labels.Class(e)]++
				if e.Device != d {
					continue
				}
				hit := false
				for b := int64(e.Start/(30*time.Second)) - 1; b <= int64((e.End+time.Minute)/(30*time.Second)); b++ {
					near[b] = true
					hit = hit || bins[b] > 20000
				}
				if all++; hit {
					found++
				}
			}
			for b, n := range bins {
				if n > 20000 && !near[b] {
					stray++
				}
			}
		}
		if found != want || stray != 0 {
			t.Errorf("%s: %d of %d events stand out, %d bins without event; want %d, 0", camera, found, all, stray, want)
		}
	}
	want := map[string]int{
		"blink-cam-01/motion": 39, "blink-cam-02/motion": 42,
		"schlage-lock-01/lock": 18, "schlage-lock-01/unlock": 18, "schlage-lock-01/batt": 1,
		"ultraloq-hub-01/lock": 176, "ultraloq-hub-01/unlock": 179, // one of each before the captures begin
	}
	for c, n := range want {
		if labels[c] != 2*n { // counted once for each camera
			t.Errorf("%s: %d events, want %d", c, labels[c]/2, n)
		}
	}
	if !strings.Contains(strings.Join(ds.Warnings, "\n"), "2 of 475 events happened outside") {
		t.Errorf("warnings %q", ds.Warnings)
	}
}

// Days begin at local midnight: 05:00 UTC, from the 15th on 04:00.
func TestEasternMidnights(t *testing.T) {
	start := time.Date(2021, 3, 12, 14, 30, 0, 0, time.UTC)
	var got []string
	for _, at := range easternMidnights(datasets.Trace{Start: start, End: 80 * time.Hour}) {
		got = append(got, start.Add(at).Format("02T15"))
	}
	if s := strings.Join(got, " "); s != "13T05 14T05 15T04" {
		t.Errorf("midnights at %s", s)
	}
}

// Each switch command is a 213-byte payload from the cloud at that very time.
func TestSmartPlugDayLabels(t *testing.T) {
	ds := load1(t, "smart-plug-day", datatest.Recorded(t, "smart_plug_day"))
	commands := 0
	for _, r := range ds.Recordings {
		for _, e := range r.Labels.Events {
			if e.Activity != "switch_command" {
				continue
			}
			commands++
			if !slices.ContainsFunc(r.Trace.Packets, func(p datasets.Packet) bool {
				d := p.Time - e.Start
				return max(d, -d) < time.Microsecond && p.Payload == 213 && p.Dir == datasets.Down
			}) {
				t.Errorf("%s: no such packet at %v", r.ID, e.Start)
			}
		}
	}
	if commands != 153 {
		t.Errorf("%d commands, want 153", commands)
	}
}

// The times in the names are those of the label list beside the captures.
func TestEchoCapturesLabels(t *testing.T) {
	dir := datatest.Recorded(t, "echo_voice")
	ds := load1(t, "echo-voice-captures", dir)
	got := map[string]bool{}
	for _, r := range ds.Recordings {
		for _, e := range r.Labels.Events {
			got[fmt.Sprintf("captures/%s.pcapng %d %s", r.ID, int(e.Start.Seconds()), e.Activity)] = true
		}
	}
	for _, r := range readCSV(t, filepath.Join(dir, "capture_events.csv"))[1:] {
		if key := r[0] + " " + r[1] + " " + r[2]; !got[key] {
			t.Errorf("no event %s", key)
		}
	}
}

// Transport messages of a real tunnel: 32 bytes and the inner packet, padded
// to 16 but never past the tunnel's 1420 bytes; 936 of 1212 carry 1452.
func TestVPNSamplesWireGuard(t *testing.T) {
	ds := load1(t, "vpn-samples", datatest.Recorded(t, "vpn_samples"))
	i := slices.IndexFunc(ds.Recordings, func(r datasets.Recording) bool { return r.ID == "wireguard_download" })
	count := map[int32]int{}
	for _, p := range ds.Recordings[i].Trace.Packets {
		count[p.Payload]++
	}
	if count[148] != 5 || count[92] != 5 || count[1452] != 936 {
		t.Errorf("%d initiations, %d responses, %d full messages; want 5, 5, 936", count[148], count[92], count[1452])
	}
}

func TestUtterances(t *testing.T) {
	command, at, err := utterances("what_time_is_it_5_0_18_31_capture")
	if err != nil || command != "what_time_is_it" || fmt.Sprint(at) != "[0s 18s 31s]" {
		t.Errorf("%q %v %v", command, at, err)
	}
	for _, stem := range []string{"alexa", "alexa_5_", "alexa_5_9_3", "alexa_5_x", "alexa_5_-1"} {
		if _, _, err := utterances(stem); err == nil {
			t.Errorf("%q is no error", stem)
		}
	}
}

// pcapFile writes UDP packets, one a second, from 192.168.1.2 (20:00:00:00:00:01)
// to 9.9.9.9 by turns, with payloads of the given lengths.
func pcapFile(t *testing.T, name string, start int64, payloads ...int) {
	t.Helper()
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0)
	near, far := []byte{0x20, 0, 0, 0, 0, 1}, []byte{0x20, 0, 0, 0, 0, 9}
	home, net := []byte{192, 168, 1, 2}, []byte{9, 9, 9, 9}
	for i, n := range payloads {
		src, dst, from, to := near, far, home, net
		if i%2 == 1 {
			src, dst, from, to = far, near, net, home
		}
		f := append(slices.Concat(dst, src), 8, 0, 0x45, 0)
		f = binary.BigEndian.AppendUint16(f, uint16(28+n))
		f = append(f, 0, 0, 0, 0, 64, 17, 0, 0)
		f = append(f, slices.Concat(from, to)...)
		f = append(f, 0x10, 0, 0x10, 0)
		f = binary.BigEndian.AppendUint16(f, uint16(8+n))
		f = append(f, make([]byte, 2+n)...)
		for _, v := range []int64{start + int64(i), 0, int64(len(f)), int64(len(f))} {
			b = le.AppendUint32(b, uint32(v))
		}
		b = append(b, f...)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSeen: stays worked out by hand. The timetable's lock is nobody; the cameras'
// labels an hour apart are one visit, longer ones are two.
func TestSeen(t *testing.T) {
	at := func(minutes, device int) datasets.Event {
		m := time.Duration(minutes) * time.Minute
		return datasets.Event{Start: m, End: m, Device: device}
	}
	got := ""
	for _, s := range seen([]datasets.Event{at(10, 1), at(30, 0), at(60, 1), at(90, 0), at(160, 0), at(300, 1)}, []string{"cam", lockOnTimetable}) {
		got += fmt.Sprintf("%.0f-%.0f:%d ", s.Start.Minutes(), s.End.Minutes(), s.Home)
		if s.Asleep {
			t.Errorf("somebody sleeps: %+v", s)
		}
	}
	if want := "10-30:0 30-105:1 105-160:0 160-175:1 175-300:0 "; got != want {
		t.Errorf("stays %q, want %q", got, want)
	}
	if s := seen([]datasets.Event{at(10, 0)}, []string{lockOnTimetable}); s != nil {
		t.Errorf("stays %v of a timetable", s)
	}
}

// TestLockCameraWeekStays: somebody is seen on each day but the shortest, mostly
// nobody is, and nothing is said beyond the labels.
func TestLockCameraWeekStays(t *testing.T) {
	ds := load1(t, "lock-camera-week", datatest.Recorded(t, "lock_camera_week"))
	var there, nobody time.Duration
	for _, r := range ds.Recordings {
		for _, s := range r.Labels.Stays {
			if s.Start < 0 || s.End > r.Trace.End {
				t.Errorf("%s: %+v of %v", r.ID, s, r.Trace.End)
			}
			if s.Home > 0 {
				there += s.End - s.Start
			} else {
				nobody += s.End - s.Start
			}
		}
		t.Log(r.ID, r.Labels.Stays)
	}
	if there < 4*time.Hour || there > 10*time.Hour || nobody < 160*time.Hour {
		t.Errorf("somebody is there for %v, nobody for %v", there, nobody)
	}
}

// Label files that are absent, right and wrong, on small captures.
func TestLockCameraWeekFiles(t *testing.T) {
	dir := t.TempDir()
	const start = 1615266000 - 2 // 2 s before local midnight of 2021-03-09
	pcapFile(t, filepath.Join(dir, "pcaps", "cam.pcap"), start, 10, 20, 30, 40)
	pcapFile(t, filepath.Join(dir, "pcaps", "lock.pcap"), start+1, 50, 60)
	ds := load1(t, "lock-camera-week", dir)
	if got, want := sum(t, ds), (sums{2, 2, 6, 0, 0}); got != want || ds.Recordings[1].ID != "2021-03-09" {
		t.Errorf("%+v, want %+v", got, want)
	}
	if !slices.Equal(ds.Tasks, []datasets.Task{datasets.TaskDevice}) {
		t.Errorf("tasks %v without labels", ds.Tasks)
	}
	if fmt.Sprint(ds.Recordings[0].Labels.Owners, ds.Recordings[1].Labels.Owners) != "[0 0 1] [0 1 0]" {
		t.Errorf("owners %v %v", ds.Recordings[0].Labels.Owners, ds.Recordings[1].Labels.Owners)
	}
	const head = "epoch_utc,local_time,resolution_s,device,pcap,event,label_source\n"
	events := filepath.Join(dir, "events.csv")
	writeFile(t, events, head+"1615266000,x,1,lock,pcaps/lock.pcap,event_lock,y\n")
	if ds = load1(t, "lock-camera-week", dir); ds.Recordings[1].ClipClass() != "lock/lock" || ds.Recordings[1].Labels.Events[0].Start != 0 {
		t.Errorf("events %v", ds.Recordings[1].Labels.Events)
	}
	for _, c := range []struct{ text, want string }{
		{"", ":1: no header line"},
		{"a,b\n", `:1: no column "epoch_utc"`},
		{head + "soon,x,1,lock,pcaps/lock.pcap,event_lock,y\n", `:2: time "soon"`},
		{head + "1615266000,x,0,lock,pcaps/lock.pcap,event_lock,y\n", `:2: resolution_s "0"`},
		{head + "\n1615266000,x,1,lock,pcaps/door.pcap,event_lock,y\n", `:3: no capture "pcaps/door.pcap"`},
		{head + "1615266000,x,1\n", ":2: wrong number of fields"},
	} {
		writeFile(t, events, c.text)
		if _, err := readLockCameraWeek(t.Context(), dir); err == nil || !strings.Contains(err.Error(), events+c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	writeFile(t, events, head)
	writeFile(t, filepath.Join(dir, "devices.csv"), "pcap,mac\npcaps/cam.pcap,20:00\n")
	if _, err := readLockCameraWeek(t.Context(), dir); err == nil || !strings.Contains(err.Error(), `devices.csv:2: hardware address "20:00"`) {
		t.Errorf("%v", err)
	}
}

func TestSmartPlugDayFiles(t *testing.T) {
	dir := t.TempDir()
	pcapFile(t, filepath.Join(dir, "active.pcap"), 1e9, make([]int, 400)...)
	pcapFile(t, filepath.Join(dir, "passive.pcap"), 2e9, 1, 2)
	writeFile(t, filepath.Join(dir, "active_events.csv"), "offset_s,epoch_utc,event\n5,0,timer\n7.5,0,manual_switching_begins\n310.000000001,0,manual_switching_ends\n")
	ds := load1(t, "smart-plug-day-named", dir)
	if got, want := sum(t, ds), (sums{3, 2, 402, 3, 402}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	e := ds.Recordings[1].Labels.Events[0]
	if e.Activity != "manual_switching" || e.Start != 0 || e.End != 10*time.Second+1 {
		t.Errorf("event %v", e)
	}
	ds = load1(t, "smart-plug-day", dir)
	if !strings.Contains(strings.Join(ds.Warnings, "\n"), "no active_switch_commands.csv") || sum(t, ds).events != 1 {
		t.Errorf("%d events, warnings %q", sum(t, ds).events, ds.Warnings)
	}
	writeFile(t, filepath.Join(dir, "active_events.csv"), "offset_s,event\n-5,timer\n")
	if _, err := readSmartPlugDay(t.Context(), dir); err == nil || !strings.Contains(err.Error(), `active_events.csv:2: time "-5"`) {
		t.Errorf("%v", err)
	}
}

// A set of captures that is missing, empty or cut is an error that names it.
func TestLoadErrors(t *testing.T) {
	for _, name := range Names() {
		dir := t.TempDir()
		if _, err := Load(t.Context(), name, filepath.Join(dir, "absent")); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s of an absent folder: %v", name, err)
		}
		if _, err := Load(t.Context(), name, dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s of an empty folder: %v", name, err)
		}
	}
	if _, err := Load(t.Context(), "iotevent", ""); err == nil || !strings.Contains(err.Error(), `did you mean "iotevents"`) {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	cut := filepath.Join(dir, "pcaps", "cam.pcap")
	pcapFile(t, cut, 1615266000, 10, 20)
	if err := os.Truncate(cut, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := readLockCameraWeek(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "cam.pcap") {
		t.Errorf("%v", err)
	}
}

func TestNaturally(t *testing.T) {
	names := []string{"x-10", "x-2", "x-02", "x", "y-1", "x-2b"}
	slices.SortFunc(names, naturally)
	if got := strings.Join(names, " "); got != "x x-2 x-2b x-02 x-10 y-1" {
		t.Errorf("%s", got)
	}
}

func FuzzTable(f *testing.F) {
	f.Add("epoch_utc,resolution_s,pcap,event\n1615266000,1,lock,x\n\"a\nb\",c,d,e\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := parseTable(strings.NewReader(text), []string{"event", "pcap"})
		if err != nil && (err.Error() == "" || err.Error()[0] < '0' || err.Error()[0] > '9') {
			t.Fatalf("error without a line: %v", err)
		}
		for _, r := range rows {
			if len(r.fields) != 2 || r.line < 2 {
				t.Fatalf("row %+v", r)
			}
		}
	})
}
