package names_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/names"
)

// A lookup of 40 bytes of DNS becomes 128 + 24 of TLS on TCP (40 of headers),
// its answer of 500 bytes 936 + 24; no flow keeps a name. Without padding they
// are 64 and 524. By hand from RFC 7858 and 8467.
func TestHideNamesMovesLookups(t *testing.T) {
	dns := datasets.Flow{Proto: 17, Local: netip.MustParseAddrPort("192.168.0.9:5353"), Remote: netip.MustParseAddrPort("9.9.9.9:53"), Host: "resolver.example"}
	in := datasets.Trace{End: 1, Flows: []datasets.Flow{dns}, Packets: []datasets.Packet{
		{Size: 82, Payload: 40}, {Size: 542, Payload: 500, Dir: datasets.Down},
	}}
	for _, tt := range []struct {
		pad  bool
		want [2]int32
	}{{true, [2]int32{152, 960}}, {false, [2]int32{64, 524}}} {
		out, err := names.Hide{Pad: tt.pad}.Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil || defenses.Check(in, out) != nil {
			t.Fatal(err, defenses.Check(in, out))
		}
		for i, p := range out.Trace.Packets {
			if p.Payload != tt.want[i] || p.Size != p.Payload+54 || out.Trace.Flows[p.Flow].Remote.Port() != 853 {
				t.Errorf("padding %v: packet %d is %+v", tt.pad, i, p)
			}
		}
		if out.Trace.Flows[0].Host != "" || in.Flows[0].Host == "" {
			t.Error("the name is still there, or the input lost it")
		}
	}
}
