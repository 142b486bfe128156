package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

type applyFlags struct {
	defense, train, plot, link string
	seed                       uint64
	ledger                     bool
	capture                    captureFlags
}

func (a *app) applyCmd() *cobra.Command {
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
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.apply(cmd.Context(), f, args[0], args[1]) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.defense, "defense", "", "defense ID; stages of a chain are joined by +")
	fl.StringVar(&f.train, "train", "", "data set (as in run --dataset) that fitted defenses learn from")
	fl.StringVar(&f.plot, "plot", "", "draw the packet sequence and the rates before and after into this .svg, .png or .pdf file")
	fl.StringVar(&f.link, "link", "", "the home's link, such as up_mbit_s=20,down_mbit_s=100; 0 is no limit")
	fl.BoolVar(&f.ledger, "ledger", false, "print every figure of the ledger, other publications' overheads too")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.capture.flags(fl)
	return cmd
}

func (a *app) apply(ctx context.Context, f applyFlags, in, out string) error {
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
	opt, err := f.capture.options()
	if err != nil {
		return err
	}
	draw := applyDraw(f.seed, defenses.DrawID(d))
	if d, err = a.fit(ctx, draw, d, f); err != nil {
		return err
	}
	t, report, err := capture.Open(ctx, in, opt)
	if err != nil {
		return err
	}
	for _, w := range report.Warnings {
		fmt.Fprintf(a.stderr, "%s: %s\n", in, w)
	}
	start := time.Now()
	got, err := defenses.Chain(defenses.Stages(d)).Apply(draw, t)
	if err == nil {
		err = defenses.Check(t, got)
	}
	if err != nil {
		return exitError{ExitFailedCells, fmt.Errorf("%s: %w", in, err)}
	}
	took := time.Since(start)
	cost, err := costOf(link, t, got)
	if err != nil {
		return exitError{ExitFailedCells, fmt.Errorf("%s: %w", in, err)}
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
	a.printCost(strings.Join(wrote, " and "), cost, f.ledger)
	fmt.Fprintf(a.stderr, "computed and checked in %v, %.0f ns for a packet of the result\n", took.Round(time.Millisecond),
		float64(took.Nanoseconds())/float64(max(1, len(got.Trace.Packets))))
	return nil
}

// applyDraw is the generator of a defense, made from the seed and its draw ID.
func applyDraw(seed uint64, id string) *rand.Rand {
	h := fnv.New64a()
	io.WriteString(h, id)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func parseLink(s string) (cost.Link, error) {
	l := cost.DefaultLink()
	if s == "" {
		return l, nil
	}
	_, set, err := params.Split("link:" + s)
	if err == nil {
		l, err = params.With(l, set)
	}
	if err == nil && l.ClosedLoop {
		err = errors.New("closed_loop is for run: apply writes what enters the line at the recorded times")
	}
	if err != nil {
		return l, fmt.Errorf("--link: %w", err)
	}
	return l, nil
}

// fit trains the stages of d that can learn on --train, if that is given.
func (a *app) fit(ctx context.Context, draw *rand.Rand, d defenses.Defense, f applyFlags) (defenses.Defense, error) {
	if f.train == "" {
		return d, nil
	}
	sets, err := load(ctx, f.train, f.seed, sourceOptions{capture: f.capture})
	if err != nil {
		return nil, fmt.Errorf("--train: %w", err)
	}
	var training []datasets.Recording
	for _, s := range sets {
		training = append(training, s.Recordings...)
	}
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

// costOf is the ledger of one trace behind the link.
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
// cannot hold if there are any. It returns the files.
func writeDefended(out string, in datasets.Trace, d defenses.Defended) ([]string, error) {
	base := strings.TrimSuffix(out, filepath.Ext(out))
	wrote := []string{out, base + ".truth.csv"}
	if err := writeFile(out, func(w io.Writer) error { return write.Capture(w, d.Trace) }); err != nil {
		return nil, err
	}
	if err := writeFile(wrote[1], func(w io.Writer) error { return writeTruth(w, in, d) }); err != nil {
		return nil, err
	}
	names := base + ".names.csv"
	n := 0
	err := writeFile(names, func(w io.Writer) (err error) {
		n, err = write.Names(w, d.Trace)
		return err
	})
	if err == nil && n == 0 {
		return wrote, os.Remove(names)
	}
	return append(wrote, names), err
}

// writeFile writes a file and removes it again when that fails half-way.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(path))
	}
	return nil
}

// writeTruth writes a line for each original that a packet carries, and one
// with nothing after the time for a packet of the defense's own.
func writeTruth(w io.Writer, in datasets.Trace, d defenses.Defended) error {
	bw := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintln(bw, "packet,frame,time_s,original,bytes")
	for i, p := range d.Trace.Packets {
		if d.Carried == nil {
			fmt.Fprintf(bw, "%d,%d,%.9f,%d,%d\n", i, i+2, p.Time.Seconds(), i, in.Packets[i].Payload)
			continue
		}
		orig, bytes := d.Carried.Entries(i)
		for j := range orig {
			fmt.Fprintf(bw, "%d,%d,%.9f,%d,%d\n", i, i+2, p.Time.Seconds(), orig[j], bytes[j])
		}
		if len(orig) == 0 {
			fmt.Fprintf(bw, "%d,%d,%.9f,,\n", i, i+2, p.Time.Seconds())
		}
	}
	return bw.Flush()
}

// printCost says in one line what was written and what it costs, and then the
// ledger if that was asked for.
func (a *app) printCost(wrote string, c results.Cost, all bool) {
	in, out := c.InPackets[0]+c.InPackets[1], c.OutPackets[0]+c.OutPackets[1]
	packets := "n/a"
	if in > 0 {
		packets = fmt.Sprintf("%+.1f %%", 100*float64(out-in)/float64(in))
	}
	more := map[string]float64{}
	for _, m := range c.More {
		more[m.Name] = m.Value
	}
	line, gb := "", ""
	if x, ok := more["line_overhead"]; ok && more["lan_in_bytes"] > 0 {
		line = fmt.Sprintf(" (%+.1f %% without what stays in the home)", 100*x)
	}
	if x, ok := more["gb_per_month"]; ok {
		gb = fmt.Sprintf(", %+.2f GB/month", x)
	}
	fmt.Fprintf(a.stdout, "wrote %s: bytes %+.1f %%%s, packets %s, delay p95 %s%s; every byte accounted for\n",
		wrote, 100*c.Overhead(), line, packets, inMillis(c.DelayP95), gb)
	if !all {
		return
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
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
