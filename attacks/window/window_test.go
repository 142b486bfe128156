package window_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/builtin"
	"veilbench/attacks/window"
	"veilbench/datasets"
)

// quickNet shrinks a window attack to what a test can wait for.
func quickNet(a window.Net) window.Net {
	a.Window, a.Hidden, a.Layers, a.MinSteps, a.Lr = 40, 32, 1, 150, 1e-2
	return a
}

func TestWindowNetContract(t *testing.T) {
	t.Run("forest", func(t *testing.T) { attacktest.Run(t, window.NewForest()) })
	t.Run("lstm", func(t *testing.T) { attacktest.Run(t, quickNet(window.NewLSTM())) })
	t.Run("blstm", func(t *testing.T) { attacktest.Run(t, quickNet(window.NewBLSTM())) })
	t.Run("numbers", func(t *testing.T) {
		a := quickNet(window.NewBLSTM())
		a.Input = "numbers"
		attacktest.Run(t, a)
	})
}

// windowTraining is three homes of two devices that take turns.
func windowTraining() attacks.Training {
	tr := attacktest.ToyEvents(3)
	tr.Task, tr.Classes = datasets.TaskDevice, []string{"lamp", "lock"}
	return tr
}

func TestWindowModelsAreTheSameForAnyWorkers(t *testing.T) {
	tr := windowTraining()
	for _, a := range []attacks.Attack{quickNet(window.NewBLSTM()), window.NewForest()} {
		var first attacks.Model
		for _, n := range []int{1, 2, 3} {
			was := runtime.GOMAXPROCS(n)
			m := attacktest.Train(t, a, tr)
			runtime.GOMAXPROCS(was)
			if first == nil {
				first = m
			}
			if !reflect.DeepEqual(first, m) {
				t.Errorf("%s: another model with %d workers than with 1", a.Info().Name, n)
			}
		}
	}
}

// TestWindowIsCutInside says that answers come for every packet, also those of
// the last partial window, and that a window's vote is one device.
func TestWindowIsCutInside(t *testing.T) {
	tr := windowTraining()
	net := quickNet(window.NewBLSTM())
	net.Vote = true
	forest := window.NewForest()
	forest.Vote, forest.Window = true, 40
	for _, a := range []attacks.Attack{net, forest} {
		m := attacktest.Train(t, a, tr)
		trace := tr.Examples[0].Trace
		trace.Packets = trace.Packets[:95]
		d := attacktest.Ask(t, m, trace).Devices
		if len(d) != 95 {
			t.Fatalf("%s: %d answers for 95 packets", a.Info().Name, len(d))
		}
		for i, o := range d {
			if o != d[i/40*40] || o.Class < 0 || o.P <= 0 || o.P > 1 {
				t.Errorf("%s: packet %d is %+v, its window %+v", a.Info().Name, i, o, d[i/40*40])
			}
		}
	}
}

func TestWindowMasksUnknownOwners(t *testing.T) {
	tr := windowTraining()
	for i := range tr.Examples {
		o := tr.Examples[i].Labels.Owners
		for p := range o {
			o[p] = -1
		}
	}
	trace := tr.Examples[0].Trace
	for _, a := range []attacks.Attack{quickNet(window.NewLSTM()), window.NewForest()} {
		if d := attacktest.Ask(t, attacktest.Train(t, a, tr), trace).Devices; d[0].Class != -1 {
			t.Errorf("%s learned %+v from packets of nobody", a.Info().Name, d[0])
		}
	}
	tr.Classes = append(tr.Classes, datasets.Nobody)
	for _, a := range []attacks.Attack{quickNet(window.NewLSTM()), window.NewForest()} {
		if d := attacktest.Ask(t, attacktest.Train(t, a, tr), trace).Devices; d[0].Class != 2 {
			t.Errorf("%s says %+v, want class 2, nobody", a.Info().Name, d[0])
		}
	}
}

func TestWindowNetRefusesWhatDoesNotFit(t *testing.T) {
	a := window.NewBLSTM()
	a.MemoryMb = 8
	_, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), windowTraining())
	if err == nil || !strings.Contains(err.Error(), "memory_mb=8: lstm: training on") || !strings.Contains(err.Error(), "windows fit") {
		t.Errorf("error %v", err)
	}
}

func TestWindowNetReportsAndResumes(t *testing.T) {
	tr := windowTraining()
	a := quickNet(window.NewBLSTM())
	train := func(ctx context.Context) (attacks.Model, error) {
		return a.Train(ctx, rand.New(rand.NewPCG(1, 1)), tr)
	}
	plain, err := train(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, stop := context.WithCancel(attacks.WithCheckpoints(context.Background(), dir))
	var seen []attacks.Progress
	_, err = train(attacks.WithTraining(attacks.WithProgress(ctx, func(p attacks.Progress) {
		if seen = append(seen, p); len(seen) == 3 {
			stop()
		}
	}), "vpn", 2))
	if !errors.Is(err, context.Canceled) || len(seen) != 3 {
		t.Fatalf("stopped after %d epochs: error %v", len(seen), err)
	}
	if p := seen[2]; p.Attack != "window-blstm" || p.Epoch != 3 || p.Epochs <= 3 || p.Loss <= 0 || p.Left <= 0 || p.Defense != "vpn" || p.Fold != 2 {
		t.Errorf("progress %+v", p)
	}
	first := 0
	m, err := train(attacks.WithProgress(attacks.WithCheckpoints(context.Background(), dir), func(p attacks.Progress) {
		if first == 0 {
			first = p.Epoch
		}
	}))
	if err != nil || first != 4 {
		t.Fatalf("went on with epoch %d, want 4 (error %v)", first, err)
	}
	if !reflect.DeepEqual(m, plain) {
		t.Error("stopped and resumed: another model")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files left in the folder of checkpoints", len(left))
	}
}

// TestWindowNetOutlivesDamage cuts a checkpoint short, flips a bit of its last
// number, and empties it: each time training says so, naming the file, begins
// from the start and gives what it gives without any.
func TestWindowNetOutlivesDamage(t *testing.T) {
	tr := windowTraining()
	a := quickNet(window.NewLSTM())
	a.MinSteps = 20
	dir := t.TempDir()
	train := func(ctx context.Context) (attacks.Model, error) {
		return a.Train(attacks.WithCheckpoints(ctx, dir), rand.New(rand.NewPCG(1, 1)), tr)
	}
	want, err := train(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)-100] },
		"flipped": func(b []byte) []byte { b[len(b)-8] ^= 1; return b },
		"empty":   func([]byte) []byte { return []byte{} },
	} {
		ctx, stop := context.WithCancel(context.Background())
		if _, err := train(attacks.WithProgress(ctx, func(attacks.Progress) { stop() })); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: stopped: error %v", name, err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(files) != 1 {
			t.Fatalf("%s: files %v, want a checkpoint", name, files)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], damage(b), 0o666); err != nil {
			t.Fatal(err)
		}
		var seen []attacks.Progress
		got, err := train(attacks.WithTraining(attacks.WithProgress(context.Background(), func(p attacks.Progress) { seen = append(seen, p) }), "vpn", 2))
		if same := reflect.DeepEqual(got, want); err != nil || !same {
			t.Errorf("%s: error %v, the same model: %v", name, err, same)
		}
		if len(seen) < 2 || !strings.Contains(seen[0].Warning, files[0]) || seen[0].Fold != 2 || seen[1].Epoch != 1 || seen[1].Warning != "" {
			t.Errorf("%s: progress %+v, want a warning that names the file, then epoch 1", name, seen)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: %d files left", name, len(left))
		}
	}
}

func TestWindowParameters(t *testing.T) {
	for id, want := range map[string]string{
		"window-blstm:hidden=20":     "multiple of 16",
		"window-lstm:port=src":       "dst or remote",
		"window-blstm:input=bytes":   "classes or numbers",
		"window-lstm:dropout=1":      "dropout=1",
		"window-forest:trees=0":      "trees=0",
		"window-forest:port=both":    "dst or remote",
		"window-blstm:reverse=false": "unknown parameter",
	} {
		if _, err := attacks.Parse(builtin.All(), id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", id, err, want)
		}
	}
}
