package captures

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/defenses"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// plotFormat refuses file names that no picture can have; "" is no picture.
func plotFormat(file string) error {
	switch filepath.Ext(file) {
	case ".svg", ".png", ".pdf":
		return nil
	}
	if file == "" {
		return nil
	}
	return fmt.Errorf("--plot %s: want a file that ends in .svg, .png or .pdf", file)
}

// plotBeforeAfter draws every packet by time and size and, below, the rate over
// time, of a trace and of what leaves instead. What is sent is above the axis.
// Before and after have the same scales. Only what leaves the home is drawn, unless
// nothing does.
func plotBeforeAfter(file, title string, in datasets.Trace, out defenses.Defended) error {
	// Both have the time of the longer of the two, so that they can be compared by eye.
	keep := leaving(in.Flows)
	end := max(in.End, out.Trace.End)
	packets := figure.Sequences{Tall: true}
	rates := figure.Rates{To: end, NoMarks: true}
	for k, d := range []defenses.Defended{{Trace: in}, out} {
		name := []string{"before", "after " + title}[k]
		l := figure.Lane{Title: name, Note: count(d.Trace, keep), Packets: thinned(d, keep, end)}
		packets.Lanes, rates.Panels = append(packets.Lanes, l), append(rates.Panels, ratePanel(name, d.Trace, keep, binWidth(end)))
	}

	what := "before and after " + title
	upper := packets.Figure("Packets "+what, "")
	upper.About = []string{"packets by time and length"}
	lower := rates.Figure("Rates "+what, "")
	lower.About = []string{"rates in bins of " + table.Seconds(binWidth(end).Seconds()) + ", the highest of each column"}
	caption := "Every packet by time and length in bytes of IP, and the rates, on the same scales before and after; sent above the line, received below it. Packets that carry nothing original are cover."
	return savePlot(file, figure.Stack("Packets and rates "+what, caption, upper, lower))
}

// leaving tells which packets to draw: those on flows that leave the home, all
// if no flow does. Flows of dummy packets come after the ones in flows.
func leaving(flows []datasets.Flow) func(t datasets.Trace, p datasets.Packet) bool {
	all := true
	for _, f := range flows {
		all = all && f.LAN
	}
	return func(t datasets.Trace, p datasets.Packet) bool { return all || !t.Flows[p.Flow].LAN }
}

// count describes the packets that are drawn.
func count(t datasets.Trace, keep func(datasets.Trace, datasets.Packet) bool) string {
	// Bytes are of IP, as in the ledger: headers of links differ.
	n, inside, bytes := 0, 0, 0.0
	for _, p := range t.Packets {
		if keep(t, p) {
			n++
			bytes += float64(p.Size - datasets.EthernetHeader)
		} else {
			inside++
		}
	}

	unit := "bytes"
	for _, u := range []string{"kB", "MB", "GB"} {
		if bytes >= 1000 {
			bytes, unit = bytes/1000, u
		}
	}

	text := fmt.Sprintf("%s packets, %.3g %s", table.Amount(float64(n)), bytes, unit)
	if inside > 0 {
		text += fmt.Sprintf(" (%s that stay inside not drawn)", table.Amount(float64(inside)))
	}
	return text
}

// binWidth is a round width that gives at most 300 bins.
func binWidth(end time.Duration) time.Duration {
	for _, w := range []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
		5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	} {
		if end/w < 300 {
			return w
		}
	}
	return end/300 + 1
}

// thinned are the packets to draw: of those that would stand in the same column of
// the picture, the largest of each kind and direction. A day has millions of packets,
// and each would be an element of its own in an SVG file.
func thinned(d defenses.Defended, keep func(datasets.Trace, datasets.Packet) bool, end time.Duration) []figure.Packet {
	const columns = 900
	type place struct {
		column int
		dir    datasets.Dir
		kind   figure.PacketKind
	}
	at := map[place]int{}
	var out []figure.Packet

	for i, p := range d.Trace.Packets {
		if !keep(d.Trace, p) {
			continue
		}

		// A packet that carries no original is a dummy packet.
		kind := figure.Original
		if d.Carried != nil && d.Carried.First[i] == d.Carried.First[i+1] {
			kind = figure.Cover
		}
		size := p.Size - datasets.EthernetHeader
		if p.Dir == datasets.Down {
			size = -size
		}

		k := place{int(float64(p.Time) / max(float64(end), 1) * columns), p.Dir, kind}
		j, ok := at[k]
		switch {
		case !ok:
			at[k] = len(out)
			out = append(out, figure.Packet{Seconds: p.Time.Seconds(), Size: size, Kind: kind})
		case max(size, -size) > max(out[j].Size, -out[j].Size):
			out[j].Size = size
		}
	}
	return out
}

// ratePanel is bytes of IP per second of a trace in bins of a width.
func ratePanel(title string, t datasets.Trace, keep func(datasets.Trace, datasets.Packet) bool, width time.Duration) figure.RatePanel {
	n := int(t.End/width) + 1
	sums := [2][]float64{make([]float64, n), make([]float64, n)}
	for _, p := range t.Packets {
		if keep(t, p) {
			bin := p.Time / width
			// The last bin ends with the trace, but not so soon that one packet in it
			// would be the highest rate of all.
			length := max(min(width, t.End-bin*width), width/100)
			sums[p.Dir][bin] += float64(p.Size-datasets.EthernetHeader) / length.Seconds()
		}
	}
	return figure.RatePanel{Title: title, Bin: width, Up: sums[datasets.Up], Down: sums[datasets.Down]}
}

// plotRate draws bytes per second over time.
func plotRate(file, title string, t datasets.Trace) error {
	all := func(datasets.Trace, datasets.Packet) bool { return true }
	p := ratePanel(filepath.Base(title), t, all, binWidth(t.End))
	p.Note = count(t, all)
	f := figure.Rates{To: t.End, NoMarks: true, Panels: []figure.RatePanel{p}}.Figure("Rate of "+filepath.Base(title), "Bytes of IP per second, sent above the axis and received below it.")
	f.About = []string{"rate in bins of " + table.Seconds(binWidth(t.End).Seconds()) + ", the highest of each column"}
	return savePlot(file, f)
}

// savePlot writes a picture as wide as a page.
func savePlot(file string, f figure.Figure) error {
	return atomicfile.WriteTo(file, func(w io.Writer) error {
		return f.Write(w, figure.Format(filepath.Ext(file)[1:]), figure.PageWidth)
	})
}
