package signatures

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"veilbench/attacks/match"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// method is a row of table 5.
type method struct {
	name, attack   string
	clips          bool // answers for clips, as the authors' files are
	says, accuracy string
}

// methodsOf are the methods that the article compares, as it says of them.
func methodsOf() []method {
	return []method{
		{"IoTEvent", "event-knn", true, "TCP, UDP, TLS, MQTT", "0.99 (accuracy)"},
		{"PingPong as published", "signatures:udp=false", false, "TCP only", "0.97 (recall)"},
		{"PingPong with UDP (ours)", "signatures", false, "", ""},
		{"A Smart Home is No Castle", "rates", false, "any", "names no event"},
	}
}

// methods is table 5.
func (p *paper) methods() ([]table.Table, error) {
	t := table.Table{
		Title: "Table 5: methods",
		Columns: table.Columns("method", "data", "range, published", "#recall TLS", "#own over TCP", "#own over UDP", "#recall", "#precision", "#accuracy (4)", "#its floor", "published",
			"#training, s", "#detecting, s a million packets", "#peak memory, MB", "#storage, kB"),
	}

	// A method that cannot answer for clips has a row all the same: that it is not
	// there for want of a number would be taken for an oversight.
	for _, m := range methodsOf() {
		switch {
		case len(p.authors) == 0:
		case m.clips:
			x, err := p.onAuthors(m.attack + ":k=1")
			if err != nil {
				return nil, err
			}
			t.Rows = append(t.Rows, p.methodRow(m, fromAuthors, x))
		default:
			r := words(m.name, fromAuthors, m.says)
			for len(r) < len(t.Columns) {
				r = append(r, table.NotApplicable())
			}
			t.Rows = append(t.Rows, r)
		}
	}
	for i := range p.divided {
		for _, m := range methodsOf() {
			x, err := p.onHomes(m.attack, &p.divided[i])
			if err != nil {
				return nil, err
			}
			t.Rows = append(t.Rows, p.methodRow(m, p.homesSource(&p.divided[i]), x))
		}
	}
	t.Notes = append([]string{
		"Range, published: section 4.3 of the article. Recall by the protocol of the device's cloud: TLS, the platform's own over TCP, the platform's own over UDP; the authors' files do not tell protocols. n/a: the method looks for events in traffic, and the authors' files are cut into clips.",
		"Accuracy (4): (TP + TN) / all bursts, heartbeats among them, with what calling all of them heartbeats gives as its floor. Of IoTEvent's figures in its table 5 the stored text has the two accuracies; of time, memory and storage it says that IoTEvent takes more of the first two than PingPong, and the rate method more of the third.",
		"Time and memory: measured now, on this machine; peak memory is the heap beyond what the data take, while training. Storage: the signature file, for rates, which has none, the model in memory.",
	}, p.notes()...)
	if p.vantage == datasets.WiFi {
		t.Notes = append([]string{"On Wi-Fi nobody sees which protocol a frame holds: PingPong as published looks at all of them."}, t.Notes...)
	}
	return []table.Table{t}, nil
}

func (p *paper) methodRow(m method, src string, x measured) []table.Value {
	by := tallies(x.items, func(class string) string { return rangeOf(p.channelOf(match.ByDevice(class)).protocol) })
	all := tallies(x.items, func(string) string { return "all" })["all"]
	row := words(m.name, src, m.says)
	for _, k := range []string{"TLS", "TCP", "UDP"} {
		if u := by[k]; u.events > 0 {
			row = append(row, table.Number(u.recall(), table.Score))
		} else {
			row = append(row, table.Missing())
		}
	}

	// A model has either a file or a size.
	published := table.Word(m.accuracy)
	return append(row,
		table.Number(all.recall(), table.Score), table.Number(all.precision(), table.Score),
		numberOrMissing(x.metric(results.BurstAccuracy), table.Score), numberOrMissing(x.metric(results.BurstFloor), table.Score), published,
		table.Number(x.train.Seconds(), table.Ratio), table.Number(x.guess.Seconds()*1e6/float64(max(x.packets, 1)), table.Ratio),
		table.Number(float64(x.peak)/1e6, table.Ratio), table.Number(float64(max(x.file, x.model))/1e3, table.Ratio))
}

// rangeOf is the column of table 5 that a protocol belongs to.
func rangeOf(protocol string) string {
	for _, k := range []string{"TLS", "TCP", "UDP"} {
		if strings.HasPrefix(protocol, k) {
			return k
		}
	}
	return ""
}

// platforms is what leaks by platform and protocol, of which section 5.1 says that
// protocols of a platform's own leak more.
func (p *paper) platforms() ([]table.Table, error) {
	t := table.Table{Title: "What leaks by platform and protocol, by event-knn", Columns: table.Columns("data", "platform", "protocol", "#devices", "#events", "#recall", "#precision")}

	// A false name counts where the name belongs: it is that device which seems to
	// do more than it did.
	add := func(src string, items []results.Item, of func(device string) channel) {
		devices := map[string]map[string]bool{}
		key := func(class string) string {
			d := match.ByDevice(class)
			c := of(d)
			if c.platform == "" {
				return ""
			}
			k := c.platform + "\t" + c.protocol
			if devices[k] == nil {
				devices[k] = map[string]bool{}
			}
			devices[k][d] = true
			return k
		}
		by := tallies(items, key)
		for _, k := range sortedKeys(by) {
			platform, protocol, _ := strings.Cut(k, "\t")
			t.Rows = append(t.Rows, append(words(src, platform, protocol), table.Count(len(devices[k])), table.Count(by[k].events),
				table.Number(by[k].recall(), table.Score), table.Number(by[k].precision(), table.Score)))
		}
	}

	if len(p.authors) > 0 {
		m, err := p.onAuthors("event-knn:k=1")
		if err != nil {
			return nil, err
		}
		add(fromAuthors, m.items, func(device string) channel {
			for _, r := range authorsDevices() {
				if r.file == device {
					return channel{r.platform, "–", ""}
				}
			}
			return channel{}
		})
	}
	for i := range p.divided {
		src := p.homesSource(&p.divided[i])
		m, err := p.onHomes("event-knn", &p.divided[i])
		if err != nil {
			return nil, err
		}
		add(src, m.items, p.channelOf)
		by := tallies(m.items, func(class string) string { return ownOrNot(p.channelOf(match.ByDevice(class)).protocol) })
		for _, k := range sortedKeys(by) {
			t.Rows = append(t.Rows, append(words(src, "(all)", k), table.Missing(), table.Count(by[k].events), table.Number(by[k].recall(), table.Score), table.Number(by[k].precision(), table.Score)))
		}
	}
	t.Notes = append([]string{"Section 5.1 of the article: devices with a protocol of the platform's own leak with a high probability. The authors' files do not tell protocols."}, p.notes()...)
	return []table.Table{t}, nil
}

// ownOrNot says whether a protocol is one of the platform's own, "" where nobody
// knows.
func ownOrNot(protocol string) string {
	switch {
	case strings.Contains(protocol, "own"):
		return "protocols of the platform's own"
	case rangeOf(protocol) != "":
		return "TLS"
	}
	return ""
}

// figureKs are the numbers of neighbors of figure 5; those of the article are lost.
var figureKs = []int{1, 3, 5, 7, 9, 15}

// figure5 is the average precision over devices against k, as a table and, if
// asked for, as a picture.
func (p *paper) figure5() ([]table.Table, error) {
	t := table.Table{Title: "Figure 5: average precision against k, by event-knn", Columns: table.Columns("#k")}
	var names []string
	var of []func(k int) (measured, error)
	if len(p.authors) > 0 {
		names = append(names, fromAuthors)
		of = append(of, func(k int) (measured, error) { return p.onAuthors("event-knn:k=" + strconv.Itoa(k)) })
	}
	for i := range p.divided {
		d := &p.divided[i]
		names = append(names, p.homesSource(d))
		of = append(of, func(k int) (measured, error) { return p.onHomes("event-knn:gap_s=1,k="+strconv.Itoa(k), d) })
	}

	// An even k would leave more to the rule for ties than to the neighbors, so
	// there is none.
	lines := make([][]figure.Point, len(of))
	var xs []float64
	for _, n := range names {
		t.Columns = append(t.Columns, table.Column{Head: n, Num: true})
	}
	for _, k := range figureKs {
		xs = append(xs, float64(k))
		row := []table.Value{table.Count(k)}
		for i := range of {
			m, err := of[i](k)
			if err != nil {
				return nil, err
			}
			v := meanPrecision(m.items)
			row = append(row, table.Number(v, table.Score))
			lines[i] = append(lines[i], figure.Point{X: float64(k), Y: v})
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append([]string{"Mean over devices of the share of what was named that is right; a device of which nothing was named is left out. Generated: gap 1 s, so that k alone differs. The points of the article's figure are lost in the stored text."}, p.notes()...)
	if p.flags.plot == "" {
		return []table.Table{t}, nil
	}
	l := figure.Lines{X: figure.ValuesAxis("neighbors k", xs), YName: "average precision", Names: names, Series: lines, Marks: true}
	return []table.Table{t}, p.draw(l.Figure("Average precision against k", strings.Join(t.Notes, " ")))
}

// meanPrecision is the mean over devices of which something was named.
func meanPrecision(items []results.Item) float64 {
	by := tallies(items, match.ByDevice)
	sum, n := 0.0, 0.0
	for _, k := range sortedKeys(by) {
		if by[k].named > 0 {
			sum, n = sum+by[k].precision(), n+1
		}
	}
	return results.Ratio(sum, n)
}

// draw writes a figure into the file of --plot.
func (p *paper) draw(f figure.Figure) error {
	ending := strings.TrimPrefix(filepath.Ext(p.flags.plot), ".")
	format, err := figure.ParseFormat(ending)
	if err != nil {
		return fmt.Errorf("--plot %s: %w", p.flags.plot, err)
	}
	out, err := os.Create(p.flags.plot)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := f.Write(out, format, figure.ColumnWidth); err != nil {
		return err
	}
	return out.Close()
}
