package main

import (
	"math/rand/v2"
	"slices"

	"veilbench/datasets"
	"veilbench/defenses"
)

// steps pads every payload to the next multiple of StepBytes.
type steps struct {
	StepBytes int `help:"payloads grow to the next multiple"`
}

func (steps) Info() defenses.Info {
	return defenses.Info{Name: "acme-steps", Doc: "pads to steps", Place: defenses.AtDevice}
}

func (s steps) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	in.Packets = slices.Clone(in.Packets)
	for i := range in.Packets {
		p, step := &in.Packets[i], int32(s.StepBytes)
		fill := max(0, min((step-p.Payload%step)%step, defenses.MaxFrame-p.Size))
		p.Payload += fill
		p.Size += fill
	}
	return defenses.Defended{Trace: in}, nil
}
