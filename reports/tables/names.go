package tables

import (
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Names lists the host names that an observer sees each device talk to, in the
// manner of "A Smart Home is No Castle", figure 1, and which of them each
// defense leaves visible.
var Names = reports.TableKind{
	Name: "names", Doc: "host names that each device is seen to talk to",
	Draw: func(s *reports.Set) []table.Table {
		var out []table.Table
		done := map[string]bool{} // panels of other tasks see the same names
		for _, p := range s.Panels {
			key := p.Dataset + " " + string(p.Vantage)
			if done[key] {
				continue
			}
			if t := nameTable(s, p); len(t.Rows) > 0 {
				done[key] = true
				out = append(out, t)
			}
		}
		return out
	},
}

func nameTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{
		Title:   fmt.Sprintf("Names that devices talk to: %s, seen %s", s.DataName(p.Dataset), reports.WhereName(p.Vantage)),
		Columns: table.Columns("device", "host name"),
	}
	ds := s.Sampled(p)
	type sight struct{ device, host, defense string }
	visible, asked := map[sight]bool{}, map[sight]bool{}
	hosts := map[string][]string{} // by device: names behind any defense
	var devices []string
	recording := ""
	for _, d := range ds {
		t.Columns = append(t.Columns, table.Column{Head: s.DefenseLabel(d)})
		for _, n := range s.Sample(reports.Subject{Panel: p, Defense: d}).Names {
			devices = append(devices, n.Device)
			hosts[n.Device] = append(hosts[n.Device], n.Hosts...)
			recording = n.Recording
			hosts[n.Device] = append(hosts[n.Device], n.Asked...)
			for _, h := range n.Hosts {
				visible[sight{n.Device, h, d}] = true
			}
			for _, h := range n.Asked {
				asked[sight{n.Device, h, d}] = true
			}
		}
	}

	// What a paper saw and nobody does here is a row, too.
	quoted := publishedNames(s, devices)
	for dev, names := range quoted {
		hosts[dev] = append(hosts[dev], names...)
	}
	if len(quoted) > 0 {
		t.Columns = slices.Insert(t.Columns, 2, table.Column{Head: "published"})
	}

	for _, dev := range reports.Distinct(devices) {
		for _, host := range reports.Distinct(hosts[dev]) {
			row := []table.Value{table.Word(dev), table.Word(host)}
			if len(quoted) > 0 {
				row = append(row, wordIf(slices.Contains(quoted[dev], host), "yes"))
			}
			for _, d := range ds {
				switch at := (sight{dev, host, d}); {
				case visible[at] && asked[at]:
					row = append(row, table.Word("seen, asked for"))
				case asked[at]:
					row = append(row, table.Word("asked for"))
				default:
					row = append(row, wordIf(visible[at], "seen"))
				}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	more := ""
	if len(asked) > 0 {
		more = " Asked for are names that the device looks up, seen those that it talks to."
	}
	t.Notes = append([]string{fmt.Sprintf("Of %s; by DNS or TLS. – is hidden there.%s", recording, more)}, s.Stamps(p)...)
	t.Notes = append(t.Notes, s.IDNotes(ds, nil)...)
	return t
}

// wordIf is word, or missing.
func wordIf(is bool, word string) table.Value {
	if is {
		return table.Word(word)
	}
	return table.Missing()
}

// publishedNames are the names that papers saw some of the devices look up.
func publishedNames(s *reports.Set, devices []string) map[string][]string {
	out := map[string][]string{}
	for _, q := range s.Options.Published {
		if q.Metric == results.NamesSeen && slices.Contains(devices, q.Class) {
			out[q.Class] = append(out[q.Class], q.Names...)
		}
	}
	return out
}
