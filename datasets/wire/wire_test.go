package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/wire"
)

// some is a trace with every kind of flow.
func some() datasets.Trace {
	return datasets.Trace{
		Start: time.Date(2026, 3, 1, 10, 0, 0, 5, time.FixedZone("", 3600)), End: time.Hour,
		Flows: []datasets.Flow{
			{Proto: 6, Local: netip.MustParseAddrPort("192.168.0.14:50122"), Remote: netip.MustParseAddrPort("203.0.113.9:443"), Host: "api.example", MAC: datasets.MAC{0x50, 0xc7, 0xbf, 0, 0, 1}},
			{Proto: 17, Local: netip.MustParseAddrPort("[fe80::1%eth0]:5"), Remote: netip.MustParseAddrPort("[::ffff:1.2.3.4]:53"), Query: "quote\" back\\ \u00e9 \xff"},
			{MAC: datasets.MAC{1}, Peer: datasets.MAC{2}, LAN: true},
		},
		Packets: []datasets.Packet{{Time: 0, Size: 74}, {Time: 1200000, Size: 1514, Payload: 1448, Dir: datasets.Down}, {Time: time.Hour, Size: 60, Payload: 6, Flow: 2}},
	}
}

func TestTraceComesBack(t *testing.T) {
	for _, in := range []datasets.Trace{some(), {}, {End: time.Second, Flows: []datasets.Flow{}}} {
		text := wire.AppendTrace(nil, in)
		if !json.Valid(text) {
			t.Fatalf("no JSON: %s", text)
		}
		r := wire.NewReader(text)
		out, err := wire.ReadTrace(r, in)
		if err != nil || r.End() != nil {
			t.Fatal(err)
		}
		if len(in.Packets) == 0 {
			in.Packets, out.Packets = nil, nil
			in.Flows, out.Flows = nil, nil
		}
		if !reflect.DeepEqual(out, in) {
			t.Errorf("%+v, want %+v", out, in)
		}
	}
}

func TestTracesThatAreNone(t *testing.T) {
	const rest = `"time_ns":[1],"size":[60],"payload":[0],"flow":[0],"dir":"u"`
	for text, want := range map[string]string{
		`[]`:                            "want an object",
		`{` + rest:                      `want a comma or '}', but the line ends`,
		`{"time_ns":[1]}`:               "there is no column size",
		`{` + rest + `,"size":[60,61]}`: "the column comes twice",
		strings.Replace(`{`+rest+`}`, "[60]", "[60 61]", 1):       "want a comma",
		strings.Replace(`{`+rest+`}`, "[60]", "[60,61]", 1):       "columns of unequal length: time_ns has 1 entries where another has 2",
		strings.Replace(`{`+rest+`}`, "[60]", "[6.5]", 1):         "size: packet 0: byte 23: want a whole number",
		strings.Replace(`{`+rest+`}`, "[60]", "[-1]", 1):          "size: packet 0: -1: want a number from 0",
		strings.Replace(`{`+rest+`}`, "[60]", "[99999999999]", 1): "packet 0: 99999999999: want a number from 0 to 2147483647",
		strings.Replace(`{`+rest+`}`, "[60]", "[NaN]", 1):         "want a whole number",
		strings.Replace(`{`+rest+`}`, "[60]", "[060]", 1):         "want a whole number",
		strings.Replace(`{`+rest+`}`, "[1]", "[1e3]", 1):          "time_ns: packet 0",
		strings.Replace(`{`+rest+`}`, `"u"`, `"x"`, 1):            `dir: packet 0: 'x': want u or d`,
		`{"flows":[{"proto":300}],` + rest + `}`:                  "flow 0: proto 300",
		`{"flows":[{"mac":"zz"}],` + rest + `}`:                   "want six bytes",
		`{"flows":[{"local":"nowhere"}],` + rest + `}`:            "flow 0",
		`{"start":"yesterday",` + rest + `}`:                      "start: parsing time",
		strings.Repeat(`{"a":`, 100):                              "more than 64 deep",
		"{\"a\":\"\x01\"}":                                        "control character",
	} {
		_, err := wire.ReadTrace(wire.NewReader([]byte(text)), datasets.Trace{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestLabelsAreJSON(t *testing.T) {
	l := datasets.Labels{
		Devices: []string{"hub", "plug"}, Owners: []int32{0, -1}, Cause: []int32{0, -1},
		Events:   []datasets.Event{{Start: 1, End: 2, Device: 1, Activity: "on"}},
		Commands: []datasets.Command{{Time: 3, Device: 0, Actions: []datasets.ActionCount{{Action: "on", Count: 2}}}},
		Stays:    []datasets.Stay{{Start: 0, End: 9, Home: 2, Asleep: true}},
	}
	const want = `{"devices":["hub","plug"],"owners":[0,-1],"cause":[0,-1],"events":[{"start_ns":1,"end_ns":2,"class":"plug/on"}],` +
		`"commands":[{"time_ns":3,"device":0,"actions":[["on",2]]}],"stays":[{"start_ns":0,"end_ns":9,"home":2,"asleep":true}]}`
	if got := fmt.Sprintf("{%s}", wire.AppendLabels(nil, l)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := fmt.Sprintf("{%s}", wire.AppendLabels(nil, datasets.Labels{})); got != `{"devices":[],"events":[],"commands":[]}` {
		t.Error(got)
	}
}

// FuzzReader walks any text: what it skips is what encoding/json takes for JSON, and
// a trace that it reads is written and read as the same.
func FuzzReader(f *testing.F) {
	f.Add(wire.AppendTrace(nil, some()))
	for _, s := range []string{`{"a":[1,-2.5e+3,true,false,null,"\ud83d\ude00\n"]}`, `"\ud83d"`, `-0`, `[1,]`, `{"a"}`, ` {} x`, "\"\xff\"", `{"time_ns":[],"size":[],"payload":[],"flow":[],"dir":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := wire.NewReader(text)
		err := r.Skip()
		if err == nil {
			err = r.End()
		}
		if valid := json.Valid(text); valid != (err == nil) && !(valid && strings.Contains(err.Error(), "deep in each other")) {
			t.Fatalf("%q: %v, but encoding/json says %v", text, err, valid)
		}

		in := some()
		out, err := wire.ReadTrace(wire.NewReader(text), in)
		if err != nil {
			return
		}
		if y := out.Start.Year(); y < 0 || y > 9999 {
			return // RFC 3339 has no such years
		}
		again := wire.AppendTrace(nil, out)
		back, err := wire.ReadTrace(wire.NewReader(again), out)
		if err != nil || !bytes.Equal(wire.AppendTrace(nil, back), again) {
			t.Fatalf("%q came back as %q: %v", again, wire.AppendTrace(nil, back), err)
		}
	})
}
