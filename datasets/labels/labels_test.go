package labels

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
)

func readLabels(t *testing.T, text string, o Options) *File {
	t.Helper()
	f, err := Read(strings.NewReader(text), "l.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var labelStart = time.Date(2021, 3, 8, 17, 0, 0, 0, time.UTC)

func labeledTrace() datasets.Trace {
	a := netip.MustParseAddrPort
	return datasets.Trace{
		Start: labelStart,
		End:   time.Hour,
		Flows: []datasets.Flow{
			{Proto: 6, Local: a("192.168.0.2:1"), Remote: a("1.1.1.1:443"), MAC: datasets.MAC{2, 0, 0, 0, 0, 2}},
			{Proto: 6, Local: a("192.168.0.3:1"), Remote: a("1.1.1.1:443"), MAC: datasets.MAC{2, 0, 0, 0, 0, 3}},
			{Proto: 17, Local: a("192.168.0.9:1"), Remote: a("192.168.0.3:9"), LAN: true},
			{Proto: 17, Local: a("192.168.0.9:1"), Remote: a("8.8.8.8:53")},
		},
		Packets: []datasets.Packet{{Size: 60}, {Time: 1, Size: 60, Flow: 1}, {Time: 2, Size: 60, Flow: 2}, {Time: 3, Size: 60, Flow: 3}},
	}
}

func TestReadKnowsItsClocks(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		o    Options
		want time.Duration
	}{
		"seconds since the start":   {"time,device,activity\n12.5,plug,on\n", Options{}, 12500 * time.Millisecond},
		"offset":                    {"time,device,activity\n12.5,plug,on\n", Options{Offset: -time.Second}, 11500 * time.Millisecond},
		"offset in the file":        {"# offset: 2s\ntime,device,activity\n1,plug,on\n", Options{}, 3 * time.Second},
		"Unix time":                 {"# clock: epoch\ntime,device,activity\n1615222800.123456789,plug,on\n", Options{}, 123456789},
		"RFC 3339 with zone":        {"time,device,activity\n2021-03-08T12:00:01-05:00,plug,on\n", Options{}, time.Second},
		"local time, zone stated":   {"# zone: America/New_York\ntime,device,activity\n2021-03-08 12:00:02,plug,on\n", Options{}, 2 * time.Second},
		"byte order mark, CRLF":     {"\ufefftime,device,activity\r\n7,plug,on\r\n", Options{}, 7 * time.Second},
		"columns in another order":  {"activity,time,device\non,7,plug\n", Options{}, 7 * time.Second},
		"exponent":                  {"time,device,activity\n1e1,plug,on\n", Options{}, 10 * time.Second},
		"negative, moved by offset": {"time,device,activity\n-0.5,plug,on\n", Options{Offset: time.Second}, 500 * time.Millisecond},
	} {
		l, err := Apply(labeledTrace(), readLabels(t, tc.text, tc.o))
		if err != nil || len(l.Doubts)+len(l.Warnings) > 0 {
			t.Errorf("%s: %v %v %v", name, err, l.Doubts, l.Warnings)
			continue
		}
		if e := l.Events[0]; e.Start != tc.want || e.End != tc.want || l.Class(e) != "plug/on" {
			t.Errorf("%s: %+v, want at %v", name, e, tc.want)
		}
	}
}

func TestReadNamesFileAndLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                         "l.csv: no header line",
		"tine,device,activity\n":                   `l.csv:1: unknown column "tine"`,
		"time,time,device\n":                       `l.csv:1: column "time" occurs twice`,
		"time,device\n":                            `l.csv:1: columns "time,device"; want`,
		"time,device,activity\n1,plug":             "l.csv:2: empty activity",
		"time,device,activity\n1,,on\n":            `l.csv:2: device ""; want a name`,
		"time,device,activity\n1,plug,\n":          "l.csv:2: empty activity",
		"time,device,activity\nx,plug,on\n":        `l.csv:2: time "x"; want seconds, or a date and a time`,
		"time,device,activity\nNaN,plug,on\n":      `l.csv:2: time "NaN"`,
		"start,end,device,activity\n2,1,plug,on\n": "l.csv:2: end is before start",
		"start,end,device,activity\n2,2021-03-08T12:00:00Z,p,on\n": "different clocks",
		"address,device\nplug,plug\n":                              `l.csv:2: "plug" is neither a hardware nor an IP address`,
		"time,actions\n1,on:0\n":                                   `l.csv:2: action count "0"`,
		"time,actions\n1,on;on\n":                                  `l.csv:2: action "on" occurs twice`,
		"time,actions\n1,\n":                                       `l.csv:2: actions ""`,
		"# zone: Nowhere\ntime,device,activity\n":                  "l.csv:1: unknown time zone Nowhere",
		"# clock: sundial\ntime,device,activity\n":                 `l.csv: clock "sundial"`,
	} {
		_, err := Read(strings.NewReader(text), "l.csv", Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestApplyFindsOwners(t *testing.T) {
	owners := readLabels(t, "address,device\n02:00:00:00:00:02,plug\n192.168.0.3,bulb\n", Options{})
	l, err := Apply(labeledTrace(), owners)
	if err != nil || len(l.Doubts)+len(l.Warnings) > 0 {
		t.Fatal(err, l.Doubts, l.Warnings)
	}
	// Devices are sorted: bulb 0, plug 1. Packet 2 goes to the bulb inside the
	// home; packet 3 is nobody's.
	if want := []int32{1, 0, 0, -1}; !slices.Equal(l.Owners, want) || !slices.Equal(l.Devices, []string{"bulb", "plug"}) {
		t.Fatalf("%v of %v", l.Owners, l.Devices)
	}
}

func TestApplyReportsWhatDoesNotFit(t *testing.T) {
	ev := "time,device,activity\n"
	own := "address,device\n192.168.0.2,plug\n"
	for name, tc := range map[string]struct {
		files            []string
		warning, failure string
	}{
		"outside":            {[]string{ev + "5,plug,on\n9000,plug,off\n"}, "1 of 2 labels lie outside of the recording (2021-03-08T17:00:00Z to 2021-03-08T18:00:00Z): line 3", ""},
		"all outside":        {[]string{ev + "9000,plug,on\n"}, "", "l.csv:2: none of 1 labels lies in the recording"},
		"contradiction":      {[]string{ev + "5,plug,on\n5,plug,off\n"}, "different activities of one device at one moment: lines 2, 3", ""},
		"unknown device":     {[]string{own, ev + "5,plgu,on\n"}, "", `l.csv:2: device "plgu" owns no address; did you mean "plug"?`},
		"address twice":      {[]string{own + "192.168.0.2,bulb\n"}, "", "l.csv:3: address 192.168.0.2 has an owner already (l.csv:2)"},
		"unused address":     {[]string{own + "192.168.0.77,bulb\n"}, "addresses that no packet has: line 3", ""},
		"no address matches": {[]string{"address,device\n192.168.0.77,bulb\n"}, "", "l.csv:2: none of its addresses occurs"},
	} {
		var files []*File
		for _, text := range tc.files {
			files = append(files, readLabels(t, text, Options{}))
		}
		l, err := Apply(labeledTrace(), files...)
		if tc.failure != "" {
			if err == nil || !strings.Contains(err.Error(), tc.failure) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(l.Doubts) != 1 || !strings.Contains(l.Doubts[0].String(), tc.warning) {
			t.Errorf("%s: %v %q", name, err, l.Doubts)
		}
	}
}

func TestReadCommandsAndStates(t *testing.T) {
	f := readLabels(t, "time,device,actions\n3,hub,on:2; color\n", Options{})
	l, err := Apply(labeledTrace(), f, readLabels(t, "start,end,device,activity\n2,9,cam,stream\n1,,cam,motion\n", Options{}))
	if err != nil {
		t.Fatal(err)
	}
	c := l.Commands[0]
	if c.Time != 3*time.Second || !slices.Equal(c.Actions, []datasets.ActionCount{{Action: "color", Count: 1}, {Action: "on", Count: 2}}) || l.Devices[c.Device] != "hub" {
		t.Errorf("%+v", c)
	}
	if e := l.Events[1]; e.Start != 2*time.Second || e.End != 9*time.Second || l.Events[0].Activity != "motion" {
		t.Errorf("%+v", l.Events)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("time,device,activity\n1,plug,on\n")
	f.Add("# clock: epoch\nstart,end,device,activity\n1615222800,1615222801.5,plug,on\n")
	f.Add("address,device\n02:00:00:00:00:02,plug\n")
	f.Add("time,actions\n1,on:2;color\n")
	f.Fuzz(func(t *testing.T, text string) {
		lf, err := Read(strings.NewReader(text), "l.csv", Options{})
		if err != nil {
			return
		}
		l, err := Apply(labeledTrace(), lf)
		if err != nil {
			return
		}
		for _, e := range l.Events {
			if e.Start < 0 || e.Start > time.Hour || e.End < e.Start || e.Device >= len(l.Devices) {
				t.Fatalf("%+v", e)
			}
		}
	})
}

// Stays: who was home when, cut to the recording; a home is in one state at a time.
func TestStays(t *testing.T) {
	l, err := Apply(labeledTrace(), readLabels(t, "start,end,home,asleep\n-60,600,2,true\n600,1200,0,\n1200,7200,-1,false\n", Options{}))
	m := time.Minute
	want := []datasets.Stay{{End: 10 * m, Home: 2, Asleep: true}, {Start: 10 * m, End: 20 * m}, {Start: 20 * m, End: time.Hour, Home: -1}}
	if err != nil || !slices.Equal(l.Stays, want) || len(l.Doubts)+len(l.Warnings) > 0 {
		t.Errorf("%v %v %v %v, want %v", err, l.Stays, l.Doubts, l.Warnings, want)
	}

	for text, word := range map[string]string{
		"0,60,two,\n":              "how many people",
		"0,60,-2,\n":               "how many people",
		"0,60,1,deeply\n":          "true or false",
		"0,60,0,true\n":            "nobody is at home",
		"60,60,1,\n":               "end is not after start",
		"0,2021-03-08T17:00Z,1,\n": "different clocks",
	} {
		if _, err := Read(strings.NewReader("start,end,home,asleep\n"+text), "l.csv", Options{}); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want %q", text, err, word)
		}
	}
	for text, word := range map[string]string{"0,60,1,\n30,90,0,\n": "at one time", "7200,7260,1,\n": "--label-offset"} {
		if _, err := Apply(labeledTrace(), readLabels(t, "start,end,home,asleep\n"+text, Options{})); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want %q", text, err, word)
		}
	}
}
