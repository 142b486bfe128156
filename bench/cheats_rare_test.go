package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// mirror looks by reflection for the truth behind all that it can reach from what
// a question gives it, and for room behind the slices, where a neighbor's packets
// might lie.
type mirror struct{}

func (mirror) Info() attacks.Info {
	return attacks.Info{Name: "reflects", Doc: "hostile", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (mirror) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return mirrored{t.Classes[0]}, nil
}

type mirrored struct{ class string }

func (m mirrored) Guess(ctx context.Context, tr datasets.Trace) (attacks.Answer, error) {
	if cap(tr.Packets) > len(tr.Packets) || cap(tr.Flows) > len(tr.Flows) {
		return attacks.Answer{}, errors.New("there is room behind the slices")
	}
	for what, v := range map[string]any{"trace": tr, "context": ctx} {
		if path := truthBehind(reflect.ValueOf(v), what, map[uintptr]bool{}); path != "" {
			return attacks.Answer{}, errors.New("found " + path)
		}
	}
	return sure(m.class, 1), nil
}

// truthBehind is the path to a value that holds truth, "" for none.
func truthBehind(v reflect.Value, path string, seen map[uintptr]bool) string {
	if !v.IsValid() {
		return ""
	}
	for _, truth := range []any{datasets.Labels{}, datasets.Recording{}, datasets.Dataset{}, attacks.Labeled{}, attacks.Training{}, score.Test{}, results.Result{}, Grid{}, runner{}} {
		if v.Type() == reflect.TypeOf(truth) {
			return path + " (" + v.Type().String() + ")"
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Map:
		if seen[v.Pointer()] {
			return ""
		}
		seen[v.Pointer()] = true
	}

	var next []reflect.Value
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		next = append(next, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			// What a context keeps for its own work changes while others look.
			if name := v.Type().Field(i).Name; v.Type().PkgPath() != "context" || slices.Contains([]string{"Context", "cancelCtx", "c", "key", "val"}, name) {
				next = append(next, v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			next = append(next, v.Index(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			next = append(next, it.Key(), it.Value())
		}
	}
	for i, n := range next {
		if p := truthBehind(n, fmt.Sprintf("%s.%d", path, i), seen); p != "" {
			return p
		}
	}
	return ""
}

// The look itself finds what lies behind pointers, interfaces and contexts.
func TestTruthBehind(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, &[]any{map[string]any{"x": &datasets.Labels{}}}))
	defer cancel()
	if truthBehind(reflect.ValueOf(ctx), "context", map[uintptr]bool{}) == "" {
		t.Error("truth in a context was not found")
	}
}

// longClips are clips of 20 minutes over TCP, every third packet of them a pure
// acknowledgment.
func longClips() datasets.Dataset {
	ds := planted.Clips(true)
	ds.Recordings = slices.DeleteFunc(ds.Recordings, func(r datasets.Recording) bool { return !strings.HasSuffix(r.ID, "-0") })
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		tr := long(uint64(i))
		tr.Packets, tr.End = tr.Packets[:1200], 20*time.Minute
		tr.Flows[0].Proto = 6
		for k := range tr.Packets {
			p := &tr.Packets[k]
			p.Payload = p.Size - 54
			if k%3 == 0 {
				p.Size, p.Payload = 54, 0
			}
		}
		r.Trace = tr
		r.Labels.Owners, r.Labels.Cause = make([]int32, len(tr.Packets)), make([]int32, len(tr.Packets))
	}
	return ds
}

// Cheats that only long recordings, or only acknowledgments, bring out.
func TestCheatingDefensesOnLongClips(t *testing.T) {
	acks := eachPacket("headerless-acks", func(_ *rand.Rand, _ datasets.Trace, _ int, p *datasets.Packet) {
		if p.Payload == 0 {
			p.Size = 14
		}
	})
	onlyLong := hostile{"only-long", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
		return changed(in, func(t *datasets.Trace) {
			if in.End <= lookTime || len(in.Packets) <= lookPackets {
				return
			}
			var most int32
			for _, p := range in.Packets {
				most = max(most, p.Size)
			}
			for i := range t.Packets {
				grow(&t.Packets[i], most-t.Packets[i].Size)
			}
		})
	}}
	g := clipGrid(t, []defenses.Defense{defenses.None{}, acks, onlyLong}, nil)
	g.Datasets = []datasets.Dataset{longClips()}
	rs, _ := tried(t, g)
	judge(t, rs, "headerless-acks", "bytes of headers, which no packet of IP protocol 6")
	judge(t, rs, "only-long", isOracle)
	for _, e := range failures(rs, "none") {
		if e != "" {
			t.Error(e)
		}
	}
}

// Who recalls what it was trained on in other folds scores otherwise when a cell
// is computed alone, as verify does in a process of its own.
func TestRecallDiffersAlone(t *testing.T) {
	compute := func(only func(results.Cell) bool) map[results.Cell]results.Result {
		g := clips(t, []defenses.Defense{defenses.None{}}, nil)
		g.Datasets = []datasets.Dataset{planted.Clips(false)} // nothing else tells the classes apart
		g.Attacks, g.Knowledge = []attacks.Attack{recaller()}, []results.Knowledge{results.Adaptive}
		rs, err := Run(t.Context(), g, Options{Workers: 1, Only: only})
		if err != nil {
			t.Fatal(err)
		}
		return rows(rs, "")
	}
	differ := 0
	for cell, want := range compute(nil) {
		if got := compute(func(c results.Cell) bool { return c == cell }); !reflect.DeepEqual(got[cell], want) {
			differ++
		}
	}
	if differ == 0 {
		t.Error("no cell differs when it is computed alone")
	}
}

// ends are defenses that take the whole process with them.
var ends = map[string]func(){
	"exit":      func() { os.Exit(0) },
	"goroutine": func() { go panic("in a goroutine"); time.Sleep(time.Minute) },
	"overflow":  func() { debug.SetMaxStack(1 << 20); fmt.Print(overflow(1)) },
}

// overflow calls itself until the stack is full: 0 is never reached.
func overflow(n int) int {
	if n == 0 {
		return 0
	}
	return overflow(n+1) + n
}

// What ends the process cannot be caught; what was computed before stays, and the
// run goes on without it as if nothing had been.
func TestEndOfTheProcessLosesNoCell(t *testing.T) {
	const env = "VEILBENCH_ENDS"
	honest := clipGrid(t, []defenses.Defense{defenses.None{}, defense(t, "pad-random")}, nil)
	if name, dir, ok := strings.Cut(os.Getenv(env), ":"); ok {
		late := make(chan bool)
		bad := hostile{"ends", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			<-late
			ends[name]()
			return defenses.Defended{Trace: in}, nil
		}}
		g := honest
		g.Defenses = append(g.Defenses, bad)
		_, _ = run(t, t.Context(), g, dir, Options{Workers: 2, Progress: func(done, _ int, _ bool) {
			if done == 4 {
				close(late)
			}
		}})
		return
	}

	_, want := tried(t, honest)
	for name := range ends {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := exec.Command(os.Args[0], "-test.run=^TestEndOfTheProcessLosesNoCell$")
			c.Env = append(os.Environ(), env+"="+name+":"+dir)
			out, err := c.CombinedOutput()
			if (err == nil) != (name == "exit") {
				t.Fatalf("%v\n%.500s", err, out)
			}
			if kept := cells(t, dir); kept < 4 {
				t.Errorf("%d cells are left of 4", kept)
			}
			if _, err := run(t, t.Context(), honest, dir, Options{Workers: 2}); err != nil {
				t.Fatal(err)
			}
			got := storedRows(t, dir)
			for file, b := range want {
				if got[file] != b {
					t.Errorf("%s differs from that of an undisturbed run", file)
				}
			}
		})
	}
}
