package defenses_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// bytesOf says byte by byte what each packet of a stage carries: the plain
// reference for Compose. mids holds the bytes of every packet of the stage
// before, as numbers of originals, -1 for padding.
func bytesOf(in datasets.Trace, d defenses.Defended, mids [][]int32) [][]int32 {
	used := make([]int, len(mids))
	out := make([][]int32, len(d.Trace.Packets))
	for i, p := range d.Trace.Packets {
		orig, n := d.Entries(in, i)
		for j, o := range orig {
			out[i] = append(out[i], mids[o][used[o]:used[o]+int(n[j])]...)
			used[o] += int(n[j])
		}
		for len(out[i]) < int(p.Payload) {
			out[i] = append(out[i], -1)
		}
	}
	return out
}

// wholeBytes are the bytes of the input itself.
func wholeBytes(in datasets.Trace) [][]int32 {
	out := make([][]int32, len(in.Packets))
	for i, p := range in.Packets {
		for range p.Payload {
			out[i] = append(out[i], int32(i))
		}
	}
	return out
}

// Every pair of defenses makes a chain whose account says byte for byte what
// following the bytes through both stages says. Original bytes come first in a
// packet, so the reference moves padding to the end between stages.
func TestComposeFollowsBytes(t *testing.T) {
	var all []defenses.Defense
	for _, d := range builtin.All() {
		all = append(all, defensetest.Fitted(t, d))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SampledFrom(all).Draw(t, "a"), rapid.SampledFrom(all).Draw(t, "b")
		in := defensetest.Trace().Draw(t, "trace")
		seed := rapid.Uint64().Draw(t, "seed")
		first, err := a.Apply(rand.New(rand.NewPCG(seed, 0)), in)
		if err != nil {
			t.Skip("refused")
		}
		second, err := b.Apply(rand.New(rand.NewPCG(seed, 1)), first.Trace)
		if err != nil {
			t.Skip("refused")
		}
		want := bytesOf(first.Trace, second, bytesOf(in, first, wholeBytes(in)))
		got := defenses.Defended{Trace: second.Trace, Carried: defenses.Compose(in, first.Carried, second.Carried)}
		err = defenses.Check(in, got)
		if errors.Is(err, defenses.ErrSaturated) {
			// Each stage may be late by up to MaxBacklog; a chain refuses the sum.
			t.Skip("two backlogs make one too long")
		}
		if err != nil {
			t.Fatalf("%s+%s: %v", a.Info().Name, b.Info().Name, err)
		}
		for i := range got.Trace.Packets {
			ref, mine := map[int32]int32{}, map[int32]int32{}
			for _, o := range want[i] {
				if o >= 0 {
					ref[o]++
				}
			}
			orig, n := got.Entries(in, i)
			for j, o := range orig {
				if n[j] > 0 {
					mine[o] += n[j]
				}
			}
			if !maps.Equal(ref, mine) {
				t.Fatalf("%s+%s: packet %d carries %v, want %v", a.Info().Name, b.Info().Name, i, mine, ref)
			}
		}
	})
}

func TestChainOrder(t *testing.T) {
	for id, want := range map[string]string{
		"pad-random+vpn:kind=wireguard":      "",
		"pad-random+constant-rate:per=home":  "",
		"hide-names+constant-rate:per=home":  "",
		"vpn+pad-random":                     "device defense pad-random stands after gateway defense vpn",
		"constant-rate:per=home+pad-level":   "stands after gateway defense constant-rate",
		"pad-randon":                         `unknown defense "pad-randon"; did you mean "pad-random"?`,
		"pad-random:max_bytes=0":             "max_bytes=0: want 1 to 1500",
		"pad-random:max_bytes=3.7":           "max_bytes=3.7: want a whole number",
		"pad-random:max_bites=3":             `unknown parameter "max_bites"; did you mean "max_bytes"?`,
		"pad-level:to=fixed,size_bytes=1501": "size_bytes=1501: want 1 to 1500",
		"constant-rate:interval_s=-1":        "interval_s=-1: want 1e-05 to 3600",
		"constant-rate:size_bytes=1501":      "size_bytes=1501: want 29 to 1500",
		"bufflo":                             `unknown defense "bufflo"; did you mean "buflo"?`,
		"constant-rate:variant=buflo":        `unknown parameter "variant" (has geometric, interval_down_s, interval_s, min_s, multiple, per, quiet_s, size_bytes); did you mean "buflo"?`,
		"constant-rate:variant=tamaraw-home": `did you mean "tamaraw-home"?`,
		"regulator:variant=light":            `did you mean "regulator-light"?`,
		"dp-shape:variant=web-50ms":          `did you mean "dp-shape-web-50ms"?`,
		"cover-stp:variant=stp":              `did you mean "stp"?`,
		"constant-rate:per=house":            "per=house: want device or home",
		"vpn:kind=pptp":                      "kind=pptp: want esp-cbc or",
		"vpn:delay_s=0.03":                   "delay_s=0.03: want 0 to 0.02",
		"vpn:mtu_bytes=9000":                 "mtu_bytes=9000: want 0 or 576 to 1440",
		"vpn:kind=esp-cbc,mtu_bytes=1441":    "mtu_bytes=1441: want 0 or 576 to 1438",
		"cover-decoy:per_hour=-2":            "per_hour=-2: want 0 to 36000",
		"jitter:min_s=2,max_s=1":             "min_s=2: want 0 to 1",
		"dp-shape:epsilon=0":                 "epsilon=0: want 0.001 to 1e+06",
		"front-ft3":                          `did you mean "front-ft1"?`,
		"front:max_up=0":                     "max_up=0: want 1 to 1000000",
		"front:w_min_s=9":                    "w_min_s=9: want 0 to 4",
		"regulator:d=1.5":                    "d=1.5: want 0.01 to 1",
		"cover-stp:q=2":                      "q=2: want 0 to 1",
		"fragment:parts=0":                   "parts=0: want 1 to 64",
		"uniform-burst:size_bytes=9000":      "size_bytes=9000: want 29 to 1500",
		"morph:method=lp":                    "method=lp: want dts or morph",
		"adaptive-padding:variant=wtf":       "variant=wtf: want home or normal-rcv",
		"cover-noise:per_hour=-1":            "per_hour=-1: want 0 to 3.6e+06",
		"pad-random:max_bytes=1,max_bytes=2": "max_bytes is set twice",
		"tamaraw:multiple=-1":                "multiple=-1: want 1 to 1000000",
		"cover-decoy:source=none":            "source=none: want recorded or generated",
		"hide-names:pad=perhaps":             "pad=perhaps: want true or false",
	} {
		_, err := defenses.Parse(builtin.All(), id)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", id, err, want)
		}
	}
}

// Fitted defenses refuse training without what they need, and use before it.
func TestFittedRefuse(t *testing.T) {
	for _, id := range []string{"cover-decoy", "uniform-burst", "morph"} {
		d, err := defenses.Parse(builtin.All(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Apply(rand.New(rand.NewPCG(1, 1)), defensetest.Busy(1)); err == nil || !strings.Contains(err.Error(), "fitted") {
			t.Errorf("%s before Fit: %v", id, err)
		}
		for _, training := range [][]datasets.Recording{nil, {{Trace: defensetest.Busy(1)}}} {
			if _, err := d.(defenses.Fitter).Fit(t.Context(), rand.New(rand.NewPCG(1, 1)), training); err == nil || !strings.Contains(err.Error(), id) {
				t.Errorf("%s fitted to nothing: %v", id, err)
			}
		}
	}
}
