package cost_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// The counters of a tunnel that pads to its MTU of 1420: for packets whose size is
// known, and against all that DAITA sends.
func TestCountersInsideTheTunnel(t *testing.T) {
	counters := func(id string, in datasets.Trace) (map[string]float64, defenses.Defended) {
		d, err := defenses.Parse(builtin.All(), id)
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in)
		if err != nil {
			t.Fatal(err)
		}
		rec := &datasets.Recording{Trace: in}
		base, err := cost.NewBase(rec, cost.Link{})
		if err != nil {
			t.Fatal(err)
		}
		l := cost.NewLedger(rec, base, out)
		if n := defenses.Framing(d); n > 0 {
			l.CountInside(in, out, n)
		}
		got := map[string]float64{}
		for _, m := range l.Cost().More {
			got[m.Name] = m.Value
		}
		return got, out
	}

	// An inner packet of 100 bytes up is padded by 1320; one of 1500 down is cut into
	// 1420 and, with headers of its own, 120 bytes.
	in := datasets.Trace{End: time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")}, Packets: []datasets.Packet{
		{Time: 1, Size: 114, Payload: 60}, {Time: 2, Size: 1514, Payload: 1460, Dir: datasets.Down},
	}}
	got, _ := counters("daita:control=false", in)
	if got[results.TxPadding] != 1320 || got[results.RxPadding] != 1300 || got[results.TxDecoy] != 0 || got[results.RxDecoy] != 0 {
		t.Errorf("%v", got)
	}

	// All bytes of a busy home behind DAITA: inner packets, padding and decoys.
	in = defensetest.Busy(2)
	got, out := counters("daita:control=false", in)
	var decoys, data float64
	for i, p := range out.Trace.Packets {
		orig, _ := out.Carried.Entries(i)
		switch {
		case int(p.Flow) < len(in.Flows):
		case len(orig) == 0:
			decoys += 1420
		default:
			data += 1420
		}
	}
	var inner float64
	for _, p := range in.Packets {
		if n := float64(p.Size - 14); !in.Flows[p.Flow].LAN {
			if inner += n; n > 1420 {
				inner += float64(p.Size-p.Payload) - 14 // headers of the second piece
			}
		}
	}
	padding := got[results.TxPadding] + got[results.RxPadding]
	if got[results.TxDecoy]+got[results.RxDecoy] != decoys || decoys == 0 || padding > data-inner+600 || padding < data-inner-600 {
		t.Errorf("%v: want %v of decoys and about %v of padding", got, decoys, data-inner)
	}

	// Others have none.
	if got, _ := counters("vpn", in); len(got) == 0 || got[results.TxPadding] != 0 {
		t.Errorf("vpn: %v", got)
	}
}
