package published

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// Counts, labels and sessions as the data's description and its label list say.
func TestEchoVoiceCounts(t *testing.T) {
	dir := datatest.Recorded(t, "echo_voice")
	ds, err := readEchoVoice(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	packets, classes := 0, map[string]int{}
	byID := map[string]int{}
	for _, r := range ds.Recordings {
		packets += len(r.Trace.Packets)
		classes[r.ClipClass()]++
		byID[r.ID] = len(r.Trace.Packets)
		if err := r.Trace.Check(); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
	if len(ds.Recordings) != 600 || packets != 303491 || len(classes) != 60 {
		t.Errorf("%d traces, %d packets, %d classes; want 600, 303491, 60", len(ds.Recordings), packets, len(classes))
	}
	if want := "46 of 600 traces have times that run backwards"; len(ds.Warnings) != 1 || !strings.HasPrefix(ds.Warnings[0], want) {
		t.Errorf("warnings %q, want %q", ds.Warnings, want)
	}
	rows := readCSV(t, filepath.Join(dir, "labels.csv"))
	for _, r := range rows[1:] {
		id := fmt.Sprintf("%s/%s/%02s", r[2], r[1], r[3])
		if got := fmt.Sprint(byID[id]); got != r[4] {
			t.Errorf("%s: %s packets, want %s", id, got, r[4])
		}
	}
	if len(rows) != 601 {
		t.Errorf("%d labels", len(rows)-1)
	}
}

// The description's 1-NN over log(1+count) of signed sizes in bins of 10:
// 0.583 in five folds by trial number, 0.133 from either session to the other.
func TestEchoVoiceReference(t *testing.T) {
	ds, err := readEchoVoice(t.Context(), datatest.Recorded(t, "echo_voice"))
	if err != nil {
		t.Fatal(err)
	}
	hist := make([][302]float64, len(ds.Recordings))
	for i, r := range ds.Recordings {
		for _, p := range r.Trace.Packets {
			n := int(p.Size - datasets.EthernetHeader)
			if p.Dir == datasets.Down {
				n = -n
			}
			hist[i][int(math.Floor(float64(n)/10))+151]++
		}
		for b := range hist[i] {
			hist[i][b] = math.Log1p(hist[i][b])
		}
	}
	rate := func(f datasets.Fold) (correct, tested int) {
		for _, p := range f {
			for _, i := range p.Test {
				best, at := math.Inf(1), -1
				for _, j := range p.Train {
					d := 0.0
					for b := range hist[i] {
						e := hist[i][b] - hist[j][b]
						d += e * e
					}
					if d < best {
						best, at = d, j
					}
				}
				if tested++; ds.Recordings[at].ClipClass() == ds.Recordings[i].ClipClass() {
					correct++
				}
			}
		}
		return correct, tested
	}
	within, err := datasets.Split("trial-kfold:k=5").Folds(&ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	correct, tested := 0, 0
	for _, f := range within {
		c, n := rate(f)
		correct, tested = correct+c, tested+n
	}
	got := []string{fmt.Sprintf("%.3f", float64(correct)/float64(tested))}
	across, err := datasets.Split("leave-one-group-out").Folds(&ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []datasets.Fold{across[0], across[1]} { // tests L, then S
		c, n := rate(f)
		got = append(got, fmt.Sprintf("%.3f", float64(c)/float64(n)))
	}
	if s := strings.Join(got, " | "); s != "0.583 | 0.133 | 0.133" {
		t.Errorf("1-NN %s, want 0.583 | 0.133 | 0.133", s)
	}
}

func TestEchoName(t *testing.T) {
	for _, c := range []struct{ base, command, session string }{
		{"alexa_5_30s_L_1.csv", "alexa", "L"},
		{"alexa_5_40s_1.csv", "alexa", "S"},
		{"pick_a_number_1.csv", "pick_a_number", "S"},
		{"pick_a_number_5_L_1.csv", "pick_a_number", "L"},
		{"what_is_the_date_tomorrow_L_1.csv", "what_is_the_date_tomorrow", "L"},
		{"what_time_is_it_5_0_18_31_47_58_capture_1.csv", "what_time_is_it", "S"},
		{"top_50_songs_5_1.csv", "top_50_songs", "S"},
	} {
		command, session, trial, ok := echoName(c.base)
		if command != c.command || session != c.session || trial != 1 || !ok {
			t.Errorf("%s: %q %q %d %v", c.base, command, session, trial, ok)
		}
	}
	for _, base := range []string{"labels.csv", "capture_events.csv", "alexa_5_x.csv", "alexa_0.csv", "_1.csv", "alexa_1.txt"} {
		if command, _, _, ok := echoName(base); ok {
			t.Errorf("%s is taken for a trace of %q", base, command)
		}
	}
}

const echoHead = ",time,size,direction\n"

func TestEchoVoiceFile(t *testing.T) {
	dir := t.TempDir()
	text := echoHead + "0,0.0,176.0,1.0\n1,0.5,1500.0,-1.0\n2,0.4,52.0,1.0\n3,1e-3,40.0,1.0\n"
	for _, name := range []string{"hello_5_1.csv", "hello_5_L_1.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ds, err := readEchoVoice(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r := ds.Recordings[1]
	half := 500 * time.Millisecond
	want := []datasets.Packet{
		{Size: 190, Payload: 136},
		{Time: half, Size: 1514, Payload: 1460, Dir: datasets.Down},
		{Time: half, Size: 66},
		{Time: half, Size: 54},
	}
	if r.ID != "S/hello/01" || r.Group != "S" || r.Trace.End != time.Second || fmt.Sprint(r.Trace.Packets) != fmt.Sprint(want) {
		t.Errorf("%s %s %v: %v", r.ID, r.Group, r.Trace.End, r.Trace.Packets)
	}
}

// A copy of the repository has the traces of all commands below data.
func TestEchoVoiceRepository(t *testing.T) {
	dir := t.TempDir()
	traces := filepath.Join(dir, "data", "trace_csv")
	if err := os.MkdirAll(traces, 0o700); err != nil {
		t.Fatal(err)
	}
	for c := range 100 {
		for trial := range 2 {
			name := filepath.Join(traces, fmt.Sprintf("command_%c%c_5_%d.csv", 'a'+c/10, 'a'+c%10, trial+1))
			if err := os.WriteFile(name, []byte(echoHead+"0,0.0,176.0,1.0\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	ds, err := readEchoVoice(t.Context(), dir)
	if err != nil || len(ds.Recordings) != 200 {
		t.Errorf("%d recordings, %v", len(ds.Recordings), err)
	}
}

func TestEchoVoiceBadInput(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `:1: first line ""`},
		{"a,b\n", `:1: first line "a,b"`},
		{echoHead, ":1: no packet"},
		{echoHead + "0,0.0,176.0\n", ":2: 3 fields"},
		{echoHead + "0,0.0,176.0,1.0\n1,x,176.0,1.0\n", `:3: "x" is no number`},
		{echoHead + "0,NaN,176.0,1.0\n", `:2: "NaN" is no number`},
		{echoHead + "0,-1,176.0,1.0\n", ":2: time -1"},
		{echoHead + "0,0,1e9,1.0\n", ":2: size 1e+09"},
		{echoHead + "0,0,100,0\n", ":2: direction"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "hello_5_1.csv")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEchoVoice(t.Context(), dir); err == nil || !strings.Contains(err.Error(), path+c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := readEchoVoice(t.Context(), t.TempDir()); err == nil {
		t.Error("an empty folder is no error")
	}
}

func FuzzEchoTrace(f *testing.F) {
	f.Add(echoHead + "0,0.0,176.0,1.0\n1,0.5,1500.0,-1.0\r\n2,0.4,52.0,1.0")
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := parseEchoTrace(strings.NewReader(text))
		if err != nil {
			return
		}
		r := tr.recording("x", "S", 1)
		r.Trace.End = roundUp(tr.packets[len(tr.packets)-1].Time)
		if err := r.Trace.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
