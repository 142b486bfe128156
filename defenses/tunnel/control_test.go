package tunnel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
	"veilbench/defenses/shaping"
)

// What a tunnel sends of itself is the same when all its timers are looked at for
// every packet.
func TestControlLooksInTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for round := range 40 {
		in := datasets.Trace{End: 3 * time.Hour, Flows: []datasets.Flow{{Proto: 6}, {Proto: 17, LAN: true}}}
		for now := time.Duration(0); now < in.End; now += time.Duration(rng.ExpFloat64() * float64([]time.Duration{10 * time.Millisecond, time.Second, time.Minute}[rng.IntN(3)])) {
			n := rng.Int32N(1460)
			in.Packets = append(in.Packets, datasets.Packet{Time: now, Size: 54 + n, Payload: n, Flow: rng.Int32N(2), Dir: datasets.Dir(rng.IntN(2))})
			if len(in.Packets) == 4000 {
				break
			}
		}
		for kind := range kinds() {
			apply := func(always bool) any {
				f := VPN{Kind: kind}.framing()
				tun := tunnel{in: in, f: f, head: f.outer(), flow: 2, delay: 20 * time.Millisecond, leaves: shaping.NewAssembly(in, 0)}
				tun.rng = rand.NewPCG(uint64(round), 1)
				tun.ctl = newControl(kind, &tun, rand.New(rand.NewPCG(uint64(round), 2)))
				for i, p := range in.Packets {
					if always {
						tun.ctl.quiet = -shaping.Never
					}
					tun.packet(i, &p)
				}
				tun.ctl.until(in.End)
				out := tun.leaves.Defended(nil)
				return fmt.Sprint(out.Trace.Packets, *out.Carried)
			}
			if d := cmp.Diff(apply(true), apply(false)); d != "" {
				t.Fatal(kind, d)
			}
		}
	}
}
