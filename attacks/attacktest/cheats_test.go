package attacktest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/builtin"
	"veilbench/datasets"
)

// cheat is an attack that breaks one rule, which no other cheat breaks: want is
// what the kit says of it. What train and answer leave alone is an honest attack's.
type cheat struct {
	attacks.Attack
	name, want string
	train      func(ctx context.Context, t attacks.Training) error
	answer     func(t attacks.Training, tr datasets.Trace, a *attacks.Answer) error
	task       datasets.Task
}

func (c cheat) Info() attacks.Info {
	i := c.Attack.Info()
	i.Tasks = []datasets.Task{c.task}
	if c.name == "nameless" {
		i.Name = ""
	}
	i.Pairs = c.name == "promises-pairs" || c.name == "one-eyed"
	return i
}

func (c cheat) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if c.name == "goes-on" {
		ctx = context.WithoutCancel(ctx)
	}
	if k := rand.Float64(); c.name == "chance" {
		c.answer = func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			a.Clip = []attacks.Ranked{{Class: a.Clip[0].Class, P: k}}
			return nil
		}
	}
	if c.train != nil {
		if err := c.train(ctx, t); err != nil {
			return nil, err
		}
	}
	m, err := c.Attack.Train(ctx, rng, t)
	if c.name == "one-eyed" {
		return oneEyed{cheating{m, c, t}}, err
	}
	return cheating{m, c, t}, err
}

// oneEyed looks at the inner one of two places only.
type oneEyed struct{ cheating }

func (m oneEyed) GuessPair(ctx context.Context, inner, _ datasets.Trace) (attacks.Answer, error) {
	return m.Guess(ctx, inner)
}

type cheating struct {
	attacks.Model
	c cheat
	t attacks.Training
}

func (m cheating) Guess(ctx context.Context, tr datasets.Trace) (attacks.Answer, error) {
	a, err := m.Model.Guess(ctx, tr)
	if err == nil && m.c.answer != nil {
		err = m.c.answer(m.t, tr, &a)
	}
	return a, err
}

func cheats(t *testing.T) []cheat {
	base := func(id string) attacks.Attack {
		a, err := attacks.Parse(builtin.All(), id)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	type answer = func(t attacks.Training, tr datasets.Trace, a *attacks.Answer) error
	clip := func(name, want string, f answer) cheat {
		return cheat{Attack: base("event-knn:k=1"), name: name, want: want, answer: f, task: datasets.TaskClip}
	}
	event := func(name, want string, f answer) cheat {
		return cheat{Attack: base("event-knn:k=1"), name: name, want: want, answer: f, task: datasets.TaskEvent}
	}
	training := func(name, want string, f func(ctx context.Context, t attacks.Training) error) cheat {
		return cheat{Attack: base("event-knn:k=1"), name: name, want: want, train: f, task: datasets.TaskClip}
	}

	var mu sync.Mutex
	var said [][]attacks.Ranked
	var calls atomic.Int32
	memory := map[string]string{} // the classes of all traces it was ever trained on
	return []cheat{
		clip("edits", "changed the examples", func(_ attacks.Training, tr datasets.Trace, _ *attacks.Answer) error {
			for i := range tr.Packets {
				tr.Packets[i].Size++
			}
			return nil
		}),
		clip("remembers", "asked in another order", func(t attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			a.Clip = []attacks.Ranked{{Class: t.Classes[0], P: 1 / float64(1+calls.Add(1))}}
			return nil
		}),
		{
			Attack: base("event-knn:k=1"), name: "recalls", want: "it remembers them", task: datasets.TaskClip,
			train: func(_ context.Context, t attacks.Training) error {
				for _, e := range t.Examples {
					memory[fmt.Sprint(e.Trace.Packets)] = e.Class
				}
				return nil
			},
			answer: func(_ attacks.Training, tr datasets.Trace, a *attacks.Answer) error {
				// Only less sure of what it knows anyway, or other rules would break too.
				if class := memory[fmt.Sprint(tr.Packets)]; class == a.Clip[0].Class {
					a.Clip = []attacks.Ranked{{Class: class, P: 0.5}}
				}
				return nil
			},
		},
		clip("revises", "changed an answer that was given before", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			mu.Lock()
			defer mu.Unlock()
			for _, rs := range said {
				if len(rs) > 0 && calls.Add(1) > 0 {
					rs[0].P /= 2
				}
			}
			said = append(said, a.Clip)
			return nil
		}),
		{Attack: base("event-knn:k=1"), name: "chance", want: "trained twice from one seed", task: datasets.TaskClip},
		clip("broken", "on separable data", func(t attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			if len(a.Clip) > 0 && a.Clip[0].Class != datasets.Unknown {
				a.Clip = []attacks.Ranked{{Class: t.Classes[0], P: 1}}
			}
			return nil
		}),
		clip("guesses-untaught", "without a training example the answer is", func(t attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			if len(t.Examples) == 0 && len(t.Classes) > 0 {
				a.Clip = []attacks.Ranked{{Class: t.Classes[0], P: 1}}
			}
			return nil
		}),
		clip("nothing", "no ranked class for a clip", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error { a.Clip = nil; return nil }),
		clip("foreign", "was never asked for", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			a.Clip = []attacks.Ranked{{Class: "elsewhere", P: 1}}
			return nil
		}),
		clip("nan", "want best first, none below 0", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			a.Clip = slices.Clone(a.Clip)
			a.Clip[0].P = math.NaN()
			return nil
		}),
		clip("too-sure", "sum to", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			a.Clip = slices.Clone(a.Clip)
			a.Clip[0].P = math.Inf(1)
			return nil
		}),
		event("no-threshold", "is no number", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			a.Threshold = math.NaN()
			return nil
		}),
		event("disorder", "out of order or no number", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			slices.Reverse(a.Events)
			return nil
		}),
		event("unranked", "has no ranked class", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			for i := range a.Events {
				a.Events[i].Ranked = nil
			}
			return nil
		}),
		event("picks", "is left out and yet called", func(_ attacks.Training, _ datasets.Trace, a *attacks.Answer) error {
			for i := range a.Events {
				a.Events[i].LeftOut = a.Events[i].Score < 1
			}
			return nil
		}),
		event("silent", "silent when the addresses are new", func(t attacks.Training, tr datasets.Trace, a *attacks.Answer) error {
			for _, e := range t.Examples {
				for _, f := range e.Trace.Flows {
					if len(tr.Flows) == 0 || f.Host == tr.Flows[0].Host {
						return nil
					}
				}
			}
			if len(t.Examples) > 1 {
				a.Events = nil
			}
			return nil
		}),
		clip("empty", "empty trace: no packets", func(_ attacks.Training, tr datasets.Trace, _ *attacks.Answer) error {
			if len(tr.Packets) == 0 {
				return errors.New("no packets")
			}
			return nil
		}),
		{Attack: base("event-knn:k=1"), name: "goes-on", want: "training went on although", task: datasets.TaskClip},
		event("promises-pairs", "is no PairModel", nil),
		event("one-eyed", "shown at outer", nil),
		{Attack: base("event-knn:k=1"), name: "nameless", want: "want a name", task: datasets.TaskClip},
		training("refuses", "train: no", func(context.Context, attacks.Training) error { return errors.New("no") }),
		training("panics", "panic: ha", func(context.Context, attacks.Training) error { panic("ha") }),
		training("never", "test timed out", func(context.Context, attacks.Training) error { select {} }),
		training("leaves", "runtime.Goexit", func(context.Context, attacks.Training) error { runtime.Goexit(); return nil }),
		training("exits", "unexpected call to os.Exit(0) during test", func(context.Context, attacks.Training) error { os.Exit(0); return nil }),
		training("overflows", "stack overflow", func(context.Context, attacks.Training) error {
			debug.SetMaxStack(1 << 20)
			return fmt.Errorf("depth %d", overflow(1))
		}),
		training("nil-panic", "panic called with nil", func(context.Context, attacks.Training) error { panic(nil) }),
		training("goroutine", "panic: in a goroutine", func(context.Context, attacks.Training) error {
			go panic("in a goroutine")
			time.Sleep(time.Second)
			return nil
		}),
	}
}

// overflow calls itself until the stack is full: 0 is never reached.
func overflow(n int) int {
	if n == 0 {
		return 0
	}
	return overflow(n+1) + n
}

// TestCheats runs the kit on each cheat in a process of its own, for it must fail
// there, and holds what it says to be that rule's.
func TestCheats(t *testing.T) {
	const env = "VEILBENCH_CHEAT"
	list := cheats(t)
	if name := os.Getenv(env); name != "" {
		attacktest.Run(t, list[slices.IndexFunc(list, func(c cheat) bool { return c.name == name })])
		return
	}
	seen := map[string]string{}
	for _, c := range list {
		if other := seen[c.want]; other != "" {
			t.Errorf("%s and %s break one rule", c.name, other)
		}
		seen[c.want] = c.name
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestCheats$", "-test.timeout=20s", "-test.paniconexit0")
			cmd.Env = append(os.Environ(), env+"="+c.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("the kit says (%v), want %q:\n%.1500s", err, c.want, out)
			}
		})
	}
}
