package machines

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
	"veilbench/defenses/maybenot"
)

// comesBack fails if a machine written as YAML reads as another.
func comesBack(t *testing.T, what string, m *maybenot.Machine) {
	t.Helper()
	got, err := parse([]byte(text(m)))
	if err != nil {
		t.Errorf("%s: %v\n%s", what, err, text(m))
		return
	}
	if nan := strings.Contains(text(m), ".nan"); !bytes.Equal(got.Bytes(), m.Bytes()) && !(nan && text(got) == text(m)) {
		t.Errorf("%s comes back as another machine:\n%s\n%s", what, text(m), text(got))
	}
}

func TestOwnMachinesComeBack(t *testing.T) {
	for _, m := range append(maybenot.ConstantRate(time.Millisecond, time.Second), maybenot.Idle(1, time.Second),
		maybenot.Answer(3, 0, time.Millisecond), maybenot.Front(20, time.Second, 7)) {
		comesBack(t, m.String(), m)
	}
}

// Every machine of the vectors, and every odd one that is valid, comes back.
func TestRecordedMachinesComeBack(t *testing.T) {
	n := 0
	for _, file := range []string{"parse", "invalid"} {
		b, err := os.ReadFile(datatest.Recorded(t, "maybenot", "golden", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Cases []struct{ Name, String string }
		}
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Cases {
			if strings.HasSuffix(c.Name, "_states") {
				continue // of tens of thousands of states, whose YAML takes seconds
			}
			if m, err := maybenot.Parse(c.String); err == nil {
				comesBack(t, c.Name, m)
				n++
			}
		}
	}
	t.Logf("%d machines", n)
}

func TestMistakesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"states:\n- action: {do: SendPading, timeout: 1}\n":                                          `did you mean "SendPadding"`,
		"states:\n- action: {do: SendPadding}\n":                                                     "SendPadding needs a timeout",
		"states:\n- action: {do: SendPadding, timeout: 1, duration: 2}\n":                            "SendPadding has no duration",
		"states:\n- action: {do: UpdateTimer, duration: {dist: Normal, mean: 1}}\n":                  "Normal needs stdev",
		"states:\n- action: {do: UpdateTimer, duration: {dist: Normal, mean: 1, stdev: 1, sd: 2}}\n": `Normal has no "sd"`,
		"states:\n- transitions: {NormalSend: {0: 1}}\n":                                             `did you mean "NormalSent"`,
		"states:\n- transitions: {NormalSent: {1: 1}}\n":                                             "state_index",
		"states:\n- transitions: {NormalSent: {last: 1}}\n":                                          "want the number of a state, end or signal",
		"allowed_padding_packets: -1\nstates:\n- transitions: {}\n":                                  "from 0 to 2^64-1",
		"stats: []\n":  "unknown field",
		"states: []\n": "no_states",
	} {
		if _, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The commands and figures of the page are those of the script that runs them, its
// machine the script's.
func TestPageIsTheScript(t *testing.T) {
	page, err := os.ReadFile("../../../reports/docs/maybenot.md")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../testdata/script/maybenot.txtar")
	if err != nil {
		t.Fatal(err)
	}
	script := string(b)
	n := 0
	for line := range strings.Lines(string(page)) {
		block, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if !ok || strings.HasPrefix(block, " ") || strings.Contains(block, ": {") {
			continue // no block, or of YAML
		}
		n++
		if strings.HasPrefix(block, "veilbench ") {
			if !strings.Contains(script, "\nexec "+block+"\n") {
				t.Errorf("the script does not run %q", block)
			}
			continue
		}
		f := strings.Fields(block)
		if len(f) != 2 || !strings.Contains(script, "stdout '^"+f[0]+" +"+f[1]+"$'") {
			t.Errorf("the script does not print %q", block)
		}
	}
	if n != 8 {
		t.Errorf("%d lines of blocks, want 8", n)
	}

	// What is sold: the app's machines may not be passed on, and stand in a block of the
	// page; an hour of windscribe is a capture of 1.9 GB, which is not kept.
	_, sold, _ := strings.Cut(string(page), "| defense | GB a month more |")
	sold, _, _ = strings.Cut(sold, "\n\n")
	rows := 0
	for line := range strings.Lines(sold) {
		cells := strings.Split(line, " | ")
		id := strings.Trim(cells[0], "|` ")
		if len(cells) < 4 || id == "---" {
			continue
		}
		to := map[bool]string{true: "/dev/null", false: "sold.pcap"}[id == "windscribe"]
		said := "delay p95 " + cells[2] + `, \+` + cells[1] + " GB/month"
		if rows++; strings.Contains(id, "FILE") && strings.Contains(string(page), "\n"+strings.ReplaceAll(said, `\`, "")+"\n") {
			continue
		}
		if !strings.Contains(script, "--defense "+id+" homes/home-01.pcap "+to+"\nstdout '"+said+"'\n") {
			t.Errorf("the script does not say %q", line)
		}
	}
	if rows != 7 {
		t.Errorf("%d rows of what is sold, want 7", rows)
	}

	fenced := strings.Split(string(page), "```")
	if mine := strings.TrimPrefix(fenced[1], "yaml\n"); !strings.Contains(script, "-- mine.yaml --\n"+mine) {
		t.Error("the machine is not that of the script")
	}
}
