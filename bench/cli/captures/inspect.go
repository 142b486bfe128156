package captures

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/summary"
	"veilbench/datasets/doubt"
	"veilbench/reports/table"
)

type inspectFlags struct {
	capture source.Capture
	show    command.Show
	plot    string
	all     bool
}

func inspectCommand(a *command.App) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect FILE|FOLDER",
		Short: "what is in a capture: times, devices, services, names, heartbeats, what was skipped and why",
		Long: `inspect says what is in a capture (pcap or pcapng, plain or compressed by gzip
or zstd; "-" is standard input): how long it is, which devices are in it and
what they talk to, which names they use, which messages recur at a steady
period, and which packets were skipped and why. Of a folder it says what
"datasets describe" does.`,
		Example: `  veilbench inspect plug.pcap
  veilbench inspect --json plug.pcap.gz
  veilbench inspect --plot rate.svg plug.pcap
  zcat plug.pcap.gz | veilbench inspect -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return inspect(cmd.Context(), a, args[0], f) },
	}

	f.capture.AddFlags(cmd.Flags())
	// JSON holds every device and name, with --all or without.
	f.show.AddJSON(cmd.Flags())
	cmd.Flags().StringVar(&f.plot, "plot", "", "draw the rate over time into this file (.svg, .png or .pdf)")
	cmd.Flags().BoolVar(&f.all, "all", false, "list every device, service and name, not only the largest")
	return cmd
}

// inspection is what --json prints.
type inspection struct {
	capture.Report
	summary.Summary
}

func inspect(ctx context.Context, a *command.App, path string, f inspectFlags) error {
	if err := plotFormat(f.plot); err != nil {
		return err
	}
	o, err := f.capture.Options()
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if f.plot != "" || f.all {
			return fmt.Errorf("--plot and --all are of one capture, and %s is a folder", path)
		}
		// What one capture is summed up to, a folder has too often to be read.
		dir, err := source.OpenFolder(ctx, path, source.Options{Capture: f.capture})
		if err != nil {
			return err
		}
		return f.show.Write(a, dir.Summary(), dir.Describe)
	}
	t, rep, err := open(ctx, a, path, o)
	if err != nil {
		return err
	}

	// Beside what reading found: whether an observer outside sees any of it.
	ds := datasets.Dataset{Recordings: []datasets.Recording{{Trace: t}}, Recorded: rep.Recorded, Doubts: rep.Doubts}
	rep.Doubts = append([]datasets.Doubt{}, doubt.Of(&ds, ds.DefaultVantage(), 0)...)
	in := inspection{*rep, summary.Summarize(t)}
	if f.plot != "" {
		if err := plotRate(f.plot, in.File, t); err != nil {
			return err
		}
	}

	most := 5
	if f.all {
		most = 1 << 30
	}

	// Text is made whole before any of it is printed.
	var b strings.Builder
	in.head(&b)
	in.devices(&b, most)
	in.rest(&b, most)
	if f.plot != "" {
		fmt.Fprintf(&b, "wrote %s\n", f.plot)
	}
	return f.show.Print(a, in, b.String())
}

// head writes the line on the file, and what is wrong with it.
func (in *inspection) head(b *strings.Builder) {
	format := in.Format
	if in.Compression != "" {
		format += " in " + in.Compression
	}
	var links []string
	for _, l := range in.Links {
		links = append(links, l.What)
	}
	fmt.Fprintf(b, "%s  %s, %s, %s, %s packets, %s, %s, %s skipped\n", table.Plain(in.File), format, in.Resolution, strings.Join(links, " and "),
		thousands(in.Report.Packets), longTime(in.DurationS), byteSize(in.WireBytes), thousands(in.Skipped))

	// A capture without a clock has no start, only a length.
	if !in.Start.IsZero() {
		fmt.Fprintf(b, "from %s to %s\n", in.Start.Format(time.RFC3339), in.Start.Add(time.Duration(in.DurationS*1e9)).Format(time.RFC3339))
	}
	if in.Snapped > 0 {
		fmt.Fprintf(b, "%s packets are captured in part; lengths come from their headers\n", thousands(in.Snapped))
	}
	for _, p := range in.Home {
		fmt.Fprintf(b, "home prefix %s, by what routers and neighbors say\n", p)
	}
	for _, c := range in.Reasons {
		fmt.Fprintf(b, "skipped %s: %s\n", thousands(c.Count), c.What)
	}
	for _, d := range in.Doubts {
		fmt.Fprintf(b, "doubt: %s\n", table.Plain(d.String()))
	}
	for _, w := range in.Warnings {
		fmt.Fprintf(b, "warning: %s\n", table.Plain(w))
	}
	fmt.Fprintf(b, "%s flows (%s inside the home), %s up, %s down\n", thousands(in.Flows), thousands(in.LANFlows), byteSize(in.BytesUp), byteSize(in.BytesDown))
}

// devices writes who is in the home, the busiest first, and what each talks to.
func (in *inspection) devices(b *strings.Builder, most int) {
	for i, d := range in.Devices {
		if i >= 2*most {
			fmt.Fprintf(b, "and %d more devices (--all lists them)\n", len(in.Devices)-i)
			break
		}

		// Many devices take another temporary IPv6 address every day.
		who := strings.Join(d.Addresses[:min(len(d.Addresses), 3)], ", ")
		switch {
		case who == "":
			who = d.Link
		case d.Link != "":
			who += " (" + d.Link + ")"
		}
		fmt.Fprintf(b, "device %s  %s packets, %s up, %s down\n", who, thousands(d.Packets), byteSize(d.BytesUp), byteSize(d.BytesDown))
		shares(b, d.Services, most)
	}
}

// shares writes the first of a list, and how many are left.
func shares(b *strings.Builder, list []summary.Share, most int) {
	for i, s := range list {
		if i >= most {
			fmt.Fprintf(b, "  and %d more\n", len(list)-i)
			return
		}
		fmt.Fprintf(b, "  %s  %s of bytes, %s packets\n", table.Plain(s.Name), percent(s.Share), thousands(s.Packets))
	}
}

// rest writes protocols, names and heartbeats.
func (in *inspection) rest(b *strings.Builder, most int) {
	if len(in.Protocols) > 0 {
		fmt.Fprintln(b, "protocols")
		shares(b, in.Protocols, most)
	}
	if len(in.Names) > 0 {
		fmt.Fprintln(b, "names")
		shares(b, in.Names, most)
	}
	if len(in.Queries) > 0 {
		fmt.Fprintln(b, "looked up")
	}
	for i, q := range in.Queries {
		if i >= 4*most {
			fmt.Fprintf(b, "  and %d more\n", len(in.Queries)-i)
			break
		}
		fmt.Fprintf(b, "  %s  %s  %s times\n", q.Client, table.Plain(q.Name), thousands(q.Count))
	}

	// That there are none is a finding, other than of names and protocols.
	if len(in.Heartbeats) == 0 {
		fmt.Fprintln(b, "no heartbeats found")
		return
	}
	fmt.Fprintln(b, "heartbeats")
	for i, h := range in.Heartbeats {
		if i >= 2*most {
			fmt.Fprintf(b, "  and %d more\n", len(in.Heartbeats)-i)
			return
		}
		fmt.Fprintf(b, "  %s  %s  %d bytes %s every %.4g s, %d times, %s of gaps steady\n", h.Device, table.Plain(h.Service), h.Payload, h.Dir, h.PeriodS, h.Count, percent(h.Steady))
	}
}

// thousands writes n with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func byteSize(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

func percent(x float64) string { return fmt.Sprintf("%.3g %%", 100*x) }

// longTime writes a duration in the two units that matter.
func longTime(seconds float64) string {
	d := time.Duration(seconds * 1e9)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d d %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d m", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d m %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%.3g s", seconds)
}
