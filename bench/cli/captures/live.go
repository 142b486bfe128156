package captures

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"gonum.org/v1/gonum/stat"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/tunnel"
	"veilbench/defenses/wireguard"
)

// liveTunnel is the tunnel that a defense ends with, which --live plays captures
// through.
func liveTunnel(d defenses.Defense, live string, speed float64) (tunnel.VPN, error) {
	if live != "wireguard" {
		return tunnel.VPN{}, fmt.Errorf("--live %s: want wireguard, the one that is built in", live)
	}
	if !(speed > 0) || math.IsInf(speed, 0) {
		return tunnel.VPN{}, fmt.Errorf("--speed %g: want a number above 0, such as 10 for ten times faster than recorded", speed)
	}
	stages := defenses.Stages(d)
	if v, ok := stages[len(stages)-1].(tunnel.VPN); ok && v.Kind == "wireguard" {
		if v.MtuBytes != 0 && v.MtuBytes != wireguard.MTU {
			return v, fmt.Errorf("--live wireguard: mtu_bytes=%d; the real one is played with %d, as everybody sets it", v.MtuBytes, wireguard.MTU)
		}
		return v, nil
	}
	return tunnel.VPN{}, fmt.Errorf("--live wireguard: the defense %s does not end with that tunnel; want vpn:kind=wireguard as its last stage", defenses.ID(d))
}

// liveRun is what a capture was when it went through the real tunnel.
type liveRun struct {
	data, signals    [2]int   // messages by direction: with data, and of the tunnel itself
	bytes            [2]int64 // of frames, of both kinds
	delays, lateness []float64
	lost             int
}

// player plays one capture. Its observer is called from the tunnel's goroutines.
type player struct {
	vpn     tunnel.VPN
	head    int64 // of a frame around a message
	mu      sync.Mutex
	run     liveRun
	handed  []time.Time // by the number of an inner packet
	arrived []time.Time
}

// play sends what of in leaves the home through the real WireGuard over the loopback
// interface, speed times as fast as it was recorded, to the trace's end: keepalives come
// late.
func play(ctx context.Context, vpn tunnel.VPN, in datasets.Trace, speed float64) (liveRun, error) {
	pl := &player{vpn: vpn, head: datasets.EthernetHeader + int64(vpn.Overhead())}
	pair, err := wireguard.Loopback(wireguard.Observer{Sent: pl.sent, Arrived: pl.got})
	if err != nil {
		return liveRun{}, err
	}
	defer pair.Close()

	// A tunnel that is up when the capture begins, as the simulated one is.
	pl.handed, pl.arrived = make([]time.Time, 1), make([]time.Time, 1)
	pair.Send(datasets.Up, wireguard.Smallest, 0)
	for range 500 {
		if pl.at(0) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	pl.begin()

	start := time.Now()
	wait := func(at time.Duration) (due time.Time, err error) {
		due = start.Add(time.Duration(float64(at) / speed))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		return due, ctx.Err()
	}
	for _, p := range in.Packets {
		if in.Flows[p.Flow].LAN {
			continue
		}
		due, err := wait(p.Time)
		if err != nil {
			return liveRun{}, err
		}
		for _, n := range vpn.Inner(p, in.Flows[p.Flow]) {
			pl.send(pair, p.Dir, max(int(n), wireguard.Smallest), due)
		}
	}
	if _, err := wait(in.End); err != nil {
		return liveRun{}, err
	}
	time.Sleep(100 * time.Millisecond) // what is under way
	return pl.end(), nil
}

// send hands over one inner packet that was due at a time.
func (pl *player) send(pair *wireguard.Pair, dir datasets.Dir, bytes int, due time.Time) {
	pl.mu.Lock()
	id := uint32(len(pl.handed))
	now := time.Now()
	pl.handed, pl.arrived = append(pl.handed, now), append(pl.arrived, time.Time{})
	pl.run.lateness = append(pl.run.lateness, now.Sub(due).Seconds())
	pl.mu.Unlock()
	pair.Send(dir, bytes, id)
}

func (pl *player) sent(m wireguard.Message) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if m.Kind == wireguard.Transport && m.Bytes > keepaliveBytes {
		pl.run.data[m.Dir]++
	} else {
		pl.run.signals[m.Dir]++
	}
	pl.run.bytes[m.Dir] += int64(m.Bytes) + pl.head
}

// keepaliveBytes is a transport message without anything inside.
const keepaliveBytes = 32

func (pl *player) got(id uint32) {
	now := time.Now()
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if int(id) < len(pl.arrived) {
		pl.arrived[id] = now
	}
}

// at says whether an inner packet has come.
func (pl *player) at(id int) bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return !pl.arrived[id].IsZero()
}

// begin forgets what the tunnel sent to come up.
func (pl *player) begin() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.run = liveRun{}
}

// end sums up.
func (pl *player) end() liveRun {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for i := 1; i < len(pl.handed); i++ { // the first one brought the tunnel up
		if pl.arrived[i].IsZero() {
			pl.run.lost++
			continue
		}
		pl.run.delays = append(pl.run.delays, pl.arrived[i].Sub(pl.handed[i]).Seconds())
	}
	slices.Sort(pl.run.delays)
	slices.Sort(pl.run.lateness)
	return pl.run
}

// simulated is what the model makes of the same, in the same figures.
func simulated(in datasets.Trace, out defenses.Defended) liveRun {
	var r liveRun
	leaves := make([]bool, len(out.Trace.Flows)) // the tunnel has a flow of its own
	for i := range leaves {
		leaves[i] = i >= len(in.Flows)
	}
	for i, p := range out.Trace.Packets {
		if !leaves[p.Flow] {
			continue
		}
		r.bytes[p.Dir] += int64(p.Size)
		first, last := out.Carried.First[i], out.Carried.First[i+1]
		if first == last {
			r.signals[p.Dir]++
			continue
		}
		r.data[p.Dir]++
		for _, o := range out.Carried.Orig[first:last] {
			r.delays = append(r.delays, (p.Time - in.Packets[o].Time).Seconds())
		}
	}
	slices.Sort(r.delays)
	return r
}

// printLive writes both beside each other.
func printLive(to io.Writer, sim, live liveRun, speed float64) {
	// The sender of a simulation is never late: what is late live has no other side.
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "\tsimulated\tlive\n")
	for d, name := range []string{"up", "down"} {
		fmt.Fprintf(w, "data packets %s\t%d\t%d\n", name, sim.data[d], live.data[d])
	}
	for d, name := range []string{"up", "down"} {
		fmt.Fprintf(w, "handshakes and keepalives %s\t%d\t%d\n", name, sim.signals[d], live.signals[d])
	}
	for d, name := range []string{"up", "down"} {
		fmt.Fprintf(w, "bytes %s\t%d\t%d\n", name, sim.bytes[d], live.bytes[d])
	}
	for _, q := range []float64{0.5, 0.95, 0.99, 1} {
		fmt.Fprintf(w, "delay %s\t%s\t%s\n", quantileName(q), quantile(q, sim.delays), quantile(q, live.delays))
	}
	fmt.Fprintf(w, "sender late %s\t\t%s\n", quantileName(0.95), quantile(0.95, live.lateness))
	w.Flush()
	if live.lost > 0 {
		fmt.Fprintf(to, "%d packets did not arrive: the loopback interface drops what comes faster than this machine takes it\n", live.lost)
	}
	if speed != 1 {
		fmt.Fprintf(to, "played %g times faster than recorded: WireGuard's own timers were not, so it sent fewer handshakes and keepalives\n", speed)
	}
}

func quantileName(q float64) string {
	switch q {
	case 0.5:
		return "median"
	case 1:
		return "max"
	}
	return fmt.Sprintf("p%g", 100*q)
}

// quantile is one of sorted seconds, n/a of none.
func quantile(q float64, sorted []float64) string {
	if len(sorted) == 0 {
		return "n/a"
	}
	return inMillis(stat.Quantile(q, stat.Empirical, sorted, nil))
}
