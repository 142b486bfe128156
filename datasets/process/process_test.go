package process_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"veilbench/datasets/datatest"
	"veilbench/datasets/process"
	"veilbench/datasets/wire"
)

// word is the answer {"say":1,"word":"..."}.
type word struct{ text string }

func (w *word) Member(key string, r *wire.Reader) (err error) {
	if key != "word" {
		return r.Skip()
	}
	w.text, err = r.String()
	return err
}

func (w *word) Whole() error { return nil }

// ask asks a program for a word.
func ask(ctx context.Context, p *process.Pool, s *process.State) (string, error) {
	a, _, err := p.Ask(ctx, process.Question{
		Kind: "say", State: s,
		Body: func(b []byte) []byte { return append(b, `"what":"word"`...) },
		New:  func() process.Answer { return &word{} },
		Same: func(a, b process.Answer) bool { return *a.(*word) == *b.(*word) },
	})
	if err != nil {
		return "", err
	}
	return a.(*word).text, nil
}

// log is a writer for several processes.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// shell opens a shell script that begins with a greeting; n is the number of the last
// question, in the script.
func shell(t *testing.T, l process.Limits, script string) (*process.Pool, *log) {
	t.Helper()
	sh := datatest.Tool(t, "sh")
	file := filepath.Join(t.TempDir(), "p.sh")
	greeting := `read hello; echo '{"name":"sh","place":"device"}'
ask() { read line || exit 0; n=${line#*:}; n=${n%%,*}; }
`
	if err := os.WriteFile(file, []byte(greeting+script), 0o644); err != nil {
		t.Fatal(err)
	}
	said := &log{}
	s := process.NewSet(t.Context(), said)
	s.Limit(l)
	t.Cleanup(s.Close)
	p, err := s.Open([]string{sh, file}, process.RoleDefense, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, said
}

const honest = `while ask; do echo "{\"word\":\"hello\",\"say\":$n}"; done`

func TestAsk(t *testing.T) {
	p, _ := shell(t, process.DefaultLimits(), honest)
	for range 20 {
		if got, err := ask(t.Context(), p, nil); err != nil || got != "hello" {
			t.Fatal(got, err)
		}
	}
	if p.Doubt() != "" || p.Exits() != nil {
		t.Error(p.Doubt(), p.Exits())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ask(ctx, p, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What goes wrong is an error of its question that says what it is.
func TestWrongs(t *testing.T) {
	short := process.Limits{Silence: 3 * time.Second, LineBytes: 100_000}
	for script, want := range map[string]string{
		`ask; echo "{\"say\":$((n+1))}"`:                        "which is not what it was asked",
		`ask; echo "{\"word\":\"x\"}"`:                          "without the number",
		`ask; echo "{\"say\":$n,\"word\":7}"`:                   "want a string, not",
		`ask; echo "{\"say\":$n} {}"`:                           "want the end of the line",
		`ask; echo "no idea" >&2; exit 7`:                       "exited before it answered (exit status 7); the last it said: no idea",
		`ask; kill -9 $$`:                                       "signal: killed",
		`ask; sleep 60`:                                         "says nothing for 3s",
		`ask; exec >&-; sleep 60`:                               "closed its output",
		`ask; while :; do printf '%01000d' 7; done`:             "writes a line of more than 0 MiB",
		`ask; echo "{\"say\":$n,\"error\":\"not today\"}"; ask`: "not today",
		`ask; echo "{\"progress\":7}"`:                          "progress 7: want 0 to 1",
	} {
		p, _ := shell(t, short, script)
		_, err := ask(t.Context(), p, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}

// A refusal leaves the process alive, silence ends the asking, and progress is no silence.
func TestRefusalSilenceProgress(t *testing.T) {
	p, _ := shell(t, process.Limits{Silence: 2 * time.Second}, `k=0; while ask; do k=$((k+1)); echo "{\"say\":$n,\"error\":\"$k\"}"; done`)
	for _, want := range []string{"1", "2"} {
		_, err := ask(t.Context(), p, nil)
		var r process.Refusal
		if !errors.As(err, &r) || string(r) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}

	p, _ = shell(t, process.Limits{Silence: 2 * time.Second}, `while ask; do for i in 1 2 3; do sleep 1; echo '{"progress":0.5}'; done; echo "{\"say\":$n,\"word\":\"late\"}"; done`)
	if got, err := ask(t.Context(), p, nil); got != "late" {
		t.Error(got, err)
	}

	p, _ = shell(t, process.Limits{Silence: time.Second}, `sleep 60`)
	for range 2 {
		start := time.Now()
		if _, err := ask(t.Context(), p, nil); err == nil || !strings.Contains(err.Error(), "says nothing for 1s") {
			t.Error(err)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("after %v", d)
		}
	}
}

// A process that crashes is started once more for the question that it crashed on; who
// always crashes is given up.
func TestCrashes(t *testing.T) {
	once := filepath.Join(t.TempDir(), "once")
	p, _ := shell(t, process.DefaultLimits(), `ask; test -e `+once+` || { touch `+once+`; exit 1; }; while :; do echo "{\"say\":$n,\"word\":\"again\"}"; ask; done`)
	if got, err := ask(t.Context(), p, nil); got != "again" {
		t.Error(got, err)
	}

	p, _ = shell(t, process.DefaultLimits(), `ask; exit 1`)
	var err error
	for range 10 {
		if _, err = ask(t.Context(), p, nil); err == nil {
			t.Fatal("answered")
		}
	}
	if !strings.Contains(err.Error(), "not started again after 10 processes") {
		t.Error(err)
	}
}

// Who answers otherwise when asked again is in doubt, whether it counts or is another.
func TestDoubt(t *testing.T) {
	for _, script := range []string{
		`k=0; while ask; do k=$((k+1)); echo "{\"say\":$n,\"word\":\"$k\"}"; done`,
		`while ask; do echo "{\"say\":$n,\"word\":\"$$\"}"; done`,
	} {
		p, _ := shell(t, process.DefaultLimits(), script)
		if _, err := ask(t.Context(), p, nil); err != nil || !strings.Contains(p.Doubt(), "gave another answer") {
			t.Errorf("%s: %q, %v", script, p.Doubt(), err)
		}
	}
}

// Memory is that of a process and of what it started.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is measured on Linux alone")
	}
	python := datatest.Python(t)
	p, _ := shell(t, process.Limits{MemoryBytes: 100 << 20}, `ask; `+python+` -S -c 'x = bytearray(400 << 20); import time; time.sleep(60)'; echo "{\"say\":$n}"`)
	start := time.Now()
	_, err := ask(t.Context(), p, nil)
	if err == nil || !strings.Contains(err.Error(), "more than the 100 MiB allowed") {
		t.Error(err)
	}
	if d := time.Since(start); d > 40*time.Second {
		t.Errorf("after %v", d)
	}
}

// The log has the lines of standard error, up to a number.
func TestLog(t *testing.T) {
	p, said := shell(t, process.DefaultLimits(), `i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "line $i" >&2; done; `+honest)
	if _, err := ask(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); !strings.Contains(said.String(), "not shown") && time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
	}
	text := said.String()
	if !strings.Contains(text, "p.sh: line 7\n") || !strings.Contains(text, "it says more") || strings.Contains(text, "line 250") {
		t.Error(text)
	}
}

// One that does not exit at the end of its input is killed, and the check says so.
func TestExits(t *testing.T) {
	p, _ := shell(t, process.DefaultLimits(), `ask; sleep 60`)
	if err := p.Exits(); err != nil { // ask exits with the input
		t.Error(err)
	}
	p, _ = shell(t, process.DefaultLimits(), `while :; do sleep 1; done`)
	start := time.Now()
	if err := p.Exits(); err == nil || !strings.Contains(err.Error(), "did not exit at the end of its input") {
		t.Error(err)
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("after %v", d)
	}
}

// A run that ends kills who is asked.
func TestEndOfRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "p.sh")
	if err := os.WriteFile(file, []byte(`read hello; echo '{"name":"sh"}'; read line; sleep 60`), 0o644); err != nil {
		t.Fatal(err)
	}
	s := process.NewSet(ctx, nil)
	p, err := s.Open([]string{datatest.Tool(t, "sh"), file}, process.RoleDefense, nil)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, cancel)
	start := time.Now()
	if _, err := ask(t.Context(), p, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.Close()
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("after %v", d)
	}
}

func TestGreetings(t *testing.T) {
	sh := datatest.Tool(t, "sh")
	for line, want := range map[string]string{
		`hello`:                               "the first line is no greeting",
		`{"name":"Big Name"}`:                 "want letters, digits and hyphens",
		`{"name":"x","params":{"a":"1,2"}}`:   "without comma or plus",
		`{"name":"x","params":{"A":"1"}}`:     "want a key of letters",
		`{"name":"x","params":{"a":[1]}}`:     "want a key of letters",
		`{"error":"rate=-5: want 1 to 100"}`:  "refuses: rate=-5",
		`{"name":"x","parts":["no-such.py"]}`: "parts: open no-such.py",
	} {
		file := filepath.Join(t.TempDir(), "p.sh")
		if err := os.WriteFile(file, []byte("echo '"+line+"'\nread x"), 0o644); err != nil {
			t.Fatal(err)
		}
		s := process.NewSet(t.Context(), nil)
		_, err := s.Open([]string{sh, file}, process.RoleDefense, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
		if refused := strings.HasPrefix(want, "refuses"); refused != errors.Is(err, process.ErrRefused) {
			t.Errorf("%s: refused %v", line, !refused)
		}
		s.Close()
	}
	s := process.NewSet(t.Context(), nil)
	if _, err := s.Open([]string{"no-such-program"}, process.RoleDefense, nil); !errors.Is(err, process.ErrRefused) {
		t.Error(err)
	}
}

// The digest is that of the files that the command names, or of the program where it
// names none.
func TestProgramDigest(t *testing.T) {
	p, _ := shell(t, process.DefaultLimits(), honest)
	q, _ := shell(t, process.DefaultLimits(), honest+"\n# another build")
	if n := len(p.Program().Files); n != 2 { // sh was found with its folder
		t.Errorf("%d files: %+v", n, p.Program().Files)
	}
	if p.Program().Digest() == q.Program().Digest() {
		t.Error("another build has the same digest")
	}
}

func TestParseSpec(t *testing.T) {
	for text, want := range map[string]process.Spec{
		"./d.py":                                {Command: []string{"./d.py"}},
		"python3  d.py --x":                     {Command: []string{"python3", "d.py", "--x"}},
		`"my shaper" 'a+b,c',rate=3, burst = 4`: {Command: []string{"my shaper", "a+b,c"}, Params: map[string]string{"rate": "3", " burst ": "4"}},
	} {
		got, err := process.ParseSpec(text)
		if len(want.Params) == 2 {
			want.Params = map[string]string{"rate": "3", "burst": "4"}
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		back, err := process.ParseSpec(process.Quote(got.Command))
		if err != nil || !reflect.DeepEqual(back.Command, got.Command) {
			t.Errorf("%s came back as %q", text, back.Command)
		}
	}
	for _, text := range []string{"", " ", "'open", "a,b", "a,=3", "a,x=1,x=2"} {
		if _, err := process.ParseSpec(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	got, err := process.SplitStages(`pad-random+exec:'a+b'+vpn`)
	if err != nil || !reflect.DeepEqual(got, []string{"pad-random", "exec:'a+b'", "vpn"}) {
		t.Error(got, err)
	}
}
