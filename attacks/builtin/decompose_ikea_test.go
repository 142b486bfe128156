package builtin_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/decompose"
	"veilbench/datasets"
)

// request is one recorded command: its action, the file's kind and the size.
type request struct {
	action string
	bytes  int32
}

// requestsOf lists the requests of a file that holds one kind: its name says
// which, and its request sizes differ by no more than two digits.
func requestsOf(r datasets.Recording) []request {
	var out []request
	lo, hi := int32(1<<30), int32(0)
	for _, c := range r.Labels.Commands {
		for _, p := range r.Trace.Packets {
			if p.Time == c.Time && p.Dir == datasets.Down && p.Payload > 60 && p.Payload < 100 {
				lo, hi = min(lo, p.Payload), max(hi, p.Payload)
				out = append(out, request{fmt.Sprintf("%s %d", c.Actions[0].Action, p.Payload), p.Payload})
				break
			}
		}
	}
	if hi-lo > 2 {
		return nil
	}
	return out
}

// windowed makes one recording in which every run of 1 to 8 requests is one
// message with the sum of their sizes.
func windowed(files [][]request) datasets.Recording {
	r := datasets.Recording{Group: "windows", Labels: datasets.Labels{Devices: []string{"gateway"}}}
	r.Trace.Flows = []datasets.Flow{{
		Proto: 17, Host: "gateway.example",
		Local: netip.MustParseAddrPort("192.168.3.213:5684"), Remote: netip.MustParseAddrPort("192.168.3.177:5000"),
	}}
	at := time.Minute
	for _, rs := range files {
		for n := 1; n <= 8; n++ {
			for i := 0; i+n <= len(rs); i += n {
				count, sum := map[string]int{}, int32(0)
				for _, x := range rs[i : i+n] {
					count[x.action]++
					sum += x.bytes
				}
				c := datasets.Command{Time: at}
				for a, k := range count {
					c.Actions = append(c.Actions, datasets.ActionCount{Action: a, Count: k})
				}
				slices.SortFunc(c.Actions, func(a, b datasets.ActionCount) int {
					return min(max(slices.Compare([]byte(a.Action), []byte(b.Action)), -1), 1)
				})
				r.Labels.Commands = append(r.Labels.Commands, c)
				r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at, Size: sum + 42, Payload: sum, Dir: datasets.Down})
				at += 20 * time.Second
			}
		}
	}
	r.Trace.End = at
	return r
}

// Every other request of a file teaches, the others are asked. An action is a kind
// with a size, so 81 bytes may be color or brightness: most sums are ambiguous.
func TestDecomposeOnTheIKEAGateway(t *testing.T) {
	ds := recorded(t, "ikea_gateway", "ikea-gateway")
	var first, second [][]request
	for _, r := range ds.Recordings {
		var half [2][]request
		for i, x := range requestsOf(r) {
			half[i%2] = append(half[i%2], x)
		}
		first, second = append(first, half[0]), append(second, half[1])
	}
	train, test := windowed(first), windowed(second)
	d := decompose.New()
	d.MaxActions, d.Known = 8, 0
	tr := attacks.Training{Task: datasets.TaskCommand, Classes: actionsOf([]datasets.Recording{train, test})}
	tr.Examples = []attacks.Labeled{{Trace: train.Trace, Labels: train.Labels, Group: "known"}}
	m, err := d.Train(context.Background(), nil, tr)
	if err != nil {
		t.Fatal(err)
	}
	got := answerOf(t, m, test.Trace).Commands
	var c commandTally
	c.add(tr.Classes, test, got)
	candidates := 0
	for _, g := range got {
		candidates += len(g.Candidates)
	}
	t.Logf("actions %q: %d windows, true multiset among the candidates in %.1f %%, ambiguous %.1f %%, %.1f candidates in the mean",
		tr.Classes, c.commands, 100*c.share(c.in), 100*(1-c.share(c.unique)), float64(candidates)/float64(len(got)))
	if c.share(c.in) < 0.95 {
		t.Errorf("true multiset among the candidates in %.3f of windows: want 0.95", c.share(c.in))
	}
}
