package selfcheck

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"veilbench/attacks"
	allattacks "veilbench/attacks/builtin"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

func TestSelfCheckPasses(t *testing.T) {
	vs, err := Run(context.Background(), 0, alldefenses.All(), allattacks.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		t.Logf("%v %s: %s", v.OK, v.Name, v.Detail)
		if !v.OK {
			t.Errorf("%s: %s", v.Name, v.Detail)
		}
	}
}

// Each planted fault must turn exactly the check that exists for it.
func TestSelfCheckCatches(t *testing.T) {
	cases := []struct {
		fault, check string
		defenses     []defenses.Defense
		attacks      []attacks.Attack
	}{
		{"an attack that always guesses one class", "a planted leak is found", nil, []attacks.Attack{oneClass{}}},
		{"a scaler fitted on test traffic", "a model answers each trace on its own", nil, []attacks.Attack{runningMean{}}},
		{"a defense draw shared by training and test", "training and test see other draws", []defenses.Defense{ownSeed{}}, nil},
		{"a flag in the trace", "a defense's own packets carry no mark", []defenses.Defense{flagged{}}, nil},
		{"an attack that falls silent behind a new address", "a new address silences no attack", nil, []attacks.Attack{silent{}}},
		{"a padded clip that ends with its content", "a constant rate hides everything", []defenses.Defense{endsWithContent{}}, nil},
		{"an attack that counts its questions", "a model answers each trace on its own", nil, []attacks.Attack{counting{}}},
		{"an attack that recalls the answers of other folds", "shuffled labels are not learned", nil, []attacks.Attack{recalling{new(sync.Map)}}},
		{"an attack that is trained by chance", "the order of recordings and workers does not matter", nil, []attacks.Attack{drawing{}}},
		{"an attack with a generator of its own", "the order of recordings and workers does not matter", nil, []attacks.Attack{moody{calls: new(atomic.Int64)}}},
	}
	for _, c := range cases {
		t.Run(c.fault, func(t *testing.T) {
			vs, err := Run(context.Background(), 0, c.defenses, c.attacks)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vs {
				if v.Name == c.check {
					if v.OK {
						t.Errorf("%q passed: %s", c.check, v.Detail)
					}
					t.Log(v.Detail)
					return
				}
			}
			t.Errorf("no check is called %q", c.check)
		})
	}
}

// A split that cuts windows first and divides them afterwards puts pieces of
// one session on both sides.
func TestSharedGroupIsFound(t *testing.T) {
	ds := planted.Clips(true)
	if g := sharedGroup(&ds, datasets.Part{Train: []int{0, 1}, Test: []int{2}}); g != "g0" {
		t.Errorf("shared group %q, want g0", g)
	}
}

// oneClass names the first class whatever it sees.
type oneClass struct{}

func (oneClass) Info() attacks.Info {
	return attacks.Info{Name: "one-class", Doc: "names one class", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (oneClass) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	return fixed{"device/even"}, nil
}

type fixed struct{ class string }

func (f fixed) Guess(context.Context, datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Clip: []attacks.Ranked{{Class: f.class, P: 1}}}, nil
}

// runningMean centers sizes by the mean of all traces that it was asked about.
type runningMean struct{}

func (runningMean) Info() attacks.Info {
	return attacks.Info{Name: "running-mean", Doc: "scales by test traffic", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (runningMean) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	return &meanModel{}, nil
}

type meanModel struct {
	sum, n float64
}

func (m *meanModel) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	m.sum += float64(t.Bytes())
	m.n++
	scaled := float64(t.Bytes()) / (m.sum / m.n)
	return attacks.Answer{Clip: []attacks.Ranked{{Class: "device/even", P: scaled / 2}}}, nil
}

// ownSeed pads by a generator of its own.
type ownSeed struct{}

func (ownSeed) Info() defenses.Info {
	return defenses.Info{Name: "own-seed", Doc: "ignores the generator", Place: defenses.AtDevice}
}

func (ownSeed) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	return randomPad{}.Apply(rand.New(rand.NewPCG(7, 7)), in)
}

// flagged adds packets that only a dummy host gets.
type flagged struct{}

func (flagged) Info() defenses.Info {
	return defenses.Info{Name: "flagged", Doc: "marks its cover", Place: defenses.AtDevice}
}

func (flagged) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := defenses.Defended{Trace: in}
	dummy := in.Flows[0]
	dummy.Host = "dummy.example"
	out.Trace.Flows = append(slices.Clone(in.Flows), dummy)
	out.Trace.Packets = slices.Clone(in.Packets)
	b := defenses.NewBuilder(len(in.Packets) + 1)
	for i, p := range in.Packets {
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	last := in.Packets[len(in.Packets)-1]
	last.Flow = int32(len(in.Flows))
	out.Trace.Packets = append(out.Trace.Packets, last)
	b.Next()
	out.Carried = b.Carried()
	return out, nil
}

// silent detects nothing at an address that it was not trained on.
type silent struct{}

func (silent) Info() attacks.Info {
	return attacks.Info{Name: "silent", Doc: "knows addresses only", Tasks: []datasets.Task{datasets.TaskEvent}}
}

func (silent) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	return mute{}, nil
}

type mute struct{}

func (mute) Guess(context.Context, datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{}, nil
}

// endsWithContent sends at a constant rate until the last packet is out.
type endsWithContent struct{}

func (endsWithContent) Info() defenses.Info {
	return defenses.Info{Name: "constant-rate", Doc: "stops with the content", Place: defenses.AtGateway}
}

func (endsWithContent) Apply(r *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	end := in.End
	short := in
	short.End = in.Packets[len(in.Packets)-1].Time
	d, err := defenses.Parse(alldefenses.All(), "constant-rate:per=home,interval_s=0.01")
	if err != nil {
		return defenses.Defended{}, err
	}
	out, err := d.Apply(r, short)
	out.Trace.End = max(end, out.Trace.End)
	return out, err
}

// moody answers by how often it was asked.
type moody struct{ calls *atomic.Int64 }

func (moody) Info() attacks.Info {
	return attacks.Info{Name: "moody", Doc: "answers by the number of calls", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (m moody) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	return m, nil
}

func (m moody) Guess(context.Context, datasets.Trace) (attacks.Answer, error) {
	class := "device/even"
	if m.calls.Add(1)%7 == 0 {
		class = "device/odd"
	}
	return attacks.Answer{Clip: []attacks.Ranked{{Class: class, P: 1}}}, nil
}

// counting answers by how often it was asked.
type counting struct{ oneClass }

func (counting) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	var n float64
	return asked(func(datasets.Trace) attacks.Ranked { n++; return attacks.Ranked{Class: "device/even", P: 1 / n} }), nil
}

// recalling knows the class of every clip that it was ever trained on, by the time
// of its first packet.
type recalling struct{ memory *sync.Map }

func (recalling) Info() attacks.Info { return oneClass{}.Info() }

func (r recalling) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	for _, e := range t.Examples {
		r.memory.Store(e.Trace.Packets[0].Time, e.Class)
	}
	return asked(func(t datasets.Trace) attacks.Ranked {
		class, _ := r.memory.LoadOrStore(t.Packets[0].Time, "device/even")
		return attacks.Ranked{Class: class.(string), P: 1}
	}), nil
}

// drawing is sure to a degree that chance decides in training.
type drawing struct{ oneClass }

func (drawing) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	p := rand.Float64()
	return asked(func(datasets.Trace) attacks.Ranked { return attacks.Ranked{Class: "device/even", P: p} }), nil
}

// asked is a model made of a function.
type asked func(t datasets.Trace) attacks.Ranked

func (f asked) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Clip: []attacks.Ranked{f(t)}}, nil
}
