package knn_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/builtin"
	"veilbench/datasets"
)

// A stream of which no burst is kept, since there are more bursts without an
// event than the attack takes, is asked of all streams together.
func TestAlignThinnedStream(t *testing.T) {
	tr := attacktest.ToyEvents(20) // more than 3,000 heartbeats
	e := &tr.Examples[0]
	e.Trace.Flows = append(e.Trace.Flows, datasets.Flow{
		Proto: 17, Local: netip.MustParseAddrPort("192.168.1.9:123"), Remote: netip.MustParseAddrPort("203.0.113.9:123"), Host: "ntp.example.net",
	})
	e.Trace.Packets = slices.Insert(slices.Clone(e.Trace.Packets), 0, datasets.Packet{Size: 90, Payload: 48, Flow: 2})
	e.Labels.Owners = slices.Insert(slices.Clone(e.Labels.Owners), 0, -1)
	for _, a := range builtin.All() {
		if a.Info().Name != "event-align" {
			continue
		}
		if _, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), tr); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("no event-align")
}
