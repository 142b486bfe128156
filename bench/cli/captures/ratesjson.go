package captures

import "veilbench/reports/figure"

// drawn is what --json prints of a picture.
type drawn struct {
	Wrote  string  `json:"wrote"`
	Device string  `json:"device"`
	Panels []panel `json:"panels"`
}

// panel is what is seen of the device without a defense or behind one. Truth and Found
// are in seconds from the start of the recording.
type panel struct {
	Defense string `json:"defense"`
	Title   string `json:"title"`
	Note    string `json:"note"`
	Truth   []mark `json:"truth"`
	Found   []mark `json:"found"`
}

type mark struct {
	StartS   float64 `json:"start_s"`
	EndS     float64 `json:"end_s"`
	Activity string  `json:"activity"`
}

// panelOf is what a panel of a picture shows.
func panelOf(defense string, p figure.RatePanel) panel {
	list := func(ms []figure.RateMark) []mark {
		out := []mark{}
		for _, m := range ms {
			out = append(out, mark{m.Start.Seconds(), m.End.Seconds(), m.Class})
		}
		return out
	}
	return panel{defense, p.Title, p.Note, list(p.True), list(p.Found)}
}
