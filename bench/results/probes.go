package results

// Verdict is the outcome of one probe or one check of the harness by itself.
type Verdict struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail is what was found, in figures.
	Detail string `json:"detail"`
}

// Probes is what the probes of a run found.
type Probes struct {
	Verdicts []Verdict    `json:"verdicts"`
	Shifts   []ShiftCurve `json:"label_shift,omitempty"`
}

// ShiftCurve is the headline score of one cell against a shift of its labels.
type ShiftCurve struct {
	Cell Cell `json:"cell"`
	// Unit is what labels are shifted by: s, packets or clips.
	Unit  string  `json:"unit"`
	Floor float64 `json:"floor"`
	// Points are in order of By; one of them is at 0.
	Points []ShiftPoint `json:"points"`
}

// ShiftPoint is one point of a ShiftCurve.
type ShiftPoint struct {
	By    float64 `json:"by"`
	Score float64 `json:"score"`
}

// probesFile lies in the folder of a run.
const probesFile = "probes.json"

// WriteProbes keeps p in the folder of a run; nil takes away those of an
// earlier run there.
func WriteProbes(dir string, p *Probes) error {
	return writeRunFile(dir, probesFile, p, p == nil)
}

// ReadProbes reads the probes of a run's folder, nil when it made none.
func ReadProbes(dir string) (*Probes, error) {
	p := &Probes{}
	if found, err := readRunFile(dir, probesFile, p); !found {
		return nil, err
	}
	return p, nil
}
