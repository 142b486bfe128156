package tunnel_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// The tests of this file hold defenses of the project and machines of the same
// parameters side by side: what both do alike must be alike within the noise, and what
// they do otherwise must differ by just what the difference between them explains.

// pages is n sessions of one device, a minute apart, as a page loads: a request for
// every five answers, full packets over some seconds.
func pages(seed uint64, n, packets int) datasets.Trace {
	rng := rand.New(rand.NewPCG(seed, 4))
	t := datasets.Trace{End: time.Duration(n) * time.Minute, Flows: []datasets.Flow{defensetest.Flow(1, 17, "page.example")}}
	for k := range n {
		at := time.Duration(k)*time.Minute + time.Duration(rng.IntN(5000))*time.Millisecond
		for i := range packets {
			p := datasets.Packet{Time: at, Size: 1434, Payload: 1392, Dir: datasets.Down}
			if i%6 == 0 {
				p.Dir = datasets.Up
			}
			t.Packets = append(t.Packets, p)
			at += time.Duration(rng.ExpFloat64() * float64(8*time.Second) / float64(packets))
		}
	}
	return t
}

// session is what a defense makes of one session: packets each way and dummies among
// them, the mean time of dummies since the session's first packet, the packets down in
// its first second, and the delay of originals.
type session struct {
	sent, dummies [2]int
	late          [2]float64
	firstSecond   int
	delay         time.Duration
}

// sessions applies a defense to pages of several seeds.
func sessions(t *testing.T, id string, seeds, n, packets int, each func(in []datasets.Packet, s session)) {
	t.Helper()
	d, err := defenses.Parse(builtin.All(), id)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(seeds) {
		in := pages(seed, n, packets)
		out, err := d.Apply(rand.New(rand.NewPCG(seed, 1)), in)
		if err == nil {
			err = defenses.Check(in, out)
		}
		if err != nil {
			t.Fatal(id, err)
		}
		all := make([]session, n)
		for i, p := range out.Trace.Packets {
			k := min(int(p.Time/time.Minute), n-1)
			s, first := &all[k], in.Packets[k*packets].Time
			orig, _ := out.Carried.Entries(i)
			s.sent[p.Dir]++
			if p.Dir == datasets.Down && p.Time-first < time.Second {
				s.firstSecond++
			}
			if len(orig) == 0 {
				s.dummies[p.Dir]++
				s.late[p.Dir] += (p.Time - first).Seconds()
			}
			for _, o := range orig {
				s.delay += p.Time - in.Packets[o].Time
			}
		}
		for k := range all {
			each(in.Packets[k*packets:(k+1)*packets], all[k])
		}
	}
}

// figure is the mean of something and its standard error.
type figure struct{ n, sum, squares float64 }

func (f *figure) add(x float64) {
	f.n++
	f.sum += x
	f.squares += x * x
}

func (f *figure) mean() float64  { return f.sum / f.n }
func (f *figure) error() float64 { return math.Sqrt(max(0, f.squares/f.n-f.mean()*f.mean()) / f.n) }

// agree fails if two means differ by more than four standard errors.
func agree(t *testing.T, what string, a, b figure) {
	t.Helper()
	t.Logf("%s: %.2f and %.2f, standard errors %.2f and %.2f", what, a.mean(), b.mean(), a.error(), b.error())
	if d := math.Abs(a.mean() - b.mean()); d > 4*math.Hypot(a.error(), b.error()) {
		t.Errorf("%s differs: %.3f and %.3f", what, a.mean(), b.mean())
	}
}

// FRONT draws as many dummies as its machines, and sends them as late.
func TestFrontAgainstItsMachines(t *testing.T) {
	for dir := range 2 {
		var dummies, late [2]figure
		for k, id := range []string{"front", "maybenot:control=false"} {
			sessions(t, id, 40, 10, 60, func(_ []datasets.Packet, s session) {
				dummies[k].add(float64(s.dummies[dir]))
				if s.dummies[dir] > 0 {
					late[k].add(s.late[dir] / float64(s.dummies[dir]))
				}
			})
		}
		agree(t, "dummies of a session, "+datasets.Dir(dir).String(), dummies[0], dummies[1])
		agree(t, "their mean time", late[0], late[1])
	}
}

// A constant rate in sessions keeps both directions going until both are done; each of
// the machines ends by itself, 2 s after its own side's last packet, and begins with its
// side's first. So the numbers of packets follow from the times of what is sent, for
// the defense and for the machines, to a packet or two at the ends.
func TestConstantRateAgainstItsMachines(t *testing.T) {
	const slot, quiet = 0.1, 2.0
	count := func(id string, want func(first, last [2]float64, dir int) float64) {
		var delay figure
		sessions(t, id, 10, 10, 60, func(in []datasets.Packet, s session) {
			var first, last [2]float64
			for dir := range first {
				first[dir] = math.Inf(1)
			}
			for _, p := range in {
				first[p.Dir] = min(first[p.Dir], p.Time.Seconds())
				last[p.Dir] = max(last[p.Dir], p.Time.Seconds())
			}
			for dir := range 2 {
				if n := want(first, last, dir); math.Abs(float64(s.sent[dir])-n) > 2.5 {
					t.Errorf("%s sends %d packets %v in a session, want %.1f", id, s.sent[dir], datasets.Dir(dir), n)
				}
			}
			delay.add(s.delay.Seconds() / float64(len(in)))
		})
		t.Logf("%s: delay %.3f s", id, delay.mean())
	}
	count("constant-rate:size_bytes=1448,interval_s=0.1,quiet_s=2,multiple=1", func(first, last [2]float64, _ int) float64 {
		return (max(last[0], last[1]) + quiet - min(first[0], first[1])) / slot
	})
	count("maybenot-tamaraw:control=false", func(first, last [2]float64, dir int) float64 {
		return (last[dir]+quiet-first[dir])/slot + 1
	})
}

// RegulaTor sends an upload for every U = 3.95 downloads. Its machines count the upload
// itself as the first of those downloads, so they send one for every 2.95; and they begin
// a session with ten downloads 100 ms apart where RegulaTor begins at its peak rate, which
// is what originals wait for. Downloads are alike within the noise of the budgets.
func TestRegulaTorAgainstItsMachines(t *testing.T) {
	const downs = 277
	machines := "maybenot:control=false,machines=" + datatest.Recorded(t, "maybenot", "machines", "regulator_heavy.txt")
	var down [2]figure
	var up, all [2]float64
	for k, id := range []string{"regulator-published:size_bytes=1448", machines} {
		var delay figure
		sessions(t, id, 15, 4, 400, func(in []datasets.Packet, s session) {
			down[k].add(float64(s.sent[datasets.Down]))
			up[k] += float64(s.sent[datasets.Up])
			all[k] += float64(s.sent[datasets.Down])
			delay.add(s.delay.Seconds() / float64(len(in)))
			if slow := s.firstSecond <= 12; slow != (k == 1) {
				t.Errorf("%s: %d packets down in a session's first second, of %d at the peak rate", id, s.firstSecond, downs)
			}
		})
		t.Logf("%s: %.3f downloads to an upload, delay %.3f s", id, all[k]/up[k], delay.mean())
	}
	agree(t, "downloads of a session", down[0], down[1])
	for k, want := range []float64{3.95, 2.95} {
		if got := all[k] / up[k]; math.Abs(got-want) > 0.05 {
			t.Errorf("%.3f downloads to an upload, want %v", got, want)
		}
	}
}
