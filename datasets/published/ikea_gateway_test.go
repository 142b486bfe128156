package published

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// Files, flow records and packets as the data's description counts them.
func TestIKEAGatewayCounts(t *testing.T) {
	dir := datatest.Recorded(t, "ikea_gateway")
	ds, err := readIKEAGateway(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	type count struct{ files, packets int }
	got := map[string]count{}
	commands := map[string]int{}
	for _, r := range ds.Recordings {
		folder, _, _ := strings.Cut(r.ID, "/")
		c := got[folder]
		got[folder] = count{c.files + 1, c.packets + len(r.Trace.Packets)}
		if err := r.Trace.Check(); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		for _, x := range r.Labels.Commands {
			commands[x.Actions[0].Action]++
		}
	}
	for folder, want := range map[string]count{"on-off": {9, 387}, "brightness-color": {16, 1227}, "general-traffic": {14, 5550}, "app-init": {13, 2339}} {
		if got[folder] != want {
			t.Errorf("%s: %v, want %v", folder, got[folder], want)
		}
	}
	// Counted apart from the loader, over the files' request sizes.
	for action, want := range map[string]int{"switch": 6 + 12 + 5 + 7 + 6 + 5 + 4 + 4 + 5, "color": 9 + 9 + 4 + 4 + 15 + 4, "brightness": 20 + 20 + 7 + 5 + 13 + 23} {
		if commands[action] != want {
			t.Errorf("%s: %d commands, want %d", action, commands[action], want)
		}
	}
	if s := strings.Join(ds.Warnings, "\n"); !strings.Contains(s, "23 flow records") {
		t.Errorf("warnings %q, want 23 records that are cut", ds.Warnings)
	}
	for folder, want := range map[string]int{"on-off": 32, "brightness-color": 46, "general-traffic": 169, "app-init": 98} {
		n := 0
		names, err := glob(dir, folder, "*.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			rs, err := readText(t.Context(), name, parseJoy)
			if err != nil {
				t.Fatal(err)
			}
			n += len(rs)
		}
		if n != want {
			t.Errorf("%s: %d flow records, want %d", folder, n, want)
		}
	}
}

const joyLine = `{"sa":"192.168.3.154","da":"192.168.3.213","pr":17,"sp":5000,"dp":5684,"time_start":1536821160.348228,"num_pkts_out":2,"num_pkts_in":1,"packets":[{"b":71,"ipt":0,"dir":">"},{"b":37,"ipt":2,"dir":"<"},{"b":33,"ipt":7,"dir":">"}]}`

func TestIKEAGatewayFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "on-off"), 0o700); err != nil {
		t.Fatal(err)
	}
	reply := `{"sa":"192.168.3.213","da":"192.168.3.154","pr":17,"sp":5684,"dp":5000,"time_start":1536821160.349228,"num_pkts_out":1,"packets":[{"b":349,"ipt":0,"dir":">"}]}`
	if err := os.WriteFile(filepath.Join(dir, "on-off", "turn-on-off.json"), []byte(joyLine+"\n"+reply+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ds, err := readIKEAGateway(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r := ds.Recordings[0]
	ms := time.Millisecond
	want := []datasets.Packet{
		{Time: 0, Size: 113, Payload: 71, Dir: datasets.Down},
		{Time: ms, Size: 391, Payload: 349, Dir: datasets.Up},
		{Time: 2 * ms, Size: 79, Payload: 37, Dir: datasets.Up},
		{Time: 9 * ms, Size: 75, Payload: 33, Dir: datasets.Down},
	}
	if len(r.Trace.Flows) != 1 || r.Trace.Flows[0].LAN || r.Trace.Flows[0].Local.String() != "192.168.3.213:5684" {
		t.Errorf("flows %v", r.Trace.Flows)
	}
	for i, p := range r.Trace.Packets {
		if p != want[i] {
			t.Errorf("packet %d: %v, want %v", i, p, want[i])
		}
	}
	if c := r.Labels.Commands; len(c) != 1 || c[0].Actions[0].Action != "switch" || c[0].Time != 0 {
		t.Errorf("commands %v", c)
	}
}

// TestIKEASums: of three requests of 71 bytes, each command is 1 to 8 of one action
// and as long as these together; two readings are the same.
func TestIKEASums(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "on-off"), 0o700); err != nil {
		t.Fatal(err)
	}
	line := strings.Replace(joyLine, `{"b":33,"ipt":7,"dir":">"}`, `{"b":71,"ipt":900,"dir":">"},{"b":71,"ipt":900,"dir":">"}`, 1)
	if err := os.WriteFile(filepath.Join(dir, "on-off", "turn-on-off.json"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ds, err := readIKEASums(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := readIKEASums(t.Context(), dir)
	if err != nil || !reflect.DeepEqual(ds, again) {
		t.Errorf("two readings differ, or %v", err)
	}
	if len(ds.Recordings) != 3 {
		t.Fatalf("%d recordings, want 3: a request each", len(ds.Recordings))
	}
	r := ds.Recordings[0]
	if err := r.Trace.Check(); err != nil {
		t.Fatal(err)
	}
	counts := map[int]bool{}
	for i, c := range r.Labels.Commands {
		x, p := c.Actions[0], r.Trace.Packets[i]
		if x.Action != "switch_71" || len(c.Actions) != 1 || c.Time != p.Time || int(p.Payload) != 71*x.Count {
			t.Errorf("command %v of %d bytes at %v", c, p.Payload, p.Time)
		}
		counts[x.Count] = true
	}
	if len(counts) != 8 || counts[0] || counts[9] {
		t.Errorf("counts %v, want 1 to 8", counts)
	}
}

// TestIKEASumsOfTheRecordings: all kinds are in each of the five sessions.
func TestIKEASumsOfTheRecordings(t *testing.T) {
	ds, err := readIKEASums(t.Context(), datatest.Recorded(t, "ikea_gateway"))
	if err != nil {
		t.Fatal(err)
	}
	sessions := map[string]int{}
	for _, r := range ds.Recordings {
		kinds := map[string]bool{}
		for _, c := range r.Labels.Commands {
			for _, x := range c.Actions {
				kind, _, _ := strings.Cut(x.Action, "_")
				kinds[kind] = true
			}
		}
		for k := range kinds {
			sessions[k]++
		}
	}
	for _, k := range []string{"switch", "color", "brightness"} {
		if len(ds.Recordings) != 5 || sessions[k] < 5 {
			t.Errorf("%s in %d of %d sessions, want all 5", k, sessions[k], len(ds.Recordings))
		}
	}
}

func TestIKEAGatewayBadInput(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "1: empty"},
		{"sa,da\n", "1: no flow record"},
		{joyLine + "\n{}\n", "2: sa:"},
		{strings.Replace(joyLine, `"ipt":7`, `"ipt":-7`, 1), "1: packet 2: ipt is -7"},
		{strings.Replace(joyLine, `"b":71`, `"b":2000000000`, 1), "1: packet 0: b is 2000000000"},
		{strings.Replace(joyLine, `"<"`, `"?"`, 1), `1: packet 1: dir is "?"`},
		{strings.Replace(joyLine, `1536821160.348228`, `"yesterday"`, 1), "1: no flow record"},
		{strings.Replace(joyLine, `1536821160.348228`, `-5`, 1), "1: time_start"},
		{strings.Replace(joyLine, `"dp":5684`, `"dp":70000`, 1), "1: no flow record"},
	} {
		if _, err := parseJoy(strings.NewReader(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", quote(c.text), err, c.want)
		}
	}
}

func FuzzJoy(f *testing.F) {
	f.Add(joyLine + "\n\n" + joyLine)
	f.Fuzz(func(t *testing.T, text string) {
		rs, err := parseJoy(strings.NewReader(text))
		if err != nil {
			return
		}
		r := ikeaRecording("on-off", "turn-on-off", rs)
		if err := r.Trace.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
