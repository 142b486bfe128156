package bench

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// What becomes of a cheat: an error with that text in all of its cells, or one of
// these.
const (
	isOracle = "ORACLE" // its results say that it looks ahead
	isIdle   = "IDLE"   // it changes nobody's results and gains nothing
	// isOwnLoss may spoil its own cells: with two workers it can edit what another
	// of its calls returned just before that is copied. Others' rows stay.
	isOwnLoss = "OWN"
	isLeft    = "ALLOWED" // no program can tell; the reason stands beside it
)

// defenseCheats are the hostile defenses: each time made anew, for some remember.
func defenseCheats() []struct {
	d    defenses.Defense
	want string
} {
	type rng = *rand.Rand
	type cheat = struct {
		d    defenses.Defense
		want string
	}
	f := func(name, want string, apply func(rng rng, in datasets.Trace) (defenses.Defended, error)) cheat {
		return cheat{hostile{name, apply}, want}
	}
	each := func(name, want string, change func(rng rng, in datasets.Trace, i int, p *datasets.Packet)) cheat {
		return cheat{eachPacket(name, change), want}
	}
	whole := func(name, want string, change func(t *datasets.Trace)) cheat {
		return f(name, want, func(_ rng, in datasets.Trace) (defenses.Defended, error) { return changed(in, change) })
	}

	var calls atomic.Int64
	var mu sync.Mutex
	seen := map[string]int{}
	longest := map[string][]datasets.Packet{}
	var returned [][]datasets.Packet
	key := func(in datasets.Trace) string { return fmt.Sprint(in.Start, in.Packets[:1]) }

	return []cheat{
		whole("drops-tail", "12 packets became 10", func(t *datasets.Trace) { t.Packets = t.Packets[:10] }),
		each("shrinks", "14 bytes of headers", func(_ rng, _ datasets.Trace, _ int, p *datasets.Packet) { p.Size = p.Payload + 14 }),
		each("early", "before it exists", func(_ rng, in datasets.Trace, i int, p *datasets.Packet) {
			if i == 3 {
				p.Time--
			}
		}),
		each("knows-end", isOracle, func(_ rng, in datasets.Trace, _ int, p *datasets.Packet) { grow(p, int32(in.End/time.Second)) }),
		each("knows-count", isOracle, func(_ rng, in datasets.Trace, _ int, p *datasets.Packet) { grow(p, int32(len(in.Packets))) }),
		f("remembers", isOracle, func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			if len(in.Packets) == 0 {
				return defenses.Defended{Trace: in}, nil
			}
			mu.Lock()
			defer mu.Unlock()
			if k := key(in); len(in.Packets) > len(longest[k]) {
				longest[k] = slices.Clone(in.Packets)
			}
			all := longest[key(in)]
			return changed(in, func(t *datasets.Trace) {
				for i := range t.Packets {
					if i+2 < len(all) {
						grow(&t.Packets[i], max(0, all[i+2].Size-t.Packets[i].Size))
					}
				}
			})
		}),
		each("counts-calls", "", func(_ rng, _ datasets.Trace, _ int, p *datasets.Packet) { grow(p, int32(calls.Add(1)%7)) }),
		f("second-sight", "", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			mu.Lock()
			k := fmt.Sprint(in.Start, in.End, in.Packets)
			seen[k]++
			n := seen[k]
			mu.Unlock()
			return changed(in, func(t *datasets.Trace) {
				if n == 2 && len(t.Packets) > 0 {
					grow(&t.Packets[0], 9)
				}
			})
		}),
		each("global-rand", "", func(_ rng, _ datasets.Trace, _ int, p *datasets.Packet) { grow(p, rand.Int32N(256)) }),
		each("turns-round", "was turned round", func(_ rng, _ datasets.Trace, _ int, p *datasets.Packet) { p.Dir = datasets.Up }),
		f("edits-packets", "modified its input: packet 0 was", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			for i := range in.Packets {
				in.Packets[i].Size, in.Packets[i].Payload = 60, 0
			}
			return defenses.Defended{Trace: in}, nil
		}),
		f("edits-flows", "modified its input: flow 0 was", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			for i := range in.Flows {
				in.Flows[i].LAN = true
			}
			return defenses.Defended{Trace: in}, nil
		}),
		f("edits-later", isOwnLoss, func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, ps := range returned {
				for i := range ps {
					ps[i].Size, ps[i].Payload = 100, 0
				}
			}
			out, err := changed(in, func(*datasets.Trace) {})
			returned = append(returned, out.Trace.Packets)
			return out, err
		}),
		{learner{hostile{"edits-training", nil}, func(recs []datasets.Recording) { recs[0].Labels.Devices[0] = "another" }}, "Fit modified recording"},
		f("marks-dummies", "which no packet of flow 0 with an original has", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			return withDummies(in, func(_ *datasets.Trace, p *datasets.Packet) { p.Size += 12 })
		}),
		each("payload-above-frame", "in a frame of", func(_ rng, _ datasets.Trace, _ int, p *datasets.Packet) { p.Size = 60 }),
		whole("moves-to-lan", "said to stay in the home, carries original", func(t *datasets.Trace) {
			n := onLAN(t)
			for i := range t.Packets {
				t.Packets[i].Flow = n
			}
		}),
		f("covers-on-lan", "carries no original that does", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			n := int32(len(in.Flows))
			return withDummies(in, func(t *datasets.Trace, p *datasets.Packet) {
				if len(t.Flows) == int(n) {
					onLAN(t)
				}
				p.Flow = n
			})
		}),
		whole("behind-end", "before the last packet", func(t *datasets.Trace) { t.Packets[len(t.Packets)-1].Time = t.End + 9*time.Second }),
		whole("end-far-out", "after the last packet", func(t *datasets.Trace) { t.End += 1000 * time.Hour }),
		f("panics", "panic: ha", func(rng, datasets.Trace) (defenses.Defended, error) { panic("ha") }),
		f("goexit", "Apply ended its goroutine", func(rng, datasets.Trace) (defenses.Defended, error) { runtime.Goexit(); panic("not reached") }),
		f("deadlock", "defense deadlock: Apply has not returned after", func(rng, datasets.Trace) (defenses.Defended, error) { select {} }),
		f("picky", "I do not like this one", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			if in.Packets[0].Size%2 == 0 {
				return defenses.Defended{}, fmt.Errorf("I do not like this one")
			}
			return defenses.Defended{Trace: in}, nil
		}),
		{boaster{eachPacket("boasts", func(rng, datasets.Trace, int, *datasets.Packet) {})}, "claims epsilon = NaN"},

		// The self-check "training and test see other draws" finds it in a run.
		each("fixed-generator", isLeft, func(_ rng, _ datasets.Trace, i int, p *datasets.Packet) {
			grow(p, rand.New(rand.NewPCG(1, uint64(i))).Int32N(256))
		}),
		// A size that only dummies have is a bad defense and no cheat: attacks find it.
		f("dummies-of-one-size", isLeft, func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			return withDummies(in, func(_ *datasets.Trace, p *datasets.Packet) { p.Size, p.Payload = 1313, 1271 })
		}),
		// A tunnel whose own header costs nothing: nobody knows what it should cost.
		whole("free-tunnel", isLeft, func(t *datasets.Trace) {
			t.Flows = append(t.Flows, t.Flows[0])
			for i := range t.Packets {
				t.Packets[i].Flow = int32(len(t.Flows) - 1)
			}
		}),
	}
}

// attackCheats are the hostile attacks.
func attackCheats() []struct {
	a    attacks.Attack
	want string
} {
	type cheat = struct {
		a    attacks.Attack
		want string
	}
	g := func(name, want string, f func(t attacks.Training, tr datasets.Trace) (attacks.Answer, error)) cheat {
		return cheat{guesser(name, f), want}
	}
	tr := func(name, want string, f func(t attacks.Training)) cheat {
		return cheat{spy{name: name, train: func(t attacks.Training) error { f(t); return nil }}, want}
	}
	var mu sync.Mutex
	var said [][]attacks.Ranked
	return []cheat{
		g("edits-test", "Guess modified its input: packet 0", func(t attacks.Training, tr datasets.Trace) (attacks.Answer, error) {
			for i := range tr.Packets {
				tr.Packets[i].Size = 61
			}
			return sure(t.Classes[0], 1), nil
		}),
		tr("edits-examples", "Train modified training example 0: packet 0", func(t attacks.Training) { t.Examples[0].Trace.Packets[0].Size++ }),
		tr("edits-classes", "Train modified the classes", func(t attacks.Training) { t.Classes[1] = t.Classes[0] }),
		tr("edits-truth", "Train modified training example 1: owner of packet 2", func(t attacks.Training) { t.Examples[1].Labels.Owners[2]-- }),
		tr("edits-groups", "class and group were", func(t attacks.Training) { t.Examples[0].Group = "all" }),
		g("nan", "probability of class \"device/even\" is NaN", func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			return sure(t.Classes[0], math.NaN()), nil
		}),
		g("inf", "is +Inf", func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			return sure(t.Classes[0], math.Inf(1)), nil
		}),
		g("nan-threshold", "the threshold is NaN", func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			a := sure(t.Classes[0], 1)
			a.Threshold = math.NaN()
			return a, nil
		}),
		g("never", "attack never: Guess has not returned after", func(attacks.Training, datasets.Trace) (attacks.Answer, error) { select {} }),
		g("leaves", "Guess ended its goroutine", func(attacks.Training, datasets.Trace) (attacks.Answer, error) { runtime.Goexit(); panic("") }),
		tr("trains-for-ever", "Train has not returned after", func(attacks.Training) { select {} }),
		tr("panics-in-training", "panic: train", func(attacks.Training) { panic("train") }),
		g("revises", isIdle, func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, rs := range said { // once it has seen more
				rs[0].Class = "none"
			}
			a := sure(t.Classes[0], 1)
			said = append(said, a.Clip)
			return a, nil
		}),
		// Scored as wrong.
		g("foreign-names", isIdle, func(attacks.Training, datasets.Trace) (attacks.Answer, error) { return sure("\x1b[31m", -5), nil }),
		g("says-nothing", isIdle, func(attacks.Training, datasets.Trace) (attacks.Answer, error) { return attacks.Answer{}, nil }),
		// The self-checks "a model answers each trace on its own" and "the order of
		// recordings" find these in a run, verify what they miss.
		g("random", isLeft, func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			return sure(t.Classes[rand.IntN(2)], 1), nil
		}),
	}
}

// tried runs a grid with one cheat and returns its results and stored bytes.
func tried(t *testing.T, g Grid) ([]results.Result, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	rs, err := run(t, t.Context(), g, dir, Options{Workers: 2, PluginTimeout: 2 * time.Second})
	if err != nil {
		t.Fatalf("the run ended: %v", err)
	}
	return rs, storedBytes(t, dir)
}

// clipGrid is what every cheat is tried among.
func clipGrid(t *testing.T, ds []defenses.Defense, as []attacks.Attack) Grid {
	g := clips(t, ds, as)
	g.Knowledge = []results.Knowledge{results.Adaptive, results.Unaware}
	g.NoCanaries = true // canaries have classes of their own, which errors name
	return g
}

// judge holds the cells of a cheat to what the table says.
func judge(t *testing.T, rs []results.Result, name, want string) {
	t.Helper()
	errs := failures(rs, name)
	if len(errs) == 0 {
		t.Fatal("no cells")
	}
	for i, e := range errs {
		switch want {
		case isOracle:
			if e != "" || !slices.ContainsFunc(rs, func(r results.Result) bool { return r.Oracle && r.Cell.Defense == name }) {
				t.Fatalf("cell %d: error %q, want oracle", i, e)
			}
		case isOwnLoss:
			if e != "" && !strings.Contains(e, name) {
				t.Fatalf("cell %d: %q does not name the cheat", i, e)
			}
		case isIdle, isLeft:
			if e != "" {
				t.Fatalf("cell %d: %s", i, e)
			}
		case "":
			// Chance or state: found as one or the other, never a plain number.
			if e == "" && !slices.ContainsFunc(rs, func(r results.Result) bool { return r.Oracle && r.Cell.Defense == name }) {
				t.Fatalf("cell %d is a number", i)
			}
		default:
			if !strings.Contains(e, want) || !strings.Contains(e, name) && !strings.Contains(e, "panic") {
				t.Fatalf("cell %d: %q, want %q and the name", i, e, want)
			}
		}
	}
}

// No cheat of a defense passes, and the rows before and after it, results and
// stored bytes, are those of a run without it.
func TestCheatingDefenses(t *testing.T) {
	honest, pad := defenses.Defense(defenses.None{}), defense(t, "pad-random")
	wantRows, wantBytes := tried(t, clipGrid(t, []defenses.Defense{honest, pad}, nil))
	for k := range defenseCheats() {
		cheat := defenseCheats()[k]
		name := cheat.d.Info().Name
		t.Run(name, func(t *testing.T) {
			for _, first := range []bool{true, false} {
				ds := []defenses.Defense{honest, defenseCheats()[k].d, pad}
				if first {
					ds = []defenses.Defense{defenseCheats()[k].d, honest, pad}
				}
				rs, stored := tried(t, clipGrid(t, ds, nil))
				judge(t, rs, name, cheat.want)
				unspoiled(t, rows(wantRows, ""), rows(rs, name), wantBytes, stored)
			}
		})
	}
}

// The same for attacks.
func TestCheatingAttacks(t *testing.T) {
	ds := []defenses.Defense{defenses.None{}, defense(t, "pad-random")}
	wantRows, wantBytes := tried(t, clipGrid(t, ds, nil))
	for k := range attackCheats() {
		cheat := attackCheats()[k]
		name := cheat.a.Info().Name
		t.Run(name, func(t *testing.T) {
			for _, first := range []bool{true, false} {
				g := clipGrid(t, ds, []attacks.Attack{attackCheats()[k].a})
				if !first {
					slices.Reverse(g.Attacks)
				}
				rs, stored := tried(t, g)
				judge(t, rs, name, cheat.want)
				unspoiled(t, rows(wantRows, ""), rows(rs, name), wantBytes, stored)
			}
		})
	}
}

// unspoiled compares the honest rows and every file of theirs.
func unspoiled(t *testing.T, want, got map[results.Cell]results.Result, files, stored map[string]string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("other rows changed: %.600s", d)
	}
	for name, b := range files {
		if !bytes.Equal([]byte(b), []byte(stored[name])) {
			t.Errorf("stored %s changed", name)
		}
	}
}
