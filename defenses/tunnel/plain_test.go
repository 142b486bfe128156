package tunnel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

// The tunnel alone keeps the contract, and sends what its defenses send but for their
// cover: behind Windscribe the real packets and those of the tunnel's own are the
// same.
func TestPlainTunnel(t *testing.T) {
	for _, per := range []string{"device", "home"} {
		defensetest.Run(t, plain{Per: per, Control: true})
	}
	if d := (Maybenot{Per: "device", MtuBytes: 1300, Control: true}).Tunnel(); d != (plain{"device", 1300, true}) {
		t.Errorf("the tunnel of maybenot is %+v", d)
	}

	in := defensetest.Busy(3)
	w := Windscribe{Level: "low", RateMbitS: 10}
	sizes := func(d defenses.Defense) []int32 {
		out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil {
			t.Fatal(err)
		}
		var real []int32
		for i, p := range out.Trace.Packets {
			if o, _ := out.Carried.Entries(i); len(o) > 0 {
				real = append(real, p.Size<<1|int32(p.Dir)&1)
			}
		}
		return real
	}
	if !slices.Equal(sizes(w), sizes(w.Tunnel())) {
		t.Error("the real packets of windscribe are not those of its tunnel")
	}
}
