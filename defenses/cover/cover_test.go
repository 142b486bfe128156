package cover_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses/builtin"
	"veilbench/defenses/cover"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"adaptive-padding:variant=normal-rcv",
		"front-t1",
		"front:size_bytes=1200",
		"cover-noise:kind=poisson",
		"cover-noise:per_hour=600",
		"cover-decoy:source=generated,per_hour=600",
		"cover-decoy:per_hour=600",
	)
}

// TestNoiseProgram: the made-up host loads as many pages as it was told, on
// connections of its own to servers that the home does not know, and the home's
// traffic stays as it was.
func TestNoiseProgram(t *testing.T) {
	in := datasets.Trace{
		Flows: []datasets.Flow{{Proto: 6, Local: netip.MustParseAddrPort("192.168.1.9:50000"), Remote: netip.MustParseAddrPort("203.0.113.5:443")}},
		End:   10 * time.Hour,
	}
	for m := range 600 {
		in.Packets = append(in.Packets, datasets.Packet{Time: time.Duration(m) * time.Minute, Size: 120, Payload: 66})
	}
	out, err := cover.Noise{Kind: "browse", PerHour: 60}.Apply(rand.New(rand.NewPCG(1, 2)), in)
	if err != nil {
		t.Fatal(err)
	}

	var home []datasets.Packet
	down := 0
	for _, p := range out.Trace.Packets {
		if p.Flow == 0 {
			home = append(home, p)
		} else if p.Dir == datasets.Down {
			down += int(p.Payload)
		}
	}
	if !slices.Equal(home, in.Packets) {
		t.Errorf("%d packets of the home, %d before, or not the same", len(home), len(in.Packets))
	}
	// Of 600 loads at random times four standard deviations are 98.
	pages := len(out.Trace.Flows) - 1
	if pages < 502 || pages > 698 {
		t.Errorf("%d pages, want about 600", pages)
	}
	for _, f := range out.Trace.Flows[1:] {
		if f.Local.Addr() == in.Flows[0].Local.Addr() || f.Remote.Addr() == in.Flows[0].Remote.Addr() {
			t.Errorf("noise on %v, which is the home's", f)
		}
	}
	// 3 to 30 replies a page, each e^(1/2) times 12 kB in the mean.
	if mean := float64(down) / float64(pages); mean < 250e3 || mean > 400e3 {
		t.Errorf("pages of %.0f bytes, want about 326,000", mean)
	}
}
