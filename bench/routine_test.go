package bench

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/defenses"
)

// livedIn makes homes of days in which one person sleeps, leaves and comes home at
// hours that differ from day to day. A lamp sends a heartbeat every five minutes and
// is switched some five times an hour while the person is awake at home; a sleep
// monitor reports every few minutes while he sleeps.
func livedIn(homes, days int) datasets.Dataset {
	ds := datasets.Dataset{Name: "lived", Recorded: datasets.LAN, Tasks: []datasets.Task{datasets.TaskRoutine}, Split: "group-kfold:k=3"}
	for n := range homes {
		rng := rand.New(rand.NewPCG(uint64(n), 1))
		r := datasets.Recording{ID: fmt.Sprintf("home-%02d", n)}
		r.Group = r.ID
		r.Trace = datasets.Trace{Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), End: time.Duration(days) * 24 * time.Hour}
		r.Labels.Devices = []string{"lamp", "sleep"}
		for d := range 2 {
			r.Trace.Flows = append(r.Trace.Flows, datasets.Flow{
				Proto: 6, Local: netip.MustParseAddrPort(fmt.Sprintf("192.168.1.%d:5000", d+2)),
				Remote: netip.MustParseAddrPort(fmt.Sprintf("203.0.113.%d:443", d+1)), Host: r.Labels.Devices[d] + ".example.net",
			})
		}
		type sent struct {
			datasets.Packet
			cause int32
		}
		var all []sent
		send := func(at time.Duration, device int, cause int32, sizes ...int32) {
			for i, s := range sizes {
				all = append(all, sent{datasets.Packet{Time: at + time.Duration(i)*20*time.Millisecond, Size: s, Payload: s - 54, Flow: int32(device), Dir: datasets.Dir(i % 2)}, cause})
			}
		}

		at := time.Duration(0)
		stay := func(until time.Duration, home int, asleep bool) {
			until = min(until, r.Trace.End)
			r.Labels.Stays = append(r.Labels.Stays, datasets.Stay{Start: at, End: until, Home: home, Asleep: asleep})
			for ; at < until; at += time.Duration(rng.ExpFloat64() * float64(12*time.Minute)) {
				if home > 0 {
					device, activity := 0, "on"
					if asleep {
						device, activity = 1, "report"
					}
					send(at, device, int32(len(r.Labels.Events)), int32(200+100*device), 400, 210, 54)
					r.Labels.Events = append(r.Labels.Events, datasets.Event{Start: at, End: at, Device: device, Activity: activity})
				}
			}
			at = until
		}
		for d := range days {
			hour := func(mean, spread float64) time.Duration {
				return time.Duration(d)*24*time.Hour + time.Duration((mean+spread*(2*rng.Float64()-1))*float64(time.Hour))
			}
			stay(hour(7, 1.5), 1, true)
			stay(hour(10, 1.3), 1, false)
			stay(hour(15, 3), 0, false)
			stay(hour(23, 0.9), 1, false)
		}
		stay(r.Trace.End, 1, true)
		for at := 20 * time.Second; at < r.Trace.End-time.Minute; at += 5 * time.Minute {
			send(at, 0, -1, 90, 94)
			send(at+time.Second, 1, -1, 100, 104)
		}
		slices.SortStableFunc(all, func(a, b sent) int { return int(a.Time - b.Time) })
		for _, p := range all {
			if p.Time > r.Trace.End {
				break
			}
			r.Trace.Packets = append(r.Trace.Packets, p.Packet)
			r.Labels.Owners, r.Labels.Cause = append(r.Labels.Owners, p.Flow), append(r.Labels.Cause, p.cause)
		}
		ds.Recordings = append(ds.Recordings, r)
	}
	return ds
}

// TestRoutineOfLivedInHomes: without a defense the diary is read, by sizes and by
// events, and after a day already; a constant rate takes it back to what the clock
// knows, and that counts, for the canary is found behind it. Every home has the floor
// of its own timetable.
func TestRoutineOfLivedInHomes(t *testing.T) {
	g := Grid{
		Datasets: []datasets.Dataset{livedIn(6, 2)},
		Defenses: []defenses.Defense{defenses.None{}, defense(t, "constant-rate:per=home,interval_s=4")},
		Seed:     1, Link: cost.DefaultLink(),
	}
	// The clock is asked last, or floors would be made while its own answers are scored.
	for _, id := range []string{"routine-rates:trees=20", "routine-events:trees=20", "guess-packets:trees=20", "guess-majority", "guess-hour"} {
		g.Attacks = append(g.Attacks, attack(t, id))
	}
	rs, err := Run(t.Context(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}

	for _, r := range rs {
		if r.Err != "" {
			t.Fatalf("%+v: %s", r.Cell, r.Err)
		}
		if r.Cell.Knowledge == results.Planted {
			continue
		}
		for _, x := range r.Groups {
			p, ok := x.Part(results.PresenceRight)
			if !ok || x.N != 2*diary.PerDay || x.Floor <= 0.4 || x.Floor >= 1 || p.Floor <= 0.4 {
				t.Errorf("%s behind %s: group %+v", r.Cell.Attack, r.Cell.Defense, x)
			}
			if r.Cell.Attack == "guess-hour" && (x.Value > x.Floor || p.Value != p.Floor) {
				t.Errorf("the clock is not at its own floor: %+v", x)
			}
			for _, p := range x.Parts {
				if r.Cell.Attack == "guess-hour" && p.Value != p.Floor {
					t.Errorf("%s of the clock is %v, and its floor %v", p.Name, p.Value, p.Floor)
				}
			}
		}
	}
	for _, s := range results.Summaries(rs) {
		for _, r := range s.Reached {
			var sum []float64
			for _, v := range r.ByGroup {
				sum = append(sum, v)
			}
			// An attack that misses what nobody hides would call every defense unproven.
			if c := r.Evidence.Canary; s.Defense == results.NoDefense && float64(c.Found) < 0.95*float64(c.Planted) {
				t.Errorf("%s finds %d of %d canaries without a defense", r.Attack, c.Found, c.Planted)
			}
			t.Logf("%s, %s (%s): advantage %.2f, canary %+v, reasons %v", s.Defense, r.Attack, r.Knowledge, stats.Mean(sum), r.Evidence.Canary, r.Evidence.Reasons)
		}
		switch {
		case s.Defense == results.NoDefense && (s.Advantage < 0.5 || !s.Evidence.Above):
			t.Errorf("undefended the advantage is %.2f (%s)", s.Advantage, s.Attack)
		case s.Defense != results.NoDefense && (s.NoEvidence != "" || s.Advantage > 0.1):
			t.Errorf("behind a constant rate the advantage is %.2f, no evidence: %q", s.Advantage, s.NoEvidence)
		}
	}
}

// TestDiariesOfOneFold: of diaries, which are of weeks, the views of one fold are held
// behind a defense that learns, and those without a defense only while their unit is
// at work.
func TestDiariesOfOneFold(t *testing.T) {
	g, err := Grid{
		Datasets: []datasets.Dataset{livedIn(6, 2)}, // in three folds
		Defenses: []defenses.Defense{defenses.None{}, defense(t, "morph")},
		Attacks:  []attacks.Attack{attack(t, "guess-hour"), attack(t, "guess-packets:trees=5")},
		Seed:     1, Link: cost.DefaultLink(), NoCanaries: true,
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	units, err := g.units()
	if err != nil {
		t.Fatal(err)
	}

	// Called with the lock of what is counted.
	var r *runner
	most := map[string]int{}
	at := ""
	r = newRunner(t.Context(), g, Options{Workers: 1, Progress: func(int, int, bool) {
		n := 0
		for _, vs := range r.views {
			n += len(vs.seen)
		}
		most[at] = max(most[at], n)
	}})
	r.plan = ManifestOf(g, "", nil)

	for _, u := range units {
		at = u.id
		if err := r.computeUnit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if len(r.views) > 0 {
			t.Errorf("after %s views are held: %d sets", u.id, len(r.views))
		}
	}
	for _, x := range r.results {
		if x.Err != "" {
			t.Errorf("%+v: %s", x.Cell, x.Err)
		}
	}

	// All six homes train in one fold or another, and two are tested in a fold.
	for id, n := range most {
		if n > 6+2 || n == 0 {
			t.Errorf("%s: %d views at once, want at most %d", id, n, 6+2)
		}
	}
}

// TestMoveStays: truth moved by two quarter hours either way, of a recording of an
// hour, comes in again at the other end; nothing of it is lost.
func TestMoveStays(t *testing.T) {
	m := time.Minute
	l := datasets.Labels{Stays: []datasets.Stay{{End: 20 * m, Home: 1}, {Start: 20 * m, End: 60 * m}}}
	want := []datasets.Stay{{End: 30 * m}, {Start: 30 * m, End: 50 * m, Home: 1}, {Start: 50 * m, End: 60 * m}}
	for _, by := range []int{2, -2} {
		got := moveLabels(l, datasets.TaskRoutine, time.Hour, by).Stays
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", by, got, want)
		}
	}
}

// TestFirstDays: who is asked after a day sees neither packets nor flows of the next.
func TestFirstDays(t *testing.T) {
	whole := datasets.Trace{
		Packets: []datasets.Packet{{Time: 1, Flow: 1}, {Time: 5, Flow: 0}, {Time: 9, Flow: 2}},
		Flows:   []datasets.Flow{{Host: "a"}, {Host: "b"}, {Host: "c"}}, End: 10,
	}
	got := firstDays(whole, 6)
	if len(got.Packets) != 2 || len(got.Flows) != 2 || got.End != 6 {
		t.Errorf("%+v", got)
	}
	if len(whole.Packets) != 3 || len(whole.Flows) != 3 || whole.End != 10 {
		t.Errorf("the whole is %+v now", whole)
	}
	if got := firstDays(whole, 1); len(got.Packets) > 1 || len(got.Flows) > 2 {
		t.Errorf("%+v", got)
	}
}
