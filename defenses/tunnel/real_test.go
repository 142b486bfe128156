package tunnel

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"veilbench/datasets"
	"veilbench/defenses/shaping"
	"veilbench/defenses/wireguard"
)

// heard is a message of the real tunnel and when it passed the gateway.
type heard struct {
	at time.Duration
	wireguard.Message
}

// listen starts a real tunnel in a bubble, whose line takes half of a far reply each
// way, and returns what has been heard so far.
func listen(t *testing.T) (*wireguard.Pair, func() []heard) {
	t.Helper()
	start := time.Now()
	var mu sync.Mutex
	var all []heard
	p, err := wireguard.InMemory(farReply/2, wireguard.Observer{
		Sent: func(m wireguard.Message) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, heard{time.Since(start), m})
		},
		Arrived: func(uint32) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, func() []heard {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// TestRealSizes: every inner packet from 28 bytes to the tunnel's MTU has the size
// outside that the real WireGuard gives it, both ways.
func TestRealSizes(t *testing.T) {
	f := VPN{Kind: "wireguard"}.framing()
	if f.mtu != wireguard.MTU {
		t.Fatalf("the tunnel's MTU is %d, the real one's %d", f.mtu, wireguard.MTU)
	}

	synctest.Test(t, func(t *testing.T) {
		p, soFar := listen(t)
		defer p.Close()
		p.Send(datasets.Up, 100, 0) // shakes hands
		time.Sleep(time.Second)
		for n := int32(wireguard.Smallest); n <= f.mtu; n++ {
			for _, dir := range []datasets.Dir{datasets.Up, datasets.Down} {
				before := len(soFar())
				p.Send(dir, int(n), uint32(n))
				time.Sleep(farReply)
				got := soFar()[before:]
				if len(got) != 1 || got[0].Dir != dir || got[0].Kind != wireguard.Transport || got[0].Bytes != int(f.inside(n)) {
					t.Errorf("%d bytes %v: %v, want one message of %d", n, dir, got, f.inside(n))
				}
			}
		}
	})
}

// TestRealSignals: what the tunnel sends of itself, handshakes, rekeys and keepalives,
// is what the real WireGuard sends when the same packets go through it, and when: also
// where data wait for new keys. Hours pass in milliseconds of fake time.
func TestRealSignals(t *testing.T) {
	type packet struct {
		at  time.Duration
		dir datasets.Dir
	}
	every := func(gap time.Duration, n int, dirs ...datasets.Dir) (out []packet) {
		for i := range n {
			for k, d := range dirs {
				out = append(out, packet{time.Duration(i+1)*gap + time.Duration(k)*300*time.Millisecond, d})
			}
		}
		return out
	}

	cases := map[string][]packet{
		"both ways each second": every(1070*time.Millisecond, 280, datasets.Up, datasets.Down),
		"up alone":              every(7*time.Second, 60, datasets.Up),
		"down alone":            every(7*time.Second, 60, datasets.Down),
		"up now and then":       every(31*time.Second, 20, datasets.Up),
		"down now and then":     every(47*time.Second, 12, datasets.Down),
		"silence":               nil,
		"dead keys, up":         every(230*time.Second, 6, datasets.Up),
		"dead keys, down":       every(230*time.Second, 6, datasets.Down),
	}
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var ps []packet
		// Steps of 0.7 s meet no timer: those are of 10, 120, 165 and 180 s. Half of the
		// seeds have silences behind which keys are dead.
		longest := 60
		if seed%2 == 1 {
			longest = 500
		}
		for at := time.Duration(0); at < 1500*time.Second; {
			at += time.Duration(1+rng.IntN(1+rng.IntN(longest))) * 700 * time.Millisecond
			ps = append(ps, packet{at, datasets.Dir(rng.IntN(2))})
		}
		cases[fmt.Sprint("seed ", seed)] = ps
	}

	for name, packets := range cases {
		t.Run(name, func(t *testing.T) {
			end := 60 * time.Second
			if n := len(packets); n > 0 {
				end += packets[n-1].at
			}

			// Both begin with one packet up, whose handshake makes keys.
			var real []heard
			synctest.Test(t, func(t *testing.T) {
				p, soFar := listen(t)
				defer p.Close()
				start := time.Now()
				p.Send(datasets.Up, 100, 0)
				for i, x := range packets {
					at := x.at
					if x.dir == datasets.Down {
						at -= farReply / 2 // it passes the gateway when it has come over the line
					}
					time.Sleep(time.Until(start.Add(at)))
					p.Send(x.dir, 100, uint32(i+1))
				}
				time.Sleep(time.Until(start.Add(end)))
				real = soFar()
			})

			in := datasets.Trace{End: end, Flows: []datasets.Flow{{
				Proto: shaping.UDP, Local: netip.MustParseAddrPort("192.168.1.2:5000"), Remote: netip.MustParseAddrPort("203.0.113.1:443"),
			}}}
			send := func(at time.Duration, dir datasets.Dir) {
				in.Packets = append(in.Packets, datasets.Packet{Time: at, Size: 114, Payload: 72, Dir: dir})
			}
			send(0, datasets.Up)
			for _, x := range packets {
				send(x.at, x.dir)
			}
			tn := &tunnel{in: in, f: VPN{Kind: "wireguard"}.framing(), flow: 1}
			tn.head = tn.f.outer()
			tn.leaves = shaping.NewAssembly(in, tn.estimate())
			tn.ctl = newControl("wireguard", tn, rand.New(rand.NewPCG(1, 1)))
			tn.ctl.keys = farReply // when the first handshake is over
			for i, p := range in.Packets {
				tn.packet(i, &p)
			}
			tn.ctl.until(end)
			out := tn.leaves.Defended(in.Flows).Trace

			var model []heard
			for _, p := range out.Packets {
				m := wireguard.Message{Dir: p.Dir, Bytes: int(p.Payload), Kind: wireguard.Transport}
				switch p.Payload {
				case 148:
					m.Kind = wireguard.Initiation
				case 92:
					m.Kind = wireguard.Response
				}
				model = append(model, heard{p.Time, m})
			}

			// Compared behind the first handshake, for which the real data wait; data and
			// signals each by themselves, as of two at one time any may be the first.
			for _, data := range []bool{true, false} {
				those := func(in []heard) (out []heard) {
					for _, m := range in {
						if m.at > time.Second && data == (m.Kind == wireguard.Transport && m.Bytes > 32) {
							out = append(out, m)
						}
					}
					return out
				}
				got, want := those(model), those(real)
				for i := range max(len(got), len(want)) {
					if i >= len(got) || i >= len(want) || got[i].Message != want[i].Message || (got[i].at-want[i].at).Abs() > 100*time.Millisecond {
						t.Fatalf("data %v, message %d of %d and %d:\nmodel %v\nreal  %v", data, i, len(got), len(want), got[max(0, i-3):min(len(got), i+4)], want[max(0, i-3):min(len(want), i+4)])
					}
				}
				if !data && len(got) == 0 && len(packets) > 0 {
					t.Error("no signal at all")
				}
			}
		})
	}
}
