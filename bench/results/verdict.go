package results

// Verdict is the outcome of one self-check.
type Verdict struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail is what was found, in figures.
	Detail string `json:"detail"`
}
