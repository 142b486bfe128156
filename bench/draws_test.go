package bench

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"veilbench/bench/cost"
	"veilbench/datasets"
	"veilbench/defenses"
)

// What leaves through every defense, preset and some changed parameters is what
// left when presets were values of a parameter "variant". testdata/draws.txt was
// written at the commit before, but for front and adaptive-padding, whose dummies
// got headers of their flow since, and for WireGuard, whose own packets are those of
// the real one since: a digest of the defended packets of two
// recordings, and the ID that seeded their draws then.
func TestDrawsAreThoseOfTheOldIDs(t *testing.T) {
	text, err := os.ReadFile("testdata/draws.txt")
	if err != nil {
		t.Fatal(err)
	}
	ds := small(t, "home:event_signatures:hours=0.05")
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		f := strings.Fields(s.Text())
		id, old, want := f[0], f[1], f[2]
		d := defense(t, id)
		if got := defenses.DrawID(d); got != old {
			t.Errorf("%s draws as %s, want %s", id, got, old)
		}
		if got := defendedDigest(t, &ds, d); got != want {
			t.Errorf("%s: digest %s of what leaves, want %s", id, got, want)
		}
	}
}

// defendedDigest is of what an observer sees of one training and one test
// recording behind d.
func defendedDigest(t *testing.T, ds *datasets.Dataset, d defenses.Defense) string {
	t.Helper()
	vs := views{pipe: pipeline{seed: 3, link: cost.DefaultLink(), defense: d, id: defenses.ID(d), draws: defenses.DrawID(d), vantage: datasets.WAN}}
	if Fitted(d) {
		if err := vs.learn(ds, []int{0, 1, 2}); err != nil {
			t.Fatal(err)
		}
	}
	h := sha256.New()
	for i, r := range []Role{TrainRole, TestRole} {
		o := vs.pipe.observe(&ds.Recordings[3+i], func() (cost.Base, error) { return cost.NewBase(&ds.Recordings[3+i], cost.DefaultLink()) }, r, i)
		if o.err != nil {
			t.Fatal(o.err)
		}
		if err := binary.Write(h, binary.LittleEndian, o.trace.Packets); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%v %v", oldFlows(o.trace.Flows), o.trace.End)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// oldFlow is a flow as it was when the digests were written down: it had no Peer,
// which only radio has.
type oldFlow struct {
	Proto         uint8
	Local, Remote netip.AddrPort
	Host          string
	MAC           datasets.MAC
	LAN           bool
}

func oldFlows(flows []datasets.Flow) []oldFlow {
	out := []oldFlow{}
	for _, f := range flows {
		out = append(out, oldFlow{f.Proto, f.Local, f.Remote, f.Host, f.MAC, f.LAN})
	}
	return out
}
