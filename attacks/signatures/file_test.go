package signatures_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/signatures"
)

// saved is the file of signatures of the toy, without its last line.
func saved(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := attacktest.Train(t, signatures.New(), attacktest.ToyEvents(3)).(attacks.Saver).Save(&b); err != nil {
		t.Fatal(err)
	}
	body := b.String()
	return body[:strings.LastIndex(body, "end ")]
}

// ended gives a body its last line.
func ended(s string) string {
	return fmt.Sprintf("%send %d %08x\n", s, strings.Count(s, "\n"), crc32.ChecksumIEEE([]byte(s)))
}

// FuzzLoad gives any body the right last line, so that what the checksum would
// refuse reaches the reader.
func FuzzLoad(f *testing.F) {
	f.Add(saved(f))
	f.Add("veilbench-signatures 2\nattack \"signatures\"\nudp true\nsignature \"a/b\"\npacket -5 1\n")
	trace := attacktest.ToyEvents(1).Examples[0].Trace
	f.Fuzz(func(t *testing.T, body string) {
		m, err := signatures.New().Load(strings.NewReader(ended(body)))
		if err != nil {
			return
		}
		attacktest.Ask(t, m, trace)
		var out bytes.Buffer
		if err := m.(attacks.Saver).Save(&out); err != nil {
			t.Fatal(err)
		}
		first := out.String()
		back, err := signatures.New().Load(&out)
		if err != nil {
			t.Fatalf("what was written is not read back: %v", err)
		}
		if err := back.(attacks.Saver).Save(&out); err != nil || out.String() != first {
			t.Errorf("written again it is another file (%v)", err)
		}
	})
}

// TestLoadNamesTheLine: what is wrong in a file is said with the line that it
// stands in, and what should be there.
func TestLoadNamesTheLine(t *testing.T) {
	head := "veilbench-signatures 2\nattack \"signatures\"\n"
	for _, c := range []struct{ body, want string }{
		{head + "udp perhaps\n", "signature file line 3: udp perhaps: want true or false"},
		{head + "threshold NaN\n", "signature file line 3: threshold NaN: want a share from 0 to 1"},
		{head + "trust 1\n", `line 3: trust 1: want a line "signature" before it`},
		{head + "signature plug/on\n", "line 3: signature plug/on: want text in quotes"},
		{head + "signature \"a/b\"\nsignature \"a/c\"\n", `line 4: signature "a/b" has no packet`},
		{head + "signature \"a/b\"\nduration 2\n", "line 4: duration 2: want a time from 0s to 1h"},
		{head + "signature \"a/b\"\npacket 5\n", "line 4: packet 5: want a size and how often"},
		{head + "signature \"a/b\"\npacket 99999 1\n", "line 4: packet 99999 1: want a size from"},
		{head + "signature \"a/b\"\npacket 5 -1\n", `line 4: packet 5 -1: "-1": want a count`},
		{head + "signature \"a/b\"\n", `signature "a/b" has no packet`},
	} {
		if _, err := signatures.New().Load(strings.NewReader(ended(c.body))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestTCPAlone: as published, what is known to be UDP is no traffic at all.
func TestTCPAlone(t *testing.T) {
	tr := attacktest.ToyEvents(3)
	published := signatures.New()
	published.Udp = false
	count := func(proto uint8) (n int) {
		for i := range tr.Examples {
			for j := range tr.Examples[i].Trace.Flows {
				tr.Examples[i].Trace.Flows[j].Proto = proto
			}
		}
		return len(attacktest.Ask(t, attacktest.Train(t, published, tr), tr.Examples[0].Trace).Events)
	}
	if tcp, udp, unknown := count(6), count(17), count(0); tcp == 0 || udp != 0 || unknown != tcp {
		t.Errorf("%d events by TCP, %d by UDP, %d where nothing says which", tcp, udp, unknown)
	}
}
