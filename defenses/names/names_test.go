package names_test

import (
	"net/netip"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/names"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"hide-names:pad=false",
	)
}

// What is looked up is hidden as well as what is talked to, and Check lets it be.
func TestLookUpsAreHidden(t *testing.T) {
	local := netip.MustParseAddrPort("192.168.1.20:40000")
	in := datasets.Trace{End: time.Second, Flows: []datasets.Flow{
		{Proto: 17, Local: local, Remote: netip.MustParseAddrPort("203.0.113.53:53"), Query: "cam.example"},
		{Proto: 6, Local: local, Remote: netip.MustParseAddrPort("198.18.0.1:443"), Host: "cam.example"},
	}, Packets: []datasets.Packet{{Size: 71, Payload: 29}, {Time: time.Millisecond, Size: 154, Payload: 100, Flow: 1}}}
	out, err := names.Hide{}.Apply(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := defenses.Check(in, out); err != nil {
		t.Error(err)
	}
	for _, f := range out.Trace.Flows {
		if f.Query != "" || f.Host != "" {
			t.Errorf("%+v shows a name", f)
		}
	}
}
