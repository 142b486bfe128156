package captures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/cost"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/defenses"
)

type applyFlags struct {
	defense, train, plot, link, live string
	seed                             uint64
	speed                            float64
	ledger, force                    bool
	limits                           command.Limits
	capture                          source.Capture
	show                             command.Show
}

func applyCommand(a *command.App) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply --defense ID IN OUT",
		Short: "turn captures into defended captures and say what that costs",
		Long: `Apply puts the capture IN through a defense, proves that every byte leaves, none too early, and writes
what leaves instead as OUT, a pcap file that other tools open. Beside it, OUT with .truth.csv in
place of .pcap says for each packet of OUT which packets of IN it carries and how many bytes of each;
a packet without an original is the defense's own. Packets count from 0; "frame" is the number that
other tools give, from 1: OUT begins and ends with a frame of Ethernet type 0x88b6 that is no traffic
but says when observing began and ended, so packet 0 is frame 2.

Where IN is a folder, every capture below it is applied and OUT is a folder of the same tree: the
captures as .pcap and their truth, without the label files. One that cannot be read or defended costs
itself; then the exit code is 1.

What is there already is overwritten with --force only, and IN never.

With --live wireguard the capture also goes through the real WireGuard, two devices of
golang.zx2c4.com/wireguard in this process with this machine's loopback interface between them, as
fast as it was recorded or --speed times faster, and simulated and measured figures are printed
beside each other. A delay begins when a packet is really handed over; how late that was stands by
itself. It compares the tunnel alone: set delay_s=0, for loopback is no line.

With --plot it also draws IN beside OUT: every packet by time and size (up above, down below, the
defense's own packets in gray) and the bytes per second in bins. For true and detected events over
the rates, see "veilbench rates".

Cost is measured behind the home's link, against IN behind the same link; OUT itself is what enters
the link.`,
		Example: `  veilbench apply --defense pad-random:max_bytes=255+vpn:kind=wireguard plug.pcap shaped.pcap
  veilbench apply --defense constant-rate:interval_s=0.5 --plot shaped.svg --ledger plug.pcap shaped.pcap
  veilbench apply --defense cover-decoy:per_hour=60 --train home:event_signatures plug.pcap shaped.pcap
  veilbench apply --defense vpn lab lab-vpn        # every capture in the folder lab
  veilbench apply --defense vpn:delay_s=0 --live wireguard --speed 10 plug.pcap out.pcap`,
		Args: command.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := command.Refuse(cmd.Flags(), command.Idle{Here: f.live == "", Unless: "with --live", Flags: []string{"speed"}}); err != nil {
				return err
			}
			return apply(cmd.Context(), a, f, args[0], args[1])
		},
	}

	fl := cmd.Flags()
	fl.StringVar(&f.defense, "defense", "", "defense ID; stages of a chain are joined by +")
	fl.StringVar(&f.train, "train", "", "data set (as in run --dataset) that fitted defenses learn from")
	fl.StringVar(&f.plot, "plot", "", "draw the packet sequence and the rates before and after into this .svg, .png or .pdf file")
	fl.StringVar(&f.live, "live", "", "wireguard: play the capture through the real one too")
	fl.Float64Var(&f.speed, "speed", 1, "how many times faster than recorded --live plays")
	fl.BoolVar(&f.force, "force", false, "overwrite what OUT has already")

	// A link is several settings, read from one text as in an ID.
	fl.StringVar(&f.link, "link", "", "the home's link, such as up_mbit_s=20,down_mbit_s=100; 0 is no limit")
	fl.BoolVar(&f.ledger, "ledger", false, "print every figure of the ledger, other publications' overheads too")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.limits.AddProgramFlags(fl)
	f.show.AddJSON(fl)
	f.capture.AddFlags(fl)
	return cmd
}

func apply(ctx context.Context, a *command.App, f applyFlags, in, out string) error {
	ap := applier{a: a, f: f}
	info, err := os.Stat(in)
	if err != nil {
		return err
	}

	// Every name is checked before a capture is read, which may take minutes.
	if err := ap.settings(in, out); err != nil {
		return err
	}
	check := ap.mayWrite
	if info.IsDir() {
		check = ap.mayFill
	}
	if err := check(in, out); err != nil {
		return err
	}

	draw := drawsOf(f.seed, defenses.DrawID(ap.defense))
	if ap.defense, err = fit(ctx, draw, ap.defense, f); err != nil {
		return err
	}
	if info.IsDir() {
		if f.live != "" {
			return errors.New("--live plays one capture: name a file, no folder")
		}
		return ap.folder(ctx, in, out)
	}

	got, err := ap.capture(ctx, draw, in, out, func(format string, args ...any) { fmt.Fprintf(a.Stderr, format, args...) })
	if err != nil {
		return err
	}
	return ap.report(ctx, got)
}

// report says what one capture became, and plays it where that is asked for.
func (ap *applier) report(ctx context.Context, got applied) error {
	a, f := ap.a, ap.f
	if err := ap.print("wrote "+strings.Join(got.wrote, " and "), priced{Wrote: got.wrote}, got.ledger.Cost()); err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "computed and checked in %v, %.0f ns for a packet of the result\n", got.took.Round(time.Millisecond),
		float64(got.took.Nanoseconds())/float64(max(1, got.packets)))
	if f.live == "" {
		return nil
	}

	// What enters the tunnel is what the stages before it make.
	vpn, err := liveTunnel(ap.defense, f.live, f.speed)
	if err != nil {
		return err
	}
	stages := defenses.Stages(ap.defense)
	before, err := defenses.Chain(stages[:len(stages)-1]).Apply(drawsOf(f.seed, defenses.DrawID(ap.defense)), got.in)
	if err != nil {
		return err
	}
	out, err := vpn.Apply(drawsOf(f.seed, "live"), before.Trace)
	if err != nil {
		return err
	}
	takes := time.Duration(float64(before.Trace.End) / f.speed)
	fmt.Fprintf(a.Stderr, "playing %v of traffic through WireGuard, in %v\n", before.Trace.End.Round(time.Second), takes.Round(time.Second))
	live, err := play(ctx, vpn, before.Trace, f.speed)
	if err != nil {
		return err
	}
	to := a.Stdout
	if f.show.JSON {
		to = a.Stderr // JSON stands alone
	}
	printLive(to, simulated(before.Trace, out), live, f.speed)
	return nil
}

// applier puts captures through one defense.
type applier struct {
	a       *command.App
	f       applyFlags
	defense defenses.Defense
	link    cost.Link
	options capture.Options
}

// settings reads what the flags say. Of a defense that must be fitted first, and
// was given nothing to learn from, the error has the command line that works.
func (ap *applier) settings(in, out string) (err error) {
	f := ap.f
	if f.defense == "" {
		return errors.New("apply: --defense is missing (\"veilbench list defenses\" shows what there is)")
	}
	if err = f.limits.Hold(ap.a.Plugins); err != nil {
		return err
	}
	if ap.defense, err = ap.a.Defense(f.defense); err != nil {
		return err
	}
	if ap.link, err = parseLink(f.link); err != nil {
		return err
	}
	if err := plotFormat(f.plot); err != nil {
		return err
	}
	if f.live != "" {
		if _, err := liveTunnel(ap.defense, f.live, f.speed); err != nil {
			return err
		}
	}
	if ap.options, err = f.capture.Options(); err != nil {
		return err
	}
	if f.train != "" {
		if !bench.Fitted(ap.defense) {
			return fmt.Errorf("--train: %s learns nothing; leave it out", f.defense)
		}
		return nil
	}

	// Whether a stage needs it may hang on its parameters: it is asked by a trace
	// that costs no time.
	for _, s := range defenses.Stages(ap.defense) {
		if _, ok := s.(defenses.Fitter); !ok {
			continue
		}
		if _, err := s.Apply(drawsOf(f.seed, ""), datasets.Trace{}); errors.Is(err, defenses.ErrNotFitted) {
			return fmt.Errorf("%w: --train names a data set to learn from, as in\n  veilbench apply --defense %s --train home:event_signatures %s %s", err, f.defense, in, out)
		}
	}
	return nil
}

// mayWrite refuses to write over IN, by whatever name, and without --force over
// anything.
func (ap *applier) mayWrite(in, out string) error {
	files := outputs(out)
	if ap.f.plot != "" {
		files = append(files, ap.f.plot)
	}
	inputs := []string{in}
	if ap.options.Names != "" {
		inputs = append(inputs, ap.options.Names)
	}

	// A pipe or a device is written to and loses nothing.
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			continue // nothing is there, or writing will say what is wrong
		}
		if info.IsDir() {
			return fmt.Errorf("%s is a folder; name a file", f)
		}
		for _, i := range inputs {
			if its, err := os.Stat(i); err == nil && os.SameFile(info, its) {
				return fmt.Errorf("%s is the same file as %s, which is never overwritten; name another", f, i)
			}
		}
		if info.Mode().IsRegular() && !ap.f.force {
			return fmt.Errorf("%s exists; --force overwrites it", f)
		}
	}
	return nil
}

// applied is what one capture became.
type applied struct {
	in      datasets.Trace
	wrote   []string
	ledger  *cost.Ledger
	packets int
	took    time.Duration // of the defense and its check
}

// capture puts the capture in through the defense and writes out. warn is told
// what is odd about it.
func (ap *applier) capture(ctx context.Context, draw *rand.Rand, in, out string, warn func(string, ...any)) (applied, error) {
	t, report, err := capture.Open(ctx, in, ap.options)
	if err == nil {
		err = report.Empty()
	}
	if err != nil {
		return applied{}, err
	}
	for _, d := range report.Doubts {
		warn("%s: %s\n", in, d)
	}
	for _, w := range report.Warnings {
		warn("%s: %s\n", in, w)
	}

	// A single defense goes as a chain of one: a chain proves every stage, and
	// names the one that breaks a rule.
	start := time.Now()
	got, err := defenses.Chain(defenses.Stages(ap.defense)).Apply(draw, t)
	if err != nil {
		return applied{}, command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%s: %w", in, err)}
	}
	took := time.Since(start)
	ledger, err := ledgerOf(ap.link, t, got, defenses.Framing(ap.defense))
	if err != nil {
		return applied{}, command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%s: %w", in, err)}
	}

	wrote, err := writeDefended(ctx, out, t, got, report.Recorded)
	if err == nil && ap.f.plot != "" {
		wrote = append(wrote, ap.f.plot)
		err = plotBeforeAfter(ap.f.plot, ap.f.defense, t, got)
	}
	return applied{t, wrote, ledger, len(got.Trace.Packets), took}, err
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

	if d, err = fitted(ctx, draw, d, training); err != nil {
		return nil, fmt.Errorf("--train %s: %w", f.train, err)
	}
	return d, nil
}

// fitted is d with the stages that can learn fitted to training. Each stage has a
// generator of its own, so that one more draw in the first does not shift those of
// the second.
func fitted(ctx context.Context, draw *rand.Rand, d defenses.Defense, training []datasets.Recording) (defenses.Defense, error) {
	chain := defenses.Chain{}
	for _, s := range defenses.Stages(d) {
		if fitter, ok := s.(defenses.Fitter); ok {
			var err error
			if s, err = fitter.Fit(ctx, defenses.Stream(draw), training); err != nil {
				return nil, err
			}
		}
		chain = append(chain, s)
	}
	return chain, nil
}

// ledgerOf is the ledger of one trace behind the link, against the undefended
// trace behind the same link. framing is what a tunnel puts around each packet, 0 for
// no tunnel that says so.
func ledgerOf(link cost.Link, in datasets.Trace, out defenses.Defended, framing int) (*cost.Ledger, error) {
	// The defended trace is made already, so nothing can wait for it in a loop.
	link.ClosedLoop = false
	rec := &datasets.Recording{Trace: in}
	base, err := cost.NewBase(rec, link)
	if err != nil {
		return nil, fmt.Errorf("undefended: %w", err)
	}
	behind, err := link.Pass(in, out)
	if err != nil {
		return nil, fmt.Errorf("defended: %w", err)
	}
	l := cost.NewLedger(rec, base, behind)
	if framing > 0 {
		l.CountInside(in, behind, framing)
	}
	return l, nil
}

// outputs are the files that a defended capture may consist of: the capture, its
// truth, and the names that the capture cannot hold.
func outputs(out string) []string {
	base := strings.TrimSuffix(out, filepath.Ext(out))
	return []string{out, base + ".truth.csv", base + ".names.csv"}
}

// writeDefended writes a defended capture and returns the files that it wrote.
// Names have a file only if there are some that the capture cannot hold.
func writeDefended(ctx context.Context, out string, in datasets.Trace, d defenses.Defended, recorded datasets.Vantage) ([]string, error) {
	files := outputs(out)
	fills := []func(io.Writer) error{
		func(w io.Writer) error { return write.CaptureAt(w, d.Trace, recorded) },
		func(w io.Writer) error { return writeTruth(w, in, d) },
	}
	for i, fill := range fills {
		// A write that ends with ctx leaves no half of a file behind.
		err := atomicfile.WriteTo(files[i], func(w io.Writer) error { return fill(until{ctx, w}) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", files[i], err)
		}
	}

	// Most captures tell every name, and an empty list beside them would look like
	// something to pass to --names.
	var names bytes.Buffer
	n, err := write.Names(&names, d.Trace)
	if err != nil || n == 0 {
		return files[:2], err
	}
	return files, atomicfile.Write(files[2], names.Bytes())
}

// until is a writer that fails once its context has ended.
type until struct {
	ctx context.Context
	w   io.Writer
}

func (u until) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(b)
}

// writeTruth writes a line for each original that a packet carries, and one
// with nothing after the time for a dummy packet. Frame 1 of what is written says
// when observing began.
func writeTruth(w io.Writer, in datasets.Trace, d defenses.Defended) error {
	if _, err := fmt.Fprintln(w, "packet,frame,time_s,original,bytes"); err != nil {
		return err
	}
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
