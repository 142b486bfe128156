package results

// Bound is what the vectors of one feature set say about any attacker who uses
// them, whatever it learns: how often the nearest training vector under the
// same defense, of another draw, is of another class, and how much each
// feature tells of the class. stats.BayesBound makes a bound of Wrong / Tested.
type Bound struct {
	Set string `json:"set"`
	// Train and Tested vectors were compared, drawn from the TrainOf and
	// TestOf that there are.
	Train   int `json:"train"`
	TrainOf int `json:"train_of"`
	Tested  int `json:"tested"`
	TestOf  int `json:"test_of"`
	// Wrong of Tested have a nearest neighbor of another class.
	Wrong int `json:"wrong"`
	// Classes is how many occur in the vectors compared.
	Classes int `json:"classes"`
	// ClassBits is the entropy of the class among training vectors.
	ClassBits float64 `json:"class_bits"`
	// ChanceBits is the most that a feature of the set tells of shuffled
	// classes: less than that is noise.
	ChanceBits float64 `json:"chance_bits"`
	// Features are those that tell something, in the order of the vector.
	Features []FeatureBits `json:"features,omitempty"`
}

// FeatureBits is the mutual information of a feature and the class.
type FeatureBits struct {
	Name string  `json:"name"`
	Bits float64 `json:"bits"`
}
