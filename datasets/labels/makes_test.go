package labels

import (
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
)

// TestTimesOfEveryMake has one moment, 2023-11-14 22:13:25 UTC, as programs and
// people write it.
func TestTimesOfEveryMake(t *testing.T) {
	want := time.Date(2023, 11, 14, 22, 13, 25, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, zone := range map[string]*time.Location{
		"1700000005": nil, "1700000005.000": nil, "1700000005000": nil, "1700000005000000": nil, "1700000005000000000": nil, "1.700000005e9": nil, `"1700000005,000"`: nil,
		"2023-11-14T22:13:25Z": nil, "2023-11-14 22:13:25+00:00": nil, "2023-11-14 22:13:25.000000+00:00": nil, "2023-11-14T23:13:25+0100": nil, "2023-11-14 23:13:25 +0100": nil,
		"2023-11-14 23:13:25+01": nil, "2023-11-14 22:13:25 UTC": nil, "2023-11-14 22:13:25": nil, "2023-11-14 23:13:25": berlin, `"2023-11-14 23:13:25,000"`: berlin,
		"2023/11/14 22:13:25": nil, "14.11.2023 22:13:25": nil, "14.11.23 22:13:25": nil, "14/11/2023 22:13:25": nil, "11/14/2023 10:13:25 PM": nil, "11/14/2023 10:13:25PM": nil,
		"11/14/2023 10:13:25 p.m.": nil, "2023-11-14 10:13:25 pm": nil, "20231114 221325": nil, "14 Nov 2023 22:13:25": nil, `"Nov 14, 2023, 10:13:25 PM"`: nil, `"Nov 14, 2023 10:13:25 PM"`: nil,
		"Tue Nov 14 22:13:25 2023": nil, `"Tue, 14 Nov 2023 22:13:25 GMT"`: nil, "14-Nov-2023 22:13:25": nil, "2023-11-14t22:13:25z": nil,
	} {
		f, err := Read(strings.NewReader("time,device,activity\n"+text+",plug,on\n"), "l.csv", Options{Zone: zone})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.events[0].start.wall; !got.Equal(want) {
			t.Errorf("%s: %v", text, got)
		}
		unzoned := strings.Contains(strings.Join(f.warnings, " "), "taken for UTC")
		if zone != nil && unzoned {
			t.Errorf("%s: %q", text, f.warnings)
		}
	}

	// Relative times, by the column's unit and by the comma of half the world.
	for text, want := range map[string]time.Duration{
		"time;device;activity\n5,250;plug;on\n":                      5250 * time.Millisecond,
		"time,device,activity\n\"5,25\",plug,on\n":                   5250 * time.Millisecond,
		"time_ms,device,activity\n5250,plug,on\n":                    5250 * time.Millisecond,
		"time (us),device,activity\n5250000,plug,on\n":               5250 * time.Millisecond,
		"Time [s];Device Name;Event\n5.25;plug;on\n":                 5250 * time.Millisecond,
		"start_time,end_time,appliance,action\n1,2,plug,on\n":        time.Second,
		"# Offset = -1,5 s\ntime,device,activity\n3,plug,on\n":       1500 * time.Millisecond,
		"# offset: -2\ntime,device,activity\n3,plug,on\n":            time.Second,
		"# OFFSET: -2s,,\ntime,device,activity\n3,plug,on\n":         time.Second,
		"# clock: start\ntime,device,activity\n2000000000,plug,on\n": 2000000000 * time.Second,
	} {
		f, err := Read(strings.NewReader(text), "l.csv", Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.events[0].start; got.since != want || !got.wall.IsZero() {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestHoursThatAreShownTwice(t *testing.T) {
	head := "# zone: Europe/Berlin\ntime,device,activity\n"
	for text, want := range map[string]string{
		"2023-10-29 02:30:00": `l.csv:3: time "2023-10-29 02:30:00" happened twice in Europe/Berlin, when summer time ended; write its offset behind it, as in 2023-10-29 02:30:00+02:00 (the first) or 2023-10-29 02:30:00+01:00 (the second)`,
		"2023-10-29 02:00:00": "happened twice",
		"2023-03-26 02:30:00": `time "2023-03-26 02:30:00" does not exist in Europe/Berlin`,
	} {
		if _, err := Read(strings.NewReader(head+text+",plug,on\n"), "l.csv", Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"2023-10-29 01:59:59": "2023-10-28T23:59:59Z", "2023-10-29 03:00:00": "2023-10-29T02:00:00Z", "2023-10-29 02:30:00+02:00": "2023-10-29T00:30:00Z",
		"2023-03-26 03:00:00": "2023-03-26T01:00:00Z", "2023-07-01 12:00:00": "2023-07-01T10:00:00Z",
	} {
		f, err := Read(strings.NewReader(head+text+",plug,on\n"), "l.csv", Options{})
		if err != nil || f.events[0].start.wall.Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v", text, f, err)
		}
	}
}

func TestDatesWithStrokes(t *testing.T) {
	for text, want := range map[string]string{
		"03/04/2023 10:00:00,p,on\n25/04/2023 10:00:00,p,on\n": "2023-04-03",
		"03/04/2023 10:00:00,p,on\n04/25/2023 10:00:00,p,on\n": "2023-03-04",
		"03/04/2023 10:00:00 AM,p,on\n":                        "2023-03-04",
	} {
		f, err := Read(strings.NewReader("time,device,activity\n"+text), "l.csv", Options{})
		if err != nil || f.events[0].start.wall.Format(time.DateOnly) != want {
			t.Errorf("%s: %+v %v, want %s", text, f, err, want)
		}
	}
	const doubt = "time,device,activity\n03/04/2023 10:00:00,p,on\n"
	if _, err := Read(strings.NewReader(doubt), "l.csv", Options{}); err == nil || !strings.Contains(err.Error(), "# dates: day-first") {
		t.Error(err)
	}
	for order, want := range map[string]string{"day-first": "2023-04-03", "month-first": "2023-03-04"} {
		f, err := Read(strings.NewReader("# dates: "+order+"\n"+doubt), "l.csv", Options{})
		if err != nil || f.events[0].start.wall.Format(time.DateOnly) != want {
			t.Errorf("%s: %+v %v", order, f, err)
		}
	}
}

func TestColumnsOfEveryMake(t *testing.T) {
	for _, text := range []string{
		"entity_id,state,last_changed\nplug,on,2023-11-14T22:13:25.000Z\n",
		"Date,Time,Device,Action,Comment\n2023-11-14,22:13:25,plug,on,by hand\n",
		"timestamp,device,event,duration\n1700000005,plug,on,3\n",
		"Label;Appliance;Datetime\non;plug;14.11.2023 22:13:25\n",
	} {
		f, err := Read(strings.NewReader(text), "l.csv", Options{})
		if err != nil || len(f.events) != 1 || f.events[0].device != "plug" || f.events[0].activity != "on" || f.events[0].start.wall.Unix() != 1700000005 {
			t.Errorf("%q: %+v %v", text, f, err)
		}
	}
	for text, want := range map[string]string{
		"time,device,activity\n5,000,plug,on\n":     "l.csv:2: 4 cells below a header of 3",
		"# ofset: -20s\ntime,device,activity\n":     `l.csv:1: unknown directive "ofset"; did you mean "offset"?`,
		"# clok: epoch\ntime,device,activity\n":     `did you mean "clock"`,
		"# offset: soon\ntime,device,activity\n":    `l.csv:1: offset "soon"`,
		"time,device,activity\n22:13:25,plug,on\n":  `l.csv:2: time "22:13:25"; want seconds, or a date and a time`,
		"tiem,device,activity\n1,plug,on\n":         `l.csv:1: unknown column "tiem"; did you mean "time"?`,
		"1700000005,plug,on\n1700000006,plug,off\n": "l.csv:1: columns",
	} {
		if _, err := Read(strings.NewReader(text), "l.csv", Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"# note: by hand\n", "# recorded by: somebody\n", "# https://example.com\n", "# home: 3\n"} {
		if _, err := Read(strings.NewReader(text+"time,device,activity\n"), "l.csv", Options{}); err != nil {
			t.Error(err)
		}
	}
}

func TestAddressesOfEveryMake(t *testing.T) {
	for text, want := range map[string]string{
		"02:aa:00:00:00:23": "02:aa:00:00:00:23", "2:aa:0:0:0:23": "02:aa:00:00:00:23", "02-AA-00-00-00-23": "02:aa:00:00:00:23", "02aa.0000.0023": "02:aa:00:00:00:23",
		"02aa00000023": "02:aa:00:00:00:23", "02:bb:aa:00:00:00:00:11": "02:bb:aa:00:00:11", "02bbaa0000000011": "02:bb:aa:00:00:11", "0x02bbaa0000000011": "02:bb:aa:00:00:11",
		"192.168.1.23": "192.168.1.23", "2001:db8::1": "2001:db8::1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2:3:4:5:6", "1:2:3:4:5:6:7:8": "1:2:3:4:5:6:7:8", "0x0023": "0x0023", "fe80::1%eth0": "fe80::1",
	} {
		f, err := Read(strings.NewReader("address,device\n"+text+",plug\n"), "o.csv", Options{})
		if err != nil || f.owners[0].address() != want {
			t.Errorf("%s: %+v %v", text, f, err)
		}
	}
	f, err := Read(strings.NewReader("Device Name,MAC ADDRESS,IP,Connection\nplug,2:aa:0:0:0:23 2:aa:0:0:0:24,192.168.1.23,Wireless\n"), "o.csv", Options{})
	if err != nil || len(f.owners) != 3 {
		t.Errorf("%+v %v", f, err)
	}
	for _, text := range []string{"2:aa:0:0:23", "02:aa:00:00:00:233", "192.168.1.23/32", "plug", "0x123456"} {
		if _, err := Read(strings.NewReader("address,device\n"+text+",plug\n"), "o.csv", Options{}); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

// TestStaleAddresses has an IP address that another device has by now: it owns a
// hardware address, and that decides.
func TestStaleAddresses(t *testing.T) {
	owners := readLabels(t, "address,device\n02:00:00:00:00:02,plug\n02:00:00:00:00:09,bulb\n192.168.0.2,bulb\n", Options{})
	tr := labeledTrace()
	l, err := Apply(tr, owners)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range tr.Packets {
		if f := tr.Flows[p.Flow]; f.MAC == (datasets.MAC{2, 0, 0, 0, 0, 2}) && l.Devices[l.Owners[i]] != "plug" {
			t.Errorf("packet %d is %s's", i, l.Devices[l.Owners[i]])
		}
	}
}

func FuzzLabels(f *testing.F) {
	f.Add("# offset: -2s\ntime;device;activity\n5,0;plug;on\n")
	f.Add("Device Name,MAC ADDRESS,from,to\nplug,2:aa:0:0:0:23,1,2\n")
	f.Add("# dates: day-first\ntime,actions\n03/04/2023 10:00 PM,on:2;off\n")
	f.Fuzz(func(t *testing.T, text string) {
		lf, err := Read(strings.NewReader(text), "l.csv", Options{})
		if err != nil {
			return
		}
		tr := labeledTrace()
		l, err := Apply(tr, lf)
		if err != nil {
			return
		}
		for _, e := range l.Events {
			if e.Start < 0 || e.Start > tr.End || e.End < e.Start || e.End > tr.End || strings.Contains(l.Devices[e.Device], "/") {
				t.Fatalf("%+v", e)
			}
		}
	})
}
