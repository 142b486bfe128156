package captures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/defenses"
)

type applyFlags struct {
	defense, train, plot, link string
	seed                       uint64
	ledger                     bool
	capture                    source.Capture
}

func applyCommand(a *command.App) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply --defense ID IN OUT",
		Short: "turn a capture into the defended capture and say what it costs",
		Long: `Apply puts the capture IN through a defense, proves that every byte leaves, none too early, and writes
what leaves instead as OUT, a pcap file that other tools open. Beside it, OUT with .truth.csv in
place of .pcap says for each packet of OUT which packets of IN it carries and how many bytes of each;
a packet without an original is the defense's own. Packets count from 0; "frame" is the number that
other tools give, from 1: OUT begins and ends with a frame of Ethernet type 0x88b6 that is no traffic
but says when observing began and ended, so packet 0 is frame 2.

With --plot it also draws IN beside OUT: every packet by time and size (up above, down below, the
defense's own packets in gray) and the bytes per second in bins. For true and detected events over
the rates, see "veilbench rates".

Cost is measured behind the home's link, against IN behind the same link; OUT itself is what enters
the link.`,
		Example: `  veilbench apply --defense pad-random:max_bytes=255+vpn:kind=wireguard plug.pcap shaped.pcap
  veilbench apply --defense constant-rate:interval_s=0.5 --plot shaped.svg --ledger plug.pcap shaped.pcap
  veilbench apply --defense cover-decoy:per_hour=60 --train home:event_signatures plug.pcap shaped.pcap`,
		Args: command.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error { return apply(cmd.Context(), a, f, args[0], args[1]) },
	}

	fl := cmd.Flags()
	fl.StringVar(&f.defense, "defense", "", "defense ID; stages of a chain are joined by +")
	fl.StringVar(&f.train, "train", "", "data set (as in run --dataset) that fitted defenses learn from")
	fl.StringVar(&f.plot, "plot", "", "draw the packet sequence and the rates before and after into this .svg, .png or .pdf file")

	// A link is several settings, read from one text as in an ID.
	fl.StringVar(&f.link, "link", "", "the home's link, such as up_mbit_s=20,down_mbit_s=100; 0 is no limit")
	fl.BoolVar(&f.ledger, "ledger", false, "print every figure of the ledger, other publications' overheads too")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.capture.AddFlags(fl)
	return cmd
}

func apply(ctx context.Context, a *command.App, f applyFlags, in, out string) error {
	// Every name is checked before the capture is read, which may take minutes.
	if f.defense == "" {
		return errors.New("apply: --defense is missing (\"veilbench list defenses\" shows what there is)")
	}
	d, err := defenses.Parse(a.Defenses, f.defense)
	if err != nil {
		return err
	}
	link, err := parseLink(f.link)
	if err != nil {
		return err
	}
	if err := plotFormat(f.plot); err != nil {
		return err
	}
	opt, err := f.capture.Options()
	if err != nil {
		return err
	}

	draw := drawsOf(f.seed, defenses.DrawID(d))
	if d, err = fit(ctx, draw, d, f); err != nil {
		return err
	}

	t, report, err := capture.Open(ctx, in, opt)
	if err == nil {
		err = report.Empty()
	}
	if err != nil {
		return err
	}
	for _, d := range report.Doubts {
		fmt.Fprintf(a.Stderr, "%s: %s\n", in, d)
	}
	for _, w := range report.Warnings {
		fmt.Fprintf(a.Stderr, "%s: %s\n", in, w)
	}

	// A single defense goes as a chain of one: a chain proves every stage, and
	// names the one that breaks a rule.
	start := time.Now()
	got, err := defenses.Chain(defenses.Stages(d)).Apply(draw, t)
	if err != nil {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%s: %w", in, err)}
	}
	took := time.Since(start)
	cost, err := costOf(link, t, got)
	if err != nil {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%s: %w", in, err)}
	}

	wrote, err := writeDefended(out, t, got)
	if err != nil {
		return err
	}
	if f.plot != "" {
		if err := plotBeforeAfter(f.plot, f.defense, t, got); err != nil {
			return err
		}
		wrote = append(wrote, f.plot)
	}
	printCost(a.Stdout, strings.Join(wrote, " and "), cost, f.ledger)
	fmt.Fprintf(a.Stderr, "computed and checked in %v, %.0f ns for a packet of the result\n", took.Round(time.Millisecond),
		float64(took.Nanoseconds())/float64(max(1, len(got.Trace.Packets))))
	return nil
}

// fit trains the stages of d that can learn on --train, if that is given.
func fit(ctx context.Context, draw *rand.Rand, d defenses.Defense, f applyFlags) (defenses.Defense, error) {
	if f.train == "" {
		return d, nil
	}
	sets, err := source.Load(ctx, f.train, f.seed, source.Options{Capture: f.capture})
	if err != nil {
		return nil, fmt.Errorf("--train: %w", err)
	}

	var training []datasets.Recording
	for _, s := range sets {
		training = append(training, s.Recordings...)
	}

	// Each stage has a generator of its own, so that one more draw in the first
	// does not shift those of the second.
	chain := defenses.Chain{}
	for _, s := range defenses.Stages(d) {
		if fitter, ok := s.(defenses.Fitter); ok {
			if s, err = fitter.Fit(ctx, defenses.Stream(draw), training); err != nil {
				return nil, fmt.Errorf("--train %s: %w", f.train, err)
			}
		}
		chain = append(chain, s)
	}
	return chain, nil
}

// costOf is the ledger of one trace behind the link, against the undefended
// trace behind the same link.
func costOf(link cost.Link, in datasets.Trace, out defenses.Defended) (results.Cost, error) {
	// The defended trace is made already, so nothing can wait for it in a loop.
	link.ClosedLoop = false
	rec := &datasets.Recording{Trace: in}
	base, err := cost.NewBase(rec, link)
	if err != nil {
		return results.Cost{}, fmt.Errorf("undefended: %w", err)
	}
	behind, err := link.Pass(in, out)
	if err != nil {
		return results.Cost{}, fmt.Errorf("defended: %w", err)
	}
	return cost.NewLedger(rec, base, behind).Cost(), nil
}

// writeDefended writes the capture, its truth, and the names that the capture
// cannot hold if there are any. It returns the files that it wrote.
func writeDefended(out string, in datasets.Trace, d defenses.Defended) ([]string, error) {
	base := strings.TrimSuffix(out, filepath.Ext(out))
	wrote := []string{out, base + ".truth.csv"}
	if err := atomicfile.WriteTo(out, func(w io.Writer) error { return write.Capture(w, d.Trace) }); err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	if err := atomicfile.WriteTo(wrote[1], func(w io.Writer) error { return writeTruth(w, in, d) }); err != nil {
		return nil, err
	}

	// Most captures tell every name, and an empty list beside them would look like
	// something to pass to --names.
	var names bytes.Buffer
	n, err := write.Names(&names, d.Trace)
	if err != nil || n == 0 {
		return wrote, err
	}
	wrote = append(wrote, base+".names.csv")
	return wrote, atomicfile.Write(wrote[2], names.Bytes())
}

// writeTruth writes a line for each original that a packet carries, and one
// with nothing after the time for a dummy packet. Frame 1 of what is written says
// when observing began.
func writeTruth(w io.Writer, in datasets.Trace, d defenses.Defended) error {
	fmt.Fprintln(w, "packet,frame,time_s,original,bytes")
	for i, p := range d.Trace.Packets {
		// Without an account, packet i carries packet i whole.
		if d.Carried == nil {
			fmt.Fprintf(w, "%d,%d,%.9f,%d,%d\n", i, i+2, p.Time.Seconds(), i, in.Packets[i].Payload)
			continue
		}
		orig, carried := d.Carried.Entries(i)
		for j := range orig {
			fmt.Fprintf(w, "%d,%d,%.9f,%d,%d\n", i, i+2, p.Time.Seconds(), orig[j], carried[j])
		}
		if len(orig) == 0 {
			fmt.Fprintf(w, "%d,%d,%.9f,,\n", i, i+2, p.Time.Seconds())
		}
	}
	return nil
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
	fmt.Fprintf(w, "wrote %s: bytes %+.1f %%%s, packets %s, delay p95 %s%s; every byte accounted for\n",
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
