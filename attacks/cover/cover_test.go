package cover

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/bursts"
	"veilbench/attacks/decompose"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/knn"
	"veilbench/attacks/window"
	"veilbench/datasets"
)

// dummies adds to every example of the toy homes dummy packets of a defense: one
// of a few sizes that only it sends, on the devices' own flows, every second or
// so, so that hardly an event is left without one.
func dummies(t attacks.Training) attacks.Training {
	rng := rand.New(rand.NewPCG(1, 1))
	for n, e := range t.Examples {
		type owned struct {
			datasets.Packet
			owner int32
		}
		var all []owned
		for i, p := range e.Trace.Packets {
			all = append(all, owned{p, e.Labels.Owners[i]})
		}
		for at := time.Duration(0); at < e.Trace.End; at += time.Duration(rng.IntN(1500)) * time.Millisecond {
			size := 300 + 7*int32(rng.IntN(3))
			all = append(all, owned{datasets.Packet{Time: at, Size: size, Payload: size - 54, Flow: int32(rng.IntN(2)), Dir: datasets.Dir(rng.IntN(2))}, 2})
		}
		slices.SortStableFunc(all, func(a, b owned) int { return cmp.Compare(a.Time, b.Time) })

		e.Labels.Devices = append(slices.Clone(e.Labels.Devices), datasets.Cover)
		e.Trace.Packets, e.Labels.Owners = nil, nil
		for _, p := range all {
			e.Trace.Packets, e.Labels.Owners = append(e.Trace.Packets, p.Packet), append(e.Labels.Owners, p.owner)
		}
		t.Examples[n] = e
	}
	return t
}

// f1 is that of a on the last example, trained on the others.
func f1(t *testing.T, a attacks.Attack, tr attacks.Training) float64 {
	t.Helper()
	last := len(tr.Examples) - 1
	test := tr.Examples[last]
	tr.Examples = tr.Examples[:last]
	var s tally
	s.add(tr.Task, tr.Classes, test, test, attacktest.Ask(t, attacktest.Train(t, a, tr), test.Trace))
	return s.score()
}

func TestSeesThroughDummies(t *testing.T) {
	a := knn.EventKNN{PairS: 5, K: 1, GapS: 1}
	if plain := f1(t, a, attacktest.ToyEvents(5)); plain < 0.95 {
		t.Fatalf("F1 %.2f without dummies, want what the attack is worth", plain)
	}
	plain, through := f1(t, a, dummies(attacktest.ToyEvents(5))), f1(t, Without(a), dummies(attacktest.ToyEvents(5)))
	t.Logf("F1 %.2f through dummies as they are, %.2f without those that are seen", plain, through)
	if plain > 0.8 || through < 0.95 {
		t.Errorf("F1 %.2f as it is and %.2f past the dummies, want at most 0.8 and at least 0.95", plain, through)
	}
}

// Where training shows no dummy the answers are the other attack's to the byte,
// and where they look like anything else the filter is left out.
func TestWithoutCoverIsTheOtherAttack(t *testing.T) {
	a := knn.EventKNN{PairS: 5, K: 1, GapS: 1}
	tr := attacktest.ToyEvents(3)
	at := tr.Examples[0].Trace
	if got, want := attacktest.Ask(t, attacktest.Train(t, Without(a), tr), at), attacktest.Ask(t, attacktest.Train(t, a, tr), at); !reflect.DeepEqual(got, want) {
		t.Error("other answers than those of the attack without the filter")
	}

	// Any packet may be a dummy by name: nothing tells them apart.
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range tr.Examples {
		e := &tr.Examples[i]
		e.Labels.Devices = append(slices.Clone(e.Labels.Devices), datasets.Cover)
		e.Labels.Owners = slices.Clone(e.Labels.Owners)
		for j := range e.Labels.Owners {
			if rng.IntN(4) == 0 {
				e.Labels.Owners[j] = 2
			}
		}
	}
	if m := attacktest.Train(t, Without(a), tr); reflect.TypeOf(m) == reflect.TypeFor[*model]() {
		t.Error("a filter that cannot tell dummies is in use")
	}
}

func TestFilterKeepsDevices(t *testing.T) {
	tr := dummies(attacktest.ToyEvents(4))
	f, err := learnFilter(t.Context(), 1, tr.Examples[:3])
	if err != nil {
		t.Fatal(err)
	}
	e := tr.Examples[3]
	kept, err := f.keep(t.Context(), e.Trace)
	if err != nil {
		t.Fatal(err)
	}
	var real, own int
	for _, i := range kept {
		if e.Labels.Owners[i] == 2 {
			own++
		} else {
			real++
		}
	}
	all := 0
	for _, o := range e.Labels.Owners {
		if o != 2 {
			all++
		}
	}
	if dummies := len(e.Labels.Owners) - all; real < all*98/100 || own > dummies/20 {
		t.Errorf("kept %d of %d packets and %d of %d dummies", real, all, own, dummies)
	}
}

// plainFeatures is a row of packetFeatures by looking at all packets.
func plainFeatures(t datasets.Trace, i int) []float32 {
	p := t.Packets[i]
	f := t.Flows[p.Flow]
	before, after, same := -1, -1, -1
	var common, length, place int
	for j, q := range t.Packets {
		if q.Flow != p.Flow {
			continue
		}
		length++
		alike := bursts.SignedSize(q) == bursts.SignedSize(p)
		if alike {
			common++
		}
		if j <= i {
			place++
		}
		if j < i {
			before = j
			if alike {
				same = j
			}
		} else if j > i && after < 0 {
			after = j
		}
	}

	log := func(x float64) float32 { return float32(math.Log1p(x)) }
	apart := func(j int) float32 {
		if j < 0 {
			return log(1e9)
		}
		return log(float64((t.Packets[j].Time - p.Time).Abs()) / 1e6)
	}
	size := func(j int) float32 {
		if j < 0 {
			return 0
		}
		return float32(bursts.SignedSize(t.Packets[j]))
	}
	named := float32(0)
	if f.Host != "" {
		named = 1
	}
	return []float32{
		float32(p.Size), float32(p.Payload), float32(p.Dir), float32(f.Proto), named, apart(before), apart(after), apart(same),
		size(before), size(after), float32(common) / float32(length), log(float64(place)), log(float64(length)),
	}
}

func TestPacketFeaturesAreThePlainOnes(t *testing.T) {
	tr := dummies(attacktest.ToyEvents(1)).Examples[0].Trace
	rows := []int32{0, 1, 2, 50, 51, 300, int32(len(tr.Packets) - 1)}
	columns := make([][]float32, packetColumns)
	packetFeatures(columns, tr, rows)
	for r, i := range rows {
		want := plainFeatures(tr, int(i))
		for c := range columns {
			if columns[c][r] != want[c] {
				t.Errorf("packet %d, feature %d: %v, want %v", i, c, columns[c][r], want[c])
			}
		}
	}
}

func TestTally(t *testing.T) {
	e := attacks.Labeled{Class: "a", Labels: datasets.Labels{
		Devices: []string{datasets.Cover, "cam", "plug"}, Owners: []int32{1, 1, 2, 0, -1},
		Commands: []datasets.Command{{Time: 10 * time.Second, Actions: []datasets.ActionCount{{Action: "on", Count: 2}}}},
	}}
	for _, c := range []struct {
		task    datasets.Task
		classes []string
		a       attacks.Answer
		want    float64
	}{
		{datasets.TaskClip, nil, attacks.Answer{Clip: []attacks.Ranked{{Class: "a"}}}, 1},
		{datasets.TaskClip, nil, attacks.Answer{}, 0},
		{datasets.TaskCommand, []string{"on"}, attacks.Answer{Commands: []attacks.Message{{Time: 11 * time.Second, Candidates: [][]uint8{{1}, {2}}, Best: 1}}}, 1},
		{datasets.TaskCommand, []string{"on"}, attacks.Answer{Commands: []attacks.Message{{Time: 11 * time.Second, Candidates: [][]uint8{{1}, {2}}, Best: 0}}}, 0},
		// One of two of cam, plug and nobody wrong; that cover was named does not count.
		{datasets.TaskDevice, []string{"cam", datasets.Cover, "plug"}, attacks.Answer{Devices: []attacks.Owner{{Class: 0}, {Class: 2}, {Class: 0}, {Class: 1}, {Class: -1}}}, 0.5 / 3},
	} {
		var s tally
		s.add(c.task, c.classes, e, e, c.a)
		if got := s.score(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s %+v: score %v, want %v", c.task, c.a, got, c.want)
		}
	}
}

func BenchmarkPacketFeatures(b *testing.B) {
	tr := dummies(attacktest.ToyEvents(1)).Examples[0].Trace
	all := bursts.AllPackets(tr)
	b.ReportAllocs()
	for b.Loop() {
		packetFeatures(make([][]float32, packetColumns), tr, all)
	}
	b.ReportMetric(float64(len(all))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}

// toyGateways are homes whose device 0 gets 80 commands of up to four actions, each an
// action's bytes beside a header, and reports every action.
func toyGateways(homes int) attacks.Training {
	rng := rand.New(rand.NewPCG(1, 2))
	bytes := map[string]int32{"off": 57, "on": 83}
	tr := attacks.Training{Task: datasets.TaskCommand, Classes: []string{"off", "on"}}
	for h := range homes {
		e := attacks.Labeled{Group: string(rune('a' + h)), Labels: datasets.Labels{Devices: []string{"gateway", "lamp"}}}
		e.Trace.Flows = []datasets.Flow{{Host: "gateway.example"}, {Host: "lamp.example"}}
		e.Trace.End = 80 * time.Minute
		packet := func(at time.Duration, payload int32, dir datasets.Dir) {
			e.Trace.Packets = append(e.Trace.Packets, datasets.Packet{Time: at, Size: payload + 54, Payload: payload, Dir: dir})
			e.Labels.Owners = append(e.Labels.Owners, 0)
		}
		for k := range 80 {
			c := datasets.Command{Time: time.Duration(k) * time.Minute}
			size := int32(40)
			for _, name := range tr.Classes {
				if n := rng.IntN(3); n > 0 || name == "on" && len(c.Actions) == 0 {
					c.Actions = append(c.Actions, datasets.ActionCount{Action: name, Count: max(n, 1)})
					size += int32(max(n, 1)) * bytes[name]
				}
			}
			packet(c.Time+200*time.Millisecond, size, datasets.Down)
			for i := range c.Actions {
				packet(c.Time+time.Duration(i+1)*400*time.Millisecond, 61, datasets.Up)
			}
			e.Labels.Commands = append(e.Labels.Commands, c)
		}
		tr.Examples = append(tr.Examples, e)
	}
	return tr
}

// BenchmarkUncover trains on toy homes full of dummy packets and asks about one, with
// the filter and what it is put before; both are small.
func BenchmarkUncover(b *testing.B) {
	tr := dummies(attacktest.ToyEvents(3))
	owners := tr
	owners.Task, owners.Classes = datasets.TaskDevice, []string{datasets.Cover, "lamp", "lock"}
	single := window.NewForest()
	single.Trees = 10

	for _, c := range []struct {
		of attacks.Attack
		tr attacks.Training
	}{
		{eventforest.Attack{Features: "hist", GapS: 1, PairS: 5, Trees: 10}, tr},
		{single, owners},
		{decompose.New(), dummies(toyGateways(3))},
	} {
		a, packets := Without(c.of), 0
		for _, e := range c.tr.Examples {
			packets += len(e.Trace.Packets)
		}
		b.Run("attack="+a.Info().Name+"/do=train", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Train(b, a, c.tr)
			}
			b.ReportMetric(float64(packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
		b.Run("attack="+a.Info().Name+"/do=guess", func(b *testing.B) {
			m, test := attacktest.Train(b, a, c.tr), c.tr.Examples[0].Trace
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Ask(b, m, test)
			}
			b.ReportMetric(float64(len(test.Packets))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
