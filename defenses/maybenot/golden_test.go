package maybenot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
)

// The tests of this file hold the package to what Maybenot itself returned. The
// vectors may not be passed on: where they are absent the tests skip, and those of
// plain_test.go stand alone.

// golden reads a file of vectors.
func golden[T any](t testing.TB, name string) T {
	t.Helper()
	b, err := os.ReadFile(datatest.Recorded(t, "maybenot", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// decoded is a machine as the vectors write it.
func decoded(m *Machine) map[string]any {
	number := func(x float64) any {
		switch {
		case math.IsNaN(x):
			return "NaN"
		case math.IsInf(x, 1):
			return "Infinity"
		case math.IsInf(x, -1):
			return "-Infinity"
		}
		return x
	}
	dist := func(d *Dist) any {
		if d == nil {
			return nil
		}
		params := map[string]any{}
		for i, p := range d.Kind.Params() {
			params[p] = number(d.Params[i])
		}
		return map[string]any{"dist": d.Kind.String(), "params": params, "start": number(d.Start), "max": number(d.Max)}
	}
	var states []any
	for i := range m.States {
		s := &m.States[i]
		state := map[string]any{}
		if a := s.Action; a != nil {
			out := map[string]any{"action": a.Kind.String()}
			if a.Kind == Cancel {
				out["timer"] = a.Timer.String()
			} else {
				out["replace"], out["limit"] = a.Replace, dist(a.Limit)
			}
			if a.Kind == SendPadding || a.Kind == BlockOutgoing {
				out["bypass"], out["timeout"] = a.Bypass, dist(&a.Timeout)
			}
			if a.Kind == BlockOutgoing || a.Kind == UpdateTimer {
				out["duration"] = dist(&a.Duration)
			}
			state["action"] = out
		}
		for name, c := range map[string]*Counter{"counter_a": s.CounterA, "counter_b": s.CounterB} {
			if c != nil {
				state[name] = map[string]any{"operation": c.Operation.String(), "dist": dist(c.Dist), "copy": c.Copy}
			}
		}
		transitions := map[string]any{}
		for k, list := range s.Transitions {
			if list == nil {
				continue
			}
			out := []any{}
			for _, t := range list {
				p, _ := strconv.ParseFloat(strconv.FormatFloat(float64(t.Probability), 'g', -1, 32), 64)
				var to any = float64(t.State)
				switch t.State {
				case EndState:
					to = "END"
				case SignalState:
					to = "SIGNAL"
				}
				out = append(out, []any{to, p})
			}
			transitions[EventKind(k).String()] = out
		}
		state["transitions"] = transitions
		states = append(states, state)
	}
	return map[string]any{
		"allowed_padding_packets": strconv.FormatUint(m.AllowedPaddingPackets, 10), "max_padding_frac": number(m.MaxPaddingFrac),
		"allowed_blocked_microsec": strconv.FormatUint(m.AllowedBlockedMicrosec, 10), "max_blocking_frac": number(m.MaxBlockingFrac),
		"states": states,
	}
}

type parseCase struct {
	File, String, Name string
	RawLen             int    `json:"raw_len"`
	RawSHA256          string `json:"raw_sha256"`
	NumStates          int    `json:"num_states"`
	Decoded            map[string]any
}

// checkParse is how many of the cases come out as they should.
func checkParse(t *testing.T, cases []parseCase) {
	good := 0
	for i, c := range cases {
		m, err := Parse(c.String)
		if err != nil {
			t.Errorf("%s %d: %v", c.File, i, err)
			continue
		}
		raw := m.Bytes()
		sum := sha256.Sum256(raw)
		again, err := Parse(m.String())
		switch {
		case len(raw) != c.RawLen || hex.EncodeToString(sum[:]) != c.RawSHA256:
			t.Errorf("%s %d: encodes to %d other bytes, want %d", c.File, i, len(raw), c.RawLen)
		case Name(c.String) != c.Name || len(m.States) != c.NumStates:
			t.Errorf("%s %d: name %s, %d states", c.File, i, Name(c.String), len(m.States))
		case c.Decoded != nil && !reflect.DeepEqual(decoded(m), c.Decoded):
			t.Errorf("%s %d: decodes to\n%v, want\n%v", c.File, i, decoded(m), c.Decoded)
		case err != nil || !reflect.DeepEqual(again, m):
			t.Errorf("%s %d: its own string reads as %v, %v", c.File, i, again, err)
		default:
			good++
		}
	}
	t.Logf("%d of %d machines", good, len(cases))
}

func TestGoldenParse(t *testing.T) {
	checkParse(t, golden[struct{ Cases []parseCase }](t, "parse").Cases)
	checkParse(t, golden[struct{ Parse []parseCase }](t, "daita").Parse)
}

func TestGoldenInvalid(t *testing.T) {
	g := golden[struct {
		Cases []struct {
			Name, String string
			Valid        bool
			Class        string `json:"error_class"`
			RawSHA256    string `json:"raw_sha256"`
		}
		Limits []struct {
			Padding  json.RawMessage `json:"max_padding_frac"`
			Blocking json.RawMessage `json:"max_blocking_frac"`
			Valid    bool
			Class    string `json:"error_class"`
		} `json:"framework_limits"`
	}](t, "invalid")

	good := 0
	for _, c := range g.Cases {
		m, err := Parse(c.String)
		var e *Error
		errors.As(err, &e)
		switch {
		case c.Valid && err != nil:
			t.Errorf("%s: %v", c.Name, err)
		case c.Valid:
			if sum := sha256.Sum256(m.Bytes()); hex.EncodeToString(sum[:]) != c.RawSHA256 {
				t.Errorf("%s: encodes to other bytes", c.Name)
			} else {
				good++
			}
		case e == nil || string(e.Class) != c.Class && !(c.Class == "zlib_or_bincode" && (e.Class == BadZlib || e.Class == BadLayout)):
			t.Errorf("%s: %v, want class %s", c.Name, err, c.Class)
		default:
			good++
		}
	}
	t.Logf("%d of %d strings", good, len(g.Cases))

	number := func(b json.RawMessage) float64 {
		x, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, l := range g.Limits {
		_, err := NewFramework(nil, Limits{number(l.Padding), number(l.Blocking)}, 0, NewXoshiro(0))
		var e *Error
		if errors.As(err, &e); l.Valid != (err == nil) || e != nil && string(e.Class) != l.Class {
			t.Errorf("limits %s, %s: %v, want %q", l.Padding, l.Blocking, err, l.Class)
		}
	}
}

// machinesOf reads strings, which must be valid.
func machinesOf(t testing.TB, strs []string) []*Machine {
	t.Helper()
	var out []*Machine
	for _, s := range strs {
		m, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

type frameworkCase struct {
	Name     string
	UsesRNG  bool            `json:"uses_rng"`
	Seed     json.RawMessage `json:"seed"`
	Machines []string
	Padding  float64 `json:"max_padding_frac"`
	Blocking float64 `json:"max_blocking_frac"`
	Start    int64   `json:"start_us"`
	Steps    []struct {
		T        int64 `json:"t_us"`
		Events   []any
		Actions  []map[string]any
		AllEnded bool `json:"all_ended"`
	}
}

func kindOf(t testing.TB, name string) EventKind {
	for k := range EventKind(NumEvents) {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("no event %s", name)
	return 0
}

// asJSON is a command as the vectors write it.
func asJSON(c Command) map[string]any {
	out := map[string]any{"action": c.Kind.String(), "machine": float64(c.Machine)}
	switch c.Kind {
	case Cancel:
		out["timer"] = c.Timer.String()
		return out
	case SendPadding, BlockOutgoing:
		out["bypass"], out["timeout_us"] = c.Bypass, float64(c.Timeout.Microseconds())
	}
	out["replace"] = c.Replace
	if c.Kind != SendPadding {
		out["duration_us"] = float64(c.Duration.Microseconds())
	}
	return out
}

// run holds the framework to a case.
func (c *frameworkCase) run(t *testing.T) error {
	seed, _ := strconv.ParseUint(strings.Trim(string(c.Seed), `"`), 10, 64)
	f, err := NewFramework(machinesOf(t, c.Machines), Limits{c.Padding, c.Blocking},
		time.Duration(c.Start)*time.Microsecond, NewXoshiro(seed))
	if err != nil {
		return err
	}
	for i, s := range c.Steps {
		var events []Event
		for _, e := range s.Events {
			switch e := e.(type) {
			case string:
				events = append(events, Event{Kind: kindOf(t, e)})
			case []any:
				events = append(events, Event{kindOf(t, e[0].(string)), int(e[1].(float64))})
			}
		}
		got := []map[string]any{}
		for _, a := range f.Trigger(time.Duration(s.T)*time.Microsecond, events...) {
			got = append(got, asJSON(a))
		}
		if !reflect.DeepEqual(got, s.Actions) || f.AllEnded() != s.AllEnded {
			return fmt.Errorf("step %d: %v %v, want %v %v", i, got, f.AllEnded(), s.Actions, s.AllEnded)
		}
	}
	return nil
}

func TestGoldenFramework(t *testing.T) {
	for _, name := range []string{"framework", "framework_fuzz"} {
		cases := golden[struct{ Cases []frameworkCase }](t, name).Cases
		good := 0
		for _, c := range cases {
			if err := c.run(t); err != nil {
				t.Errorf("%s, %s: %v", name, c.Name, err)
			} else {
				good++
			}
		}
		t.Logf("%s: %d of %d", name, good, len(cases))
	}
}

type simCase struct {
	Name           string
	Seed           string
	Client, Server []string
	Delay          int64 `json:"delay_ns"`
	PPS            *int  `json:"pps"`
	MaxEvents      int   `json:"max_trace_length"`
	MaxIterations  int   `json:"max_sim_iterations"`
	Continue       bool  `json:"continue_after_all_normal_packets_processed"`
	OnlyClient     bool  `json:"only_client_events"`
	OnlyNetwork    bool  `json:"only_network_activity"`

	PaddingClient  float64        `json:"max_padding_frac_client"`
	BlockingClient float64        `json:"max_blocking_frac_client"`
	PaddingServer  float64        `json:"max_padding_frac_server"`
	BlockingServer float64        `json:"max_blocking_frac_server"`
	LatencyClient  *latencyGolden `json:"client_integration_ns"`
	LatencyServer  *latencyGolden `json:"server_integration_ns"`
	MaxPPS         int            `json:"queue_max_pps"`
	Trace          string
	Events         [][5]any
}

type latencyGolden struct{ Action, Reporting, Trigger time.Duration }

// packetsOf reads a trace as Maybenot's simulator does.
func packetsOf(t testing.TB, text string) []Packet {
	t.Helper()
	var out []Packet
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 2 {
			continue
		}
		at, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		switch fields[1] {
		case "s", "sn":
			out = append(out, Packet{time.Duration(at), Client})
		case "r", "rn":
			out = append(out, Packet{time.Duration(at), Server})
		}
	}
	return out
}

func (c *simCase) config(t testing.TB) Config {
	seed, err := strconv.ParseUint(c.Seed, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Machines: [2][]*Machine{machinesOf(t, c.Client), machinesOf(t, c.Server)},
		Limits:   [2]Limits{{c.PaddingClient, c.BlockingClient}, {c.PaddingServer, c.BlockingServer}},
		Delay:    time.Duration(c.Delay),
	}
	cfg.Sources[0], cfg.Sources[1] = NewXoshiro(seed), NewXoshiro(seed+1)
	if c.PPS != nil {
		cfg.PacketsPerSecond = *c.PPS
	}
	for i, l := range []*latencyGolden{c.LatencyClient, c.LatencyServer} {
		if l != nil {
			cfg.Latency[i] = Latency(*l)
		}
	}
	return cfg
}

// code is an event of a simulation as the vectors write it.
func code(h Happened) [5]any {
	side := "c"
	if h.Side == Server {
		side = "s"
	}
	var machine any
	if h.Machine >= 0 {
		machine = float64(h.Machine)
	}
	padding := 0.0
	if h.Padding {
		padding = 1
	}
	names := map[EventKind]string{
		NormalRecv: "rn", PaddingRecv: "rp", TunnelRecv: "rt", NormalSent: "sn", PaddingSent: "sp", TunnelSent: "st",
		BlockingBegin: "bb", BlockingEnd: "be", TimerBegin: "tb", TimerEnd: "te",
	}
	return [5]any{float64(h.Time), side, names[h.Kind], machine, padding}
}

func (c *simCase) run(t *testing.T) error {
	packets := packetsOf(t, c.Trace)
	s, err := NewSimulation(c.config(t), packets)
	if err != nil {
		return err
	}
	if n := 10 * max(busiest(packets, Client), busiest(packets, Server)); n != c.MaxPPS {
		return fmt.Errorf("the busiest 100 ms have a tenth of %d, want %d", n, c.MaxPPS)
	}
	got := s.Record(Run{c.MaxEvents, c.MaxIterations, c.Continue, c.OnlyClient, c.OnlyNetwork})
	for i, h := range got {
		if i >= len(c.Events) || code(h) != c.Events[i] {
			return fmt.Errorf("event %d of %d is %v, want %v of %d", i, len(got), code(h), c.Events[min(i, len(c.Events)-1)], len(c.Events))
		}
	}
	if len(got) != len(c.Events) {
		return fmt.Errorf("%d events, want %d", len(got), len(c.Events))
	}
	return nil
}

func TestGoldenSimulation(t *testing.T) {
	for _, name := range []string{"sim", "sim_fuzz", "sim_rng"} {
		cases := golden[struct{ Cases []simCase }](t, name).Cases
		good, events := 0, 0
		for _, c := range cases {
			if err := c.run(t); err != nil {
				t.Errorf("%s, %s: %v", name, c.Name, err)
			} else {
				good++
				events += len(c.Events)
			}
		}
		t.Logf("%s: %d of %d, %d events", name, good, len(cases), events)
	}
}
