// Package defensetest is the contract of package defenses as tests, for the
// project's own defenses and for everyone else's. What it holds a defense to is in
// package contract.
package defensetest

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/defenses"
	"veilbench/defenses/contract"
)

// Run holds d to the contract (contract.Run), and to its rules on random traces of
// which a failing one is made small. A call that never returns is left to the time
// limit of go test.
func Run(t *testing.T, d defenses.Defense) {
	t.Helper()
	contract.Run(datatest.Kit(t), d)
	d = Fitted(t, d)
	t.Run("shrunk", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			if _, err := Holds(d, rapid.Uint64().Draw(t, "seed"), Trace().Draw(t, "trace")); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// RunAll is Run for each of the ids, looked up in list.
func RunAll(t *testing.T, list []defenses.Defense, ids ...string) {
	t.Helper()
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			d, err := defenses.Parse(list, id)
			if err != nil {
				t.Fatal(err)
			}
			Run(t, d)
		})
	}
}

// Fitted returns d fitted to made-up recordings if it is a Fitter, else d.
func Fitted(t *testing.T, d defenses.Defense) defenses.Defense {
	t.Helper()
	return contract.Fitted(datatest.Kit(t), d)
}

// Holds applies d to in and returns what breaks the contract, nil if nothing
// does. ok is false when d refused the trace.
func Holds(d defenses.Defense, seed uint64, in datasets.Trace) (ok bool, err error) {
	return contract.Holds(d, seed, in)
}

// Flow is a flow of made-up device number n to the named service.
func Flow(n byte, proto uint8, host string) datasets.Flow { return contract.Flow(n, proto, host) }

// Busy is a minute of a made-up home, the same for a seed.
func Busy(seed uint64) datasets.Trace { return contract.Busy(seed) }

// Recordings are made-up training recordings with all truth known.
func Recordings() []datasets.Recording { return contract.Recordings() }

// Trace generates traces: up to 40 packets on up to 4 flows, bursts at one
// instant, any sizes that package datasets allows.
func Trace() *rapid.Generator[datasets.Trace] {
	return rapid.Custom(func(t *rapid.T) datasets.Trace {
		tr := datasets.Trace{}
		n := rapid.IntRange(1, 4).Draw(t, "flows")
		for i := range n {
			f := Flow(byte(rapid.IntRange(0, 2).Draw(t, "device")), rapid.SampledFrom([]uint8{6, 6, 17, 1, 0}).Draw(t, "proto"),
				rapid.SampledFrom([]string{"", "a.example", "b.example"}).Draw(t, "host"))
			f.Local = netip.AddrPortFrom(f.Local.Addr(), 50000+uint16(i))
			f.LAN = rapid.IntRange(0, 5).Draw(t, "lan") == 0
			tr.Flows = append(tr.Flows, f)
		}

		// At the edges, as the contract's own.
		now := time.Duration(0)
		for range rapid.IntRange(0, 40).Draw(t, "packets") {
			now += rapid.SampledFrom(contract.Gaps()).Draw(t, "gap")
			size := rapid.SampledFrom(contract.Sizes()).Draw(t, "size")
			tr.Packets = append(tr.Packets, datasets.Packet{
				Time: now, Size: size,
				Payload: max(0, size-datasets.EthernetHeader-rapid.SampledFrom(contract.Headers()).Draw(t, "header")),
				Flow:    rapid.Int32Range(0, int32(n-1)).Draw(t, "flow"), Dir: datasets.Dir(rapid.IntRange(0, 1).Draw(t, "dir")),
			})
		}
		tr.End = now + rapid.SampledFrom([]time.Duration{0, time.Second, 20 * time.Second}).Draw(t, "tail")
		return tr
	})
}
