package decompose

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// withApp adds what the user's app sends its cloud to ex: 700 bytes and the
// actions, the one after another larger than at the gateway by more bytes each, 200
// ms before each command, and a poll every 20 s.
func withApp(ex attacks.Labeled, more int) attacks.Labeled {
	ex.Trace.Flows = append(slices.Clone(ex.Trace.Flows), datasets.Flow{
		Proto: 6, Host: "app-cloud.example",
		Local: netip.MustParseAddrPort("203.0.113.10:41000"), Remote: netip.MustParseAddrPort("198.18.0.2:443"),
	})
	ex.Trace.Packets = slices.Clone(ex.Trace.Packets)
	send := func(at time.Duration, n int) {
		ex.Trace.Packets = append(ex.Trace.Packets, datasets.Packet{Time: at, Size: int32(66 + n), Payload: int32(n), Flow: 1})
	}
	for _, c := range ex.Labels.Commands {
		n := 700
		for _, x := range c.Actions {
			for i, a := range gatewayActions {
				if a.name == x.Action {
					n += x.Count * (a.bytes + i*more)
				}
			}
		}
		send(c.Time-200*time.Millisecond, n)
	}
	for at := 3 * time.Second; at < ex.Trace.End; at += 20 * time.Second {
		send(at, 310)
	}
	slices.SortStableFunc(ex.Trace.Packets, func(a, b datasets.Packet) int { return cmp.Compare(a.Time, b.Time) })
	return ex
}

// ruleOf is the rule that d learns from ex.
func ruleOf(t *testing.T, d Attack, ex attacks.Labeled) sizeRule {
	t.Helper()
	m, err := d.Train(t.Context(), nil, attacks.Training{Task: datasets.TaskCommand, Classes: gatewayClasses(), Examples: []attacks.Labeled{ex}})
	if err != nil {
		t.Fatal(err)
	}
	return m.(*decomposer).rule
}

// TestSizesFromPairs: an action has the bytes that two copies of it are more than
// one (|a| = |s2| - |s1|), and content is what is left, 214 + 29, though sizes vary.
func TestSizesFromPairs(t *testing.T) {
	train, _ := simulateGateway(1)
	r := ruleOf(t, New(), train)
	for a, want := range gatewayActions {
		if r.action[a] != want.bytes {
			t.Errorf("%s has %d bytes, want %d", want.name, r.action[a], want.bytes)
		}
	}
	if r.content != 243 {
		t.Errorf("content of %d bytes, want 243", r.content)
	}
}

// TestSizesFromTheApp: where the app's data are like the gateway's (A4), every
// action has the size that the app sends, and content is what is left of the
// gateway's message: 214 + 29. Where they are not, the attack learns the app's sizes
// all the same, and finds what messages of known sizes teach it (the variation).
func TestSizesFromTheApp(t *testing.T) {
	train, test := simulateGateway(1)
	d := New()
	d.App = true
	r := ruleOf(t, d, withApp(train, 0))
	for a, want := range gatewayActions {
		if r.action[a] != want.bytes {
			t.Errorf("%s has %d bytes, want %d", want.name, r.action[a], want.bytes)
		}
	}
	if r.content != 243 {
		t.Errorf("content of %d bytes, want 243", r.content)
	}
	if s := decomposeOn(t, d, withApp(train, 0), test); s.inCandidates < 0.96 {
		t.Errorf("%v; want nearly all commands among the candidates, though the app is not there when they are guessed", s)
	}

	// What all actions differ by alike goes into the variation, for size tells their
	// number; so here each differs by another amount.
	unlike := ruleOf(t, d, withApp(train, 40))
	if unlike.action[6] != 113+240 {
		t.Errorf("set_scene has %d bytes, want the app's 353", unlike.action[6])
	}
	if s := decomposeOn(t, d, withApp(train, 40), test); s.inCandidates > 0.8 {
		t.Errorf("%v; want clearly fewer commands found with sizes that are not the gateway's", s)
	}
}

// TestWithoutAnApp: with no app in view the sizes are those of the gateway.
func TestWithoutAnApp(t *testing.T) {
	g := gatewaySim{rng: rand.New(rand.NewPCG(2, 1))}
	at := time.Minute
	for range 60 {
		for a := range gatewayActions {
			counts := make([]int, len(gatewayActions))
			counts[a] = 1 + g.rng.IntN(2)
			g.command(at, counts)
			at += 30 * time.Second
		}
	}
	ex := g.finish(at)
	with := New()
	with.App = true
	if a, b := ruleOf(t, New(), ex), ruleOf(t, with, ex); !slices.Equal(a.action, b.action) || a.content != b.content {
		t.Errorf("sizes %v, %d with app=true; want those of the gateway's messages, %v, %d", b.action, b.content, a.action, a.content)
	}
}
