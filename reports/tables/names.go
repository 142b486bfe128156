package tables

import (
	"fmt"

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
		Title:   fmt.Sprintf("Names that devices talk to: %s, seen %s", p.Dataset, reports.WhereName(p.Vantage)),
		Columns: table.Columns("device", "host name"),
	}
	ds := s.Sampled(p)
	type sight struct{ device, host, defense string }
	visible := map[sight]bool{}
	hosts := map[string][]string{} // by device: names behind any defense
	var devices []string
	recording := ""
	for _, d := range ds {
		t.Columns = append(t.Columns, table.Column{Head: s.DefenseLabel(d)})
		for _, n := range s.Sample(reports.Subject{Panel: p, Defense: d}).Names {
			devices = append(devices, n.Device)
			hosts[n.Device] = append(hosts[n.Device], n.Hosts...)
			recording = n.Recording
			for _, h := range n.Hosts {
				visible[sight{n.Device, h, d}] = true
			}
		}
	}

	for _, dev := range reports.Distinct(devices) {
		for _, host := range reports.Distinct(hosts[dev]) {
			row := []table.Value{table.Word(dev), table.Word(host)}
			for _, d := range ds {
				if visible[sight{dev, host, d}] {
					row = append(row, table.Word("seen"))
				} else {
					row = append(row, table.Missing())
				}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = append([]string{fmt.Sprintf("Of %s; by DNS or TLS. – is hidden there.", recording)}, s.Stamps(p)...)
	t.Notes = append(t.Notes, s.IDNotes(ds, nil)...)
	return t
}
