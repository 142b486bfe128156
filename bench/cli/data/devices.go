package data

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/capture/summary"
	"veilbench/datasets/likeness"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// deviceFlags are the flags of "veilbench datasets devices".
type deviceFlags struct {
	seed                        uint64
	lengths, courses, protocols string
	source                      source.Options
	show                        command.Show
}

func devicesCmd(a *command.App) *cobra.Command {
	var f deviceFlags
	cmd := &cobra.Command{
		Use:   "devices DATASET",
		Short: "what the traffic of each device looks like: how much, which protocols and ports, which devices are alike",
		Long: `Devices says of labeled data what HomeMole tells of smart-home traffic before any attack: hours, packets and windows;
the heartbeat of each device; the share of each protocol among smart-home devices and among phones and computers; how many packets are on ports that
several devices use; and how alike devices are, those of one category against those of two. Likeness is of the lengths
of packets (1 less the Jensen-Shannon divergence) and, where events are labeled, of the course of traffic in the 20 s
after one (correlation). What kind of device one is, is read off its name. DATASET is an ID as in "veilbench run
--dataset".`,
		Example: `  veilbench datasets devices home:homemole-noise
  veilbench datasets devices home:homemole-ind:homes=2 --lengths lengths.svg --courses courses.svg
  veilbench datasets devices iot-sentinel=data/iot_sentinel --protocols protocols.pdf`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return devices(cmd.Context(), a, f, args[0]) },
	}

	// Pictures are of one data set, so each has a file of its own and no folder.
	fl := cmd.Flags()
	fl.Uint64Var(&f.seed, "seed", 1, "seed of generated data")
	fl.StringVar(&f.lengths, "lengths", "", "draw how alike the lengths of devices are into this file (.svg, .png, .pdf or .pgf)")
	fl.StringVar(&f.courses, "courses", "", "draw how alike the courses after an event are into this file")
	fl.StringVar(&f.protocols, "protocols", "", "draw the shares of protocols into this file")
	f.show.AddJSON(fl)
	f.source.AddFlags(fl)
	return cmd
}

func devices(ctx context.Context, a *command.App, f deviceFlags, id string) error {
	for _, file := range []string{f.lengths, f.courses, f.protocols} {
		if _, err := formatOf(file); err != nil {
			return err // before data are read
		}
	}
	f.source.Own = a.Datasets
	if err := f.source.Counts(id); err != nil {
		return err
	}
	sets, err := source.Load(ctx, id, f.seed, f.source)
	if err != nil {
		return err
	}
	if len(sets) > 1 && f.lengths+f.courses+f.protocols != "" {
		return fmt.Errorf("%s is %d data sets; name one of them to draw it", id, len(sets))
	}

	for i := range sets {
		s := likeness.Of(&sets[i], likeness.CategoryOf)
		if len(s.Devices) == 0 {
			return fmt.Errorf("%s: no packet has a known device", sets[i].Name)
		}
		ts := []table.Table{sizeTable(&sets[i], s), protocolTable(s), likenessTable(s)}
		if err := a.Tables(table.Text, f.show, ts...); err != nil {
			return err
		}
		err := cmp.Or(
			drawInto(f.lengths, func() figure.Figure { return likenessFigure(s, "Likeness of packet lengths", likeness.Lengths) }),
			drawInto(f.courses, func() figure.Figure {
				return likenessFigure(s, "Likeness of the course after an event", likeness.Courses)
			}),
			drawInto(f.protocols, func() figure.Figure { return protocolFigure(s) }),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// formatOf is the format that the name of a file asks for; "" asks for no file.
func formatOf(file string) (figure.Format, error) {
	if file == "" {
		return "", nil
	}
	format, err := figure.ParseFormat(strings.TrimPrefix(filepath.Ext(file), "."))
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return format, nil
}

func drawInto(file string, pic func() figure.Figure) error {
	format, err := formatOf(file)
	if err != nil || file == "" {
		return err
	}
	return atomicfile.WriteTo(file, func(w io.Writer) error { return pic().Write(w, format, figure.ColumnWidth) })
}

func sizeTable(ds *datasets.Dataset, s likeness.Summary) table.Table {
	t := table.Table{Title: "Devices of " + ds.Name, Columns: table.Columns("category", "device", "#packets", "#share", "#bytes a packet", "heartbeat")}
	for _, d := range s.Devices {
		t.Rows = append(t.Rows, []table.Value{
			table.Word(d.Category), table.Word(d.Name), table.Count(d.Packets), table.Number(float64(d.Packets)/float64(s.Packets), table.Three),
			table.Number(float64(d.Bytes)/float64(d.Packets), table.Amount), heartbeatOf(ds, d.Name),
		})
	}
	t.Notes = []string{
		fmt.Sprintf("%.1f hours, %s packets, %s, %s windows of 100 packets; of what leaves the home, or is radio.",
			s.Seconds/3600, table.Amount(float64(s.Packets)), fmt.Sprintf("%.2f GB", float64(s.Bytes)/1e9), table.Amount(float64(s.Windows))),
		fmt.Sprintf("%.3f of the packets are on remote ports that several devices use; %.3f of those of smart-home devices on ports that phones or computers use.", s.SharedPorts, s.SharedWithOthers),
	}
	return t
}

// heartbeatOf is the most frequent message that a device or its server sends at a
// steady period, in the first recording that has one.
func heartbeatOf(ds *datasets.Dataset, device string) table.Value {
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		t := datasets.Trace{Flows: r.Trace.Flows, End: r.Trace.End}
		for k, p := range r.Trace.Packets {
			if k < len(r.Labels.Owners) && r.Labels.Owners[k] >= 0 && r.Labels.Devices[r.Labels.Owners[k]] == device && r.Trace.Flows[p.Flow].Exposed() {
				t.Packets = append(t.Packets, p)
			}
		}

		// The list is empty for what is sent now and then.
		if beats := summary.Summarize(t).Heartbeats; len(beats) > 0 {
			h := beats[0]
			return table.Word(fmt.Sprintf("%d bytes %s every %.3g s", h.Payload, h.Dir, h.PeriodS))
		}
	}
	return table.Missing()
}

func protocolTable(s likeness.Summary) table.Table {
	t := table.Table{Title: "Protocols, shares of packets", Columns: table.Columns("protocol", "#smart-home devices", "#phones and computers")}
	for _, p := range s.Protocols {
		t.Rows = append(t.Rows, []table.Value{table.Word(p.Name), table.Number(p.Things, table.Three), table.Number(p.Others, table.Three)})
	}
	t.Notes = []string{"What is above TCP or UDP is told by the remote port. HomeMole shows such shares in a picture whose numbers the article does not give."}
	return t
}

// likenessTable is how alike devices of one category are, with the pairs of the
// same one.
func likenessTable(s likeness.Summary) table.Table {
	t := table.Table{Title: "Likeness of devices of one category", Columns: table.Columns("pair", "category", "#lengths", "#course after an event")}
	value := func(v float64, ok bool) table.Value {
		if !ok {
			return table.NotApplicable()
		}
		return table.Number(v, table.Three)
	}
	for i, x := range s.Devices {
		for _, y := range s.Devices[i+1:] {
			if x.Category == y.Category && x.Category != "" {
				t.Rows = append(t.Rows, []table.Value{table.Word(x.Name + ", " + y.Name), table.Word(x.Category), value(likeness.Lengths(x, y)), value(likeness.Courses(x, y))})
			}
		}
	}

	// Means stand below: of pairs of one category, and of two.
	lengths, hasLengths := likeness.Compare(s.Devices, likeness.Lengths)
	courses, hasCourses := likeness.Compare(s.Devices, likeness.Courses)
	t.Rows = append(t.Rows,
		[]table.Value{table.Word("mean of these"), table.Word("one"), value(lengths.Within, hasLengths), value(courses.Within, hasCourses)},
		[]table.Value{table.Word("mean of all others"), table.Word("two"), value(lengths.Across, hasLengths), value(courses.Across, hasCourses)},
		[]table.Value{table.Word("p by dealing categories out anew"), table.Word(""), value(lengths.P, hasLengths), value(courses.P, hasCourses)})
	t.Notes = []string{"Lengths: 1 less the Jensen-Shannon divergence of classes of 16 bytes, 1 for equal, 0 for nothing in common. Course: correlation of the logarithms of bytes by second in the 20 s after an event, up and down. What kind a device is, is read off its name; phones and computers are left out. p says how often so large a difference comes by chance."}
	return t
}

func likenessFigure(s likeness.Summary, title string, like func(a, b likeness.Device) (float64, bool)) figure.Figure {
	h := figure.HeatMap{Scale: "likeness", Small: len(s.Devices) > 16}
	for _, x := range s.Devices {
		h.Rows, h.Cols = append(h.Rows, x.Name), append(h.Cols, x.Name)
		var row []figure.HeatCell
		for _, y := range s.Devices {
			v, ok := like(x, y)
			c := figure.HeatCell{Share: min(max(v, 0), 1), OK: ok}
			if ok {
				c.Text = table.Short(v)
			}
			row = append(row, c)
		}
		h.Cells = append(h.Cells, row)
	}
	return h.Figure(title, "Devices by category, as in the table.")
}

func protocolFigure(s likeness.Summary) figure.Figure {
	b := figure.Bars{Keys: []string{"smart-home devices", "phones and computers"}, XName: "share of packets", Series: make([][]figure.Bar, 2)}
	for _, p := range s.Protocols {
		b.Groups = append(b.Groups, p.Name)
		b.Series[0] = append(b.Series[0], figure.Bar{Share: p.Things, OK: true})
		b.Series[1] = append(b.Series[1], figure.Bar{Share: p.Others, OK: true})
	}
	return b.Figure("Protocols of smart-home devices and of phones and computers", "Shares of packets.")
}
