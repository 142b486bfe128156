package cost

import (
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// inside is what a tunnel adds within itself in one direction: bytes behind the inner
// packet of those that carry something, and bytes of those that carry nothing.
type inside struct{ padding, decoys int64 }

// CountInside enters what the tunnel behind out adds within itself, for the ledger of
// one recording, in. framing is what the defense says of each packet
// (defenses.Framer); out may be behind the line. The counters are those that GotaTun
// prints of a tunnel with DAITA, in inner bytes: a decoy counts as large as the packet
// that it pretends to be. Keepalives have no inner bytes; the few bytes of handshakes
// count as decoys, as an account does not tell them apart.
func (l *Ledger) CountInside(in datasets.Trace, out defenses.Defended, framing int) {
	r := &l.recs[0]
	r.tunnel = true
	for i, p := range out.Trace.Packets {
		if int(p.Flow) < len(in.Flows) {
			continue // it stays in the home
		}
		rest := int64(p.Payload) - int64(framing)
		orig, bytes := out.Entries(in, i)
		for j, o := range orig {
			// Each piece of an original that is cut has headers of its own.
			q := in.Packets[o]
			if bytes[j] > 0 || q.Payload == 0 {
				rest -= int64(bytes[j]) + max(ipBytes(q)-int64(q.Payload), 0)
			}
		}

		// A frame that a network card had joined has fewer headers than its pieces, so
		// what is left may fall below nothing.
		rest = max(rest, 0)
		if len(orig) > 0 {
			r.inside[p.Dir].padding += rest
		} else {
			r.inside[p.Dir].decoys += rest
		}
	}
}

// counters are the sums of CountInside, nil where no recording has them.
func (l *Ledger) counters() []results.Metric {
	var sum [2]inside
	any := false
	for _, r := range l.recs {
		any = any || r.tunnel
		for dir, s := range r.inside {
			sum[dir].padding += s.padding
			sum[dir].decoys += s.decoys
		}
	}
	if !any {
		return nil
	}
	up, down := sum[datasets.Up], sum[datasets.Down]
	return []results.Metric{
		{Name: results.TxPadding, Value: float64(up.padding)},
		{Name: results.RxPadding, Value: float64(down.padding)},
		{Name: results.TxDecoy, Value: float64(up.decoys)},
		{Name: results.RxDecoy, Value: float64(down.decoys)},
	}
}
