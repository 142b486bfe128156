package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gonum.org/v1/plot"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/summary"
)

type inspectFlags struct {
	capture captureFlags
	json    bool
	plot    string
	all     bool
}

func (a *app) inspectCmd() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "what is in a capture: times, devices, services, names, heartbeats, what was skipped and why",
		Long: `inspect says what is in a capture (pcap or pcapng, plain or compressed by gzip
or zstd; "-" is standard input): how long it is, which devices are in it and
what they talk to, which names they use, which messages recur at a steady
period, and which packets were skipped and why.`,
		Example: `  veilbench inspect plug.pcap
  veilbench inspect --json plug.pcap.gz
  veilbench inspect --plot rate.svg plug.pcap
  zcat plug.pcap.gz | veilbench inspect -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.inspect(cmd.Context(), args[0], f) },
	}
	f.capture.flags(cmd.Flags())
	cmd.Flags().BoolVar(&f.json, "json", false, "print everything as JSON")
	cmd.Flags().StringVar(&f.plot, "plot", "", "draw the rate over time into this file (.svg, .png or .pdf)")
	cmd.Flags().BoolVar(&f.all, "all", false, "list every device, service and name, not only the largest")
	return cmd
}

// inspection is what --json prints.
type inspection struct {
	capture.Report
	summary.Summary
}

func (a *app) inspect(ctx context.Context, path string, f inspectFlags) error {
	if err := plotFormat(f.plot); err != nil {
		return err
	}
	o, err := f.capture.options()
	if err != nil {
		return err
	}
	t, rep, err := a.openCapture(ctx, path, o)
	if err != nil {
		return err
	}
	in := inspection{*rep, summary.Summarize(t)}
	if f.plot != "" {
		if err := plotRate(f.plot, in.File, t); err != nil {
			return err
		}
	}
	if f.json {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(in)
	}
	most := 5
	if f.all {
		most = 1 << 30
	}
	var b strings.Builder
	in.head(&b)
	in.devices(&b, most)
	in.rest(&b, most)
	if f.plot != "" {
		fmt.Fprintf(&b, "wrote %s\n", f.plot)
	}
	_, err = io.WriteString(a.stdout, b.String())
	return err
}

// openCapture reads a capture by its path; "-" is standard input.
func (a *app) openCapture(ctx context.Context, path string, o capture.Options) (datasets.Trace, *capture.Report, error) {
	if path == "-" {
		return capture.Read(ctx, a.stdin, "standard input", o)
	}
	return capture.Open(ctx, path, o)
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
	fmt.Fprintf(b, "%s  %s, %s, %s, %s packets, %s, %s, %s skipped\n", in.File, format, in.Resolution, strings.Join(links, " and "),
		thousands(in.Report.Packets), longTime(in.DurationS), byteSize(in.WireBytes), thousands(in.Skipped))
	if !in.Start.IsZero() {
		fmt.Fprintf(b, "from %s to %s\n", in.Start.Format(time.RFC3339), in.Start.Add(time.Duration(in.DurationS*1e9)).Format(time.RFC3339))
	}
	if in.Snapped > 0 {
		fmt.Fprintf(b, "%s packets are captured in part; lengths come from their headers\n", thousands(in.Snapped))
	}
	for _, c := range in.Reasons {
		fmt.Fprintf(b, "skipped %s: %s\n", thousands(c.Count), c.What)
	}
	for _, w := range in.Warnings {
		fmt.Fprintf(b, "warning: %s\n", w)
	}
	fmt.Fprintf(b, "%s flows (%s inside the home), %s up, %s down\n", thousands(in.Flows), thousands(in.LANFlows), byteSize(in.BytesUp), byteSize(in.BytesDown))
}

func (in *inspection) devices(b *strings.Builder, most int) {
	for i, d := range in.Devices {
		if i >= 2*most {
			fmt.Fprintf(b, "and %d more devices (--all lists them)\n", len(in.Devices)-i)
			break
		}
		who := strings.Join(d.Addresses[:min(len(d.Addresses), 3)], ", ")
		switch {
		case who == "":
			who = d.Link
		case d.Link != "":
			who += " (" + d.Link + ")"
		}
		fmt.Fprintf(b, "device %s  %s packets, %s up, %s down\n", who, thousands(d.Packets), byteSize(d.BytesUp), byteSize(d.BytesDown))
		shares(b, "  ", d.Services, most, " of bytes")
	}
}

func shares(b *strings.Builder, indent string, list []summary.Share, most int, of string) {
	for i, s := range list {
		if i >= most {
			fmt.Fprintf(b, "%sand %d more\n", indent, len(list)-i)
			return
		}
		fmt.Fprintf(b, "%s%s  %s%s, %s packets\n", indent, s.Name, percent(s.Share), of, thousands(s.Packets))
	}
}

// rest writes protocols, names and heartbeats.
func (in *inspection) rest(b *strings.Builder, most int) {
	if len(in.Protocols) > 0 {
		fmt.Fprintln(b, "protocols")
		shares(b, "  ", in.Protocols, most, " of bytes")
	}
	if len(in.Names) > 0 {
		fmt.Fprintln(b, "names")
		shares(b, "  ", in.Names, most, " of bytes")
	}
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
		fmt.Fprintf(b, "  %s  %s  %d bytes %s every %.4g s, %d times, %s of gaps steady\n", h.Device, h.Service, h.Payload, h.Dir, h.PeriodS, h.Count, percent(h.Steady))
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

// plotRate draws bytes per second over time.
func plotRate(file, title string, t datasets.Trace) error {
	scale, unit := timeScale(t.End)
	width := binWidth(t.End)
	all := func(datasets.Trace, datasets.Packet) bool { return true }
	p, low, high, err := ratePlot(t, all, width, scale)
	if err != nil {
		return err
	}
	p.Title.Text = title
	p.X.Label.Text = "time (" + unit + ")"
	p.Y.Label.Text = fmt.Sprintf("bytes/s, up above and down below (bins of %v)", width)
	p.X.Min, p.X.Max = 0, max(float64(t.End)/scale, 1e-9)
	p.Y.Min, p.Y.Max = low*1.05, max(high*1.05, 1)
	return savePlots(file, [][]*plot.Plot{{p}})
}
