package defensetest_test

import (
	"context"
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

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

// cheat is a defense that breaks one rule, which no other cheat breaks: want is
// what the kit says of it.
type cheat struct {
	name, want string
	apply      func(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error)
}

func (c cheat) Info() defenses.Info {
	return defenses.Info{Name: c.name, Doc: "hostile", Place: defenses.AtGateway}
}

func (c cheat) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	return c.apply(rng, in)
}

// boaster claims what is no number.
type boaster struct{ cheat }

func (boaster) Claims() []defenses.Claim {
	return []defenses.Claim{{Name: "epsilon", Value: math.Inf(1)}}
}

// learner spoils what it learns from.
type learner struct{ cheat }

func (l learner) Fit(_ context.Context, _ *rand.Rand, recs []datasets.Recording) (defenses.Defense, error) {
	recs[0].Trace.Packets[0].Size++
	return l.cheat, nil
}

// renamer becomes another when it learns.
type renamer struct{ cheat }

func (renamer) Fit(context.Context, *rand.Rand, []datasets.Recording) (defenses.Defense, error) {
	return defenses.None{}, nil
}

// altered is a copy of in, with an account of one entry each, changed.
func altered(in datasets.Trace, change func(t *datasets.Trace, c *defenses.Carried)) (defenses.Defended, error) {
	b := defenses.NewBuilder(len(in.Packets))
	for i, p := range in.Packets {
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	out := defenses.Defended{Trace: in, Carried: b.Carried()}
	out.Trace.Packets, out.Trace.Flows = slices.Clone(in.Packets), slices.Clone(in.Flows)
	if len(in.Packets) > 0 {
		change(&out.Trace, out.Carried)
	}
	return out, nil
}

// dummy appends a packet of nobody like the last one, changed.
func dummy(t *datasets.Trace, c *defenses.Carried, change func(p *datasets.Packet)) {
	p := t.Packets[len(t.Packets)-1]
	change(&p)
	t.Packets = append(t.Packets, p)
	c.First = append(c.First, int32(len(c.Orig)))
}

// onLAN appends a flow that is said to stay in the home.
func onLAN(t *datasets.Trace) int32 {
	t.Flows = append(t.Flows, datasets.Flow{Proto: 6, LAN: true})
	return int32(len(t.Flows) - 1)
}

// longer pads a packet that has room.
func longer(p *datasets.Packet, n int32) {
	n = max(0, min(n, defenses.MaxFrame-p.Size))
	p.Size, p.Payload = p.Size+n, p.Payload+n
}

func cheats() []defenses.Defense {
	type (
		tr  = *datasets.Trace
		acc = *defenses.Carried
	)
	one := func(name, want string, change func(t tr, c acc)) cheat {
		return cheat{name, want, func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) { return altered(in, change) }}
	}
	each := func(name, want string, change func(rng *rand.Rand, in datasets.Trace, i int, p *datasets.Packet)) cheat {
		return cheat{name, want, func(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			return altered(in, func(t tr, _ acc) {
				for i := range t.Packets {
					change(rng, in, i, &t.Packets[i])
				}
			})
		}}
	}
	honest := func(name, want string) cheat { return one(name, want, func(tr, acc) {}) }
	var calls atomic.Int32
	var mu sync.Mutex
	var last []datasets.Packet
	var most int
	return []defenses.Defense{
		// What Check refuses.
		one("drops", "lost", func(t tr, c acc) {
			n := len(t.Packets) - 1
			t.Packets, c.First, c.Orig, c.Bytes = t.Packets[:n], c.First[:n+1], c.Orig[:n], c.Bytes[:n]
		}),
		one("invents", "which has", func(t tr, c acc) { longer(&t.Packets[0], 1); c.Bytes[0]++ }),
		one("lies", "does not fit", func(t tr, c acc) { c.Bytes = c.Bytes[1:] }),
		one("early", "before its original", func(t tr, _ acc) { t.Packets[0].Time--; t.Packets[0].Time = max(t.Packets[0].Time, 0) }),
		one("turns", "turns original", func(t tr, _ acc) { t.Packets[0].Dir = 1 - t.Packets[0].Dir }),
		one("crosses", "carries original 0 of flow", func(t tr, _ acc) { t.Packets[0].Flow = (t.Packets[0].Flow + 1) % int32(len(t.Flows)) }),
		one("reorders", "of the same flow and direction", func(t tr, c acc) {
			// Two originals of one line change places, in the account and on the wire.
			for j := 1; j < len(t.Packets); j++ {
				p, q := &t.Packets[j-1], &t.Packets[j]
				if p.Flow == q.Flow && p.Dir == q.Dir {
					p.Size, q.Size, p.Payload, q.Payload, p.Time = q.Size, p.Size, q.Payload, p.Payload, q.Time
					c.Orig[j-1], c.Orig[j], c.Bytes[j-1], c.Bytes[j] = c.Orig[j], c.Orig[j-1], c.Bytes[j], c.Bytes[j-1]
					return
				}
			}
		}),
		one("jumbo", "above the frame limit", func(t tr, _ acc) {
			p := &t.Packets[0]
			d := max(0, 20_000-p.Size)
			p.Size, p.Payload = p.Size+d, p.Payload+d
		}),
		one("overfull", "in a payload of", func(t tr, _ acc) { p := &t.Packets[len(t.Packets)-1]; p.Payload = max(p.Payload-1, 0) }),
		one("above-frame", "in a frame of", func(t tr, _ acc) { t.Packets[0].Payload = t.Packets[0].Size }),
		one("backwards", "runs backwards", func(t tr, _ acc) { t.Packets[0].Time = -1 }),
		one("cuts-end", "end moved", func(t tr, _ acc) { t.End = t.Packets[len(t.Packets)-1].Time }),
		one("far-end", "more than 1s after the last packet", func(t tr, _ acc) { t.End += time.Hour }),
		one("new-start", "start moved", func(t tr, _ acc) { t.Start = time.Unix(1, 0) }),
		one("renames", "changed from", func(t tr, _ acc) { t.Flows[0].Host = "other.example" }),
		one("fewer-flows", "fewer than the input's", func(t tr, _ acc) { t.Flows = t.Flows[:0]; t.Packets = t.Packets[:0] }),
		one("no-headers", "bytes of headers, which no packet of IP", func(t tr, _ acc) {
			for i := range t.Packets {
				t.Packets[i].Size = t.Packets[i].Payload + 14
			}
		}),
		one("to-lan", "carries original 0 of flow 0, which leaves it", func(t tr, _ acc) { t.Packets[0].Flow = onLAN(t) }),
		one("cover-on-lan", "carries no original that does", func(t tr, c acc) { n := onLAN(t); dummy(t, c, func(p *datasets.Packet) { p.Flow = n }) }),
		one("marked-dummies", "is a dummy with", func(t tr, c acc) { dummy(t, c, func(p *datasets.Packet) { p.Size += 12 }) }),

		// What only running it again shows.
		cheat{"edits", "apply modified its input", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			for i := range in.Packets {
				in.Packets[i].Size++
			}
			return defenses.Defended{Trace: in}, nil
		}},
		each("global-rand", "the same draws gave something else", func(_ *rand.Rand, _ datasets.Trace, _ int, p *datasets.Packet) { longer(p, rand.Int32N(99)) }),
		each("counts", "depends on what comes after", func(_ *rand.Rand, in datasets.Trace, _ int, p *datasets.Packet) { longer(p, int32(len(in.Packets))) }),
		each("knows-end", "depends on when observing ends", func(_ *rand.Rand, in datasets.Trace, i int, p *datasets.Packet) {
			if len(in.Packets) == 1 {
				longer(p, int32(in.End/time.Second))
			}
		}),
		each("counts-when-long", "in a long trace", func(_ *rand.Rand, in datasets.Trace, _ int, p *datasets.Packet) {
			if in.End > 5*time.Minute {
				longer(p, int32(len(in.Packets)%99))
			}
		}),
		cheat{"keeps-state", "in another order the same draws", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			mu.Lock()
			defer mu.Unlock()
			if n := len(in.Packets); n > 150 && n < 400 && in.End == time.Minute { // the busy homes
				if !slices.Equal(last, in.Packets) {
					most++
				}
				last = slices.Clone(in.Packets)
			}
			return altered(in, func(t tr, _ acc) {
				if in.End == time.Minute {
					longer(&t.Packets[0], int32(most))
				}
			})
		}},
		cheat{"revises", "changed a result that it had returned", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			out, err := altered(in, func(tr, acc) {})
			mu.Lock()
			defer mu.Unlock()
			if len(last) > 0 && calls.Add(1) > 0 && in.End == time.Minute && !slices.Equal(last, in.Packets) {
				last[0].Size++
			}
			last = out.Trace.Packets
			return out, err
		}},
		cheat{"refuses", "refuses every trace", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) { return defenses.Defended{}, os.ErrInvalid }},
		cheat{"never", "test timed out", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) { select {} }},
		cheat{"panics", "panic: ha", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) { panic("ha") }},
		cheat{"leaves", "runtime.Goexit", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) { runtime.Goexit(); panic("") }},
		cheat{"exits", "unexpected call to os.Exit(0) during test", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) {
			os.Exit(0)
			return defenses.Defended{}, nil
		}},
		cheat{"overflows", "stack overflow", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) {
			debug.SetMaxStack(1 << 20)
			return defenses.Defended{}, fmt.Errorf("depth %d", overflow(1))
		}},
		cheat{"nil-panic", "panic called with nil", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) { panic(nil) }},
		cheat{"goroutine", "panic: in a goroutine", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			go panic("in a goroutine")
			time.Sleep(time.Second)
			return defenses.Defended{Trace: in}, nil
		}},
		honest("Bad Name", "is not kebab-case"),

		// What it says of itself, and learning.
		boaster{honest("boasts", "which is no number")},
		learner{honest("spoils", "fit modified its training")},
		renamer{honest("becomes-another", "fit changed the ID")},
	}
}

// overflow calls itself until the stack is full: 0 is never reached.
func overflow(n int) int {
	if n == 0 {
		return 0
	}
	return overflow(n+1) + n
}

// wanted is what the kit must say of a cheat.
func wanted(d defenses.Defense) string {
	switch d := d.(type) {
	case cheat:
		return d.want
	case boaster:
		return d.want
	case learner:
		return d.want
	case renamer:
		return d.want
	}
	return ""
}

// TestCheats runs the kit on each cheat in a process of its own, for it must fail
// there, and holds what it says to be that rule's.
func TestCheats(t *testing.T) {
	const env = "VEILBENCH_CHEAT"
	list := cheats()
	if name := os.Getenv(env); name != "" {
		i := slices.IndexFunc(list, func(d defenses.Defense) bool { return d.Info().Name == name })
		defensetest.Run(t, list[i])
		return
	}
	seen := map[string]string{}
	for _, d := range list {
		name, want := d.Info().Name, wanted(d)
		if other := seen[want]; other != "" {
			t.Errorf("%s and %s break one rule", name, other)
		}
		seen[want] = name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := exec.Command(os.Args[0], "-test.run=^TestCheats$", "-test.timeout=20s", "-test.paniconexit0", "-rapid.nofailfile", "-rapid.shrinktime=1ms", "-rapid.checks=20")
			c.Env = append(os.Environ(), env+"="+name)
			out, err := c.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("the kit says (%v), want %q:\n%.1500s", err, want, out)
			}
		})
	}
	if len(list) < 30 {
		t.Errorf("%d cheats, want 30", len(list))
	}
}
