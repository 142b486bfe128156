package bench

import (
	"bytes"
	"cmp"
	"errors"
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

	gocmp "github.com/google/go-cmp/cmp"

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
		f("drops-from-account", "original 10 lost", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			return inOrder(in, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}[:min(10, len(in.Packets))])
		}),
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
		f("every-other-sight", "", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			mu.Lock()
			defer mu.Unlock()
			k := fmt.Sprint("other", in.Start, in.End, in.Packets)
			seen[k]++
			return changed(in, func(t *datasets.Trace) {
				for i := range t.Packets {
					grow(&t.Packets[i], int32(seen[k]%2)*100)
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
		each("clock", "", func(_ rng, _ datasets.Trace, _ int, p *datasets.Packet) { grow(p, int32(time.Now().UnixNano()%251)) }),
		f("reorders", "after 2 of the same flow and direction", func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			order := make([]int, len(in.Packets))
			for i := range order {
				order[i] = i
			}
			if len(order) > 2 { // packets 0 and 2 go up
				order[0], order[2] = 2, 0
			}
			return inOrder(in, order)
		}),
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
		whole("all-on-lan", "said to stay in the home, carries original", func(t *datasets.Trace) {
			n := int32(len(t.Flows))
			for _, f := range t.Flows[:n] {
				f.LAN = true
				t.Flows = append(t.Flows, f)
			}
			for i := range t.Packets {
				t.Packets[i].Flow += n
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
		f("nil-panic", "panic called with nil", func(rng, datasets.Trace) (defenses.Defended, error) { panic(nil) }),
		f("fails", "<script>", func(rng, datasets.Trace) (defenses.Defended, error) {
			return defenses.Defended{}, errors.New("<script>alert(1)</script>\x1b[2J\n=cmd|' /C calc'!A0")
		}),
		f("goexit", "Apply ended its goroutine", func(rng, datasets.Trace) (defenses.Defended, error) { runtime.Goexit(); panic("not reached") }),
		f("deadlock", "defense deadlock: Apply has not returned after", func(rng, datasets.Trace) (defenses.Defended, error) { select {} }),
		f("sleeps", "defense sleeps: Apply has not returned after", func(rng, datasets.Trace) (defenses.Defended, error) {
			time.Sleep(time.Hour)
			return defenses.Defended{}, nil
		}),
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
		// Room and time are the process's own: nobody can say how much cover is too
		// much. What leaves is counted.
		f("floods", isLeft, func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			b := defenses.NewBuilder(101 * len(in.Packets))
			out := in
			out.Packets = nil
			for i, p := range in.Packets {
				b.Carry(int32(i), p.Payload)
				for range 101 {
					out.Packets = append(out.Packets, p)
					b.Next()
				}
			}
			return defenses.Defended{Trace: out, Carried: b.Carried()}, nil
		}),
		f("leaks-goroutines", isLeft, func(_ rng, in datasets.Trace) (defenses.Defended, error) {
			go func() { select {} }()
			return defenses.Defended{Trace: in}, nil
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
	// chosen is an attack that settles in training what it will say.
	chosen := func(name, want string, train func(t attacks.Training) func(tr datasets.Trace) (attacks.Answer, error)) cheat {
		return cheat{settled{spy{name: name}, train}, want}
	}
	var mu sync.Mutex
	var said [][]attacks.Ranked
	var tested [][]datasets.Packet
	byPointer := map[*datasets.Packet]string{}
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
		g("panics-in-guess", "panic: guess", func(attacks.Training, datasets.Trace) (attacks.Answer, error) { panic("guess") }),
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
		g("negative-and-twice", isIdle, func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			return attacks.Answer{Clip: []attacks.Ranked{{Class: t.Classes[0], P: -5}, {Class: t.Classes[0], P: 17}}}, nil
		}),
		// Each call has memory of its own, so no address comes back.
		chosen("recalls-by-pointer", isIdle, func(t attacks.Training) func(datasets.Trace) (attacks.Answer, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range t.Examples {
				byPointer[&e.Trace.Packets[0]] = e.Class
			}
			return func(tr datasets.Trace) (attacks.Answer, error) {
				mu.Lock()
				defer mu.Unlock()
				if class, ok := byPointer[&tr.Packets[0]]; ok {
					return attacks.Answer{}, fmt.Errorf("recalled %s", class)
				}
				return sure(t.Classes[0], 1), nil
			}
		}),
		{mirror{}, isIdle},
		// The self-checks "a model answers each trace on its own", "shuffled labels"
		// and "the order of recordings" find these in a run (TestSelfCheckCatches),
		// verify what they miss (TestRecallDiffersAlone).
		{recaller(), isLeft},
		chosen("counts-questions", isLeft, func(t attacks.Training) func(datasets.Trace) (attacks.Answer, error) {
			var n atomic.Int64
			return func(datasets.Trace) (attacks.Answer, error) { return sure(t.Classes[n.Add(1)%2], 1), nil }
		}),
		g("keeps-tests", isLeft, func(t attacks.Training, tr datasets.Trace) (attacks.Answer, error) {
			mu.Lock()
			defer mu.Unlock()
			tested = append(tested, tr.Packets)
			return sure(t.Classes[len(tested)%2], 1), nil
		}),
		chosen("random-training", isLeft, func(t attacks.Training) func(datasets.Trace) (attacks.Answer, error) {
			class := t.Classes[rand.IntN(2)]
			return func(datasets.Trace) (attacks.Answer, error) { return sure(class, 1), nil }
		}),
		g("random", isLeft, func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) {
			return sure(t.Classes[rand.IntN(2)], 1), nil
		}),
	}
}

// recaller knows the answers of all folds once it has been trained in each, by
// what hardly changes in a trace.
func recaller() settled {
	var mu sync.Mutex
	memory := map[string]string{}
	key := func(tr datasets.Trace) string { return fmt.Sprint(tr.End, tr.Packets[0].Time, tr.Packets[1].Time) }
	return settled{spy{name: "recalls"}, func(t attacks.Training) func(datasets.Trace) (attacks.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range t.Examples {
			memory[key(e.Trace)] = e.Class
		}
		return func(tr datasets.Trace) (attacks.Answer, error) {
			mu.Lock()
			defer mu.Unlock()
			return sure(cmp.Or(memory[key(tr)], t.Classes[0]), 1), nil
		}
	}}
}

// tried runs a grid with one cheat and returns its results and stored rows.
func tried(t *testing.T, g Grid) ([]results.Result, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	rs, err := run(t, t.Context(), g, dir, Options{Workers: 2, PluginTimeout: 2 * time.Second})
	if err != nil {
		t.Fatalf("the run ended: %v", err)
	}
	return rs, storedRows(t, dir)
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

// unspoiled compares the honest rows, also as they are stored.
func unspoiled(t *testing.T, want, got map[results.Cell]results.Result, files, stored map[string]string) {
	t.Helper()
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("other rows changed: %.600s", d)
	}
	for name, b := range files {
		if !bytes.Equal([]byte(b), []byte(stored[name])) {
			t.Errorf("stored %s changed", name)
		}
	}
}
