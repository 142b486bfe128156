package captures

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"veilbench/bench/results"
	"veilbench/defenses"
)

// priced is what --json prints of a capture, or a folder of them, that went through a
// defense.
type priced struct {
	Wrote    []string     `json:"wrote"`
	Failed   []failure    `json:"failed,omitempty"`
	Defense  string       `json:"defense"`
	Overhead float64      `json:"overhead"`
	Cost     results.Cost `json:"cost"`
}

type failure struct {
	Capture string `json:"capture"`
	Why     string `json:"why"`
}

// print says what was written and what it costs.
func (ap *applier) print(wrote string, said priced, c results.Cost) error {
	said.Defense, said.Overhead, said.Cost = defenses.ID(ap.defense), c.Overhead(), c
	var b strings.Builder
	printCost(&b, wrote, c, ap.f.ledger)
	return ap.f.show.Print(ap.a, said, b.String())
}

// printCost says in one line what was written and what it costs, and then the
// ledger if that was asked for.
func printCost(w io.Writer, wrote string, c results.Cost, all bool) {
	in, out := c.InPackets[0]+c.InPackets[1], c.OutPackets[0]+c.OutPackets[1]
	packets := "n/a"
	if in > 0 {
		packets = fmt.Sprintf("%+.1f %%", 100*float64(out-in)/float64(in))
	}

	// Traffic inside the home dilutes an overhead that the line alone bears. Short
	// captures have no figure for a month.
	more := map[string]float64{}
	for _, m := range c.More {
		more[m.Name] = m.Value
	}
	line, gb := "", ""
	if x, ok := more[results.LineOverhead]; ok && more[results.LANInBytes] > 0 {
		line = fmt.Sprintf(" (%+.1f %% without what stays in the home)", 100*x)
	}
	if x, ok := more[results.GBPerMonth]; ok {
		gb = fmt.Sprintf(", %+.2f GB/month", x)
	}
	fmt.Fprintf(w, "%s: bytes %+.1f %%%s, packets %s, delay p95 %s%s; every byte accounted for\n",
		wrote, 100*c.Overhead(), line, packets, inMillis(c.DelayP95), gb)
	if all {
		printLedger(w, c)
	}
}

// printLedger writes every figure of a ledger, one on a line.
func printLedger(to io.Writer, c results.Cost) {
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	for dir, name := range []string{"up", "down"} {
		fmt.Fprintf(w, "bytes %s\t%d -> %d\npackets %s\t%d -> %d\n",
			name, c.InBytes[dir], c.OutBytes[dir], name, c.InPackets[dir], c.OutPackets[dir])
	}
	fmt.Fprintf(w, "cover bytes\t%d\n", c.CoverBytes)
	fmt.Fprintf(w, "delay mean, median, p95, p99, max\t%s, %s, %s, %s, %s\n", inMillis(c.DelayMean),
		inMillis(c.DelayMedian), inMillis(c.DelayP95), inMillis(c.DelayP99), inMillis(c.DelayMax))
	for _, m := range c.More {
		fmt.Fprintf(w, "%s\t%.6g\n", m.Name, m.Value)
	}
	w.Flush()
}

// inMillis writes seconds as milliseconds, with decimals where they matter.
func inMillis(s float64) string {
	switch ms := s * 1000; {
	case ms == 0:
		return "0 ms"
	case ms < 1:
		return fmt.Sprintf("%.3f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.0f ms", ms)
	}
}
