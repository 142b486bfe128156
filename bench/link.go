package bench

import (
	"veilbench/datasets"
	"veilbench/defenses"
)

// Link is the home access link. Pass, NewLedger, Add and Cost are what the engine calls; the owner of bench/link.go and bench/ledger.go replaces this file.
type Link struct{ UpMbitS, DownMbitS float64 }

// DefaultLink stub
func DefaultLink() Link { return Link{20, 100} }

// Pass stub
func (l Link) Pass(t datasets.Trace, c *defenses.Carried) defenses.Defended {
	return defenses.Defended{Trace: t, Carried: c}
}

// Ledger stub
type Ledger struct{ c Cost }

// NewLedger stub
func NewLedger(rec *datasets.Recording, base, out defenses.Defended) *Ledger {
	l := &Ledger{}
	for _, p := range base.Trace.Packets {
		l.c.InBytes[p.Dir] += int64(p.Size - 14)
		l.c.InPackets[p.Dir]++
	}
	for _, p := range out.Trace.Packets {
		l.c.OutBytes[p.Dir] += int64(p.Size - 14)
		l.c.OutPackets[p.Dir]++
	}
	return l
}

// Add stub
func (l *Ledger) Add(o *Ledger) {
	for i := range 2 {
		l.c.InBytes[i] += o.c.InBytes[i]
		l.c.OutBytes[i] += o.c.OutBytes[i]
		l.c.InPackets[i] += o.c.InPackets[i]
		l.c.OutPackets[i] += o.c.OutPackets[i]
	}
}

// Cost stub
func (l *Ledger) Cost() Cost { return l.c }
