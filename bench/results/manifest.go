package results

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Captured is a real device as the user named it: what was captured after it, and
// how that goes with what was captured before.
type Captured struct {
	Name    string `json:"name"`
	After   string `json:"after"`
	Pairing string `json:"pairing"`
	// OneClock says that one machine captured both sides.
	OneClock bool `json:"one_clock,omitempty"`
}

// Manifest says what must be known to get the same bytes again. It lies in the
// folder of a run and holds no time, path of the machine or host name.
type Manifest struct {
	// Version of the program and of Go; Method of the methods.
	Version string `json:"version"`
	Go      string `json:"go"`
	Method  int    `json:"method"`
	// Arch and Kernel are the processor's kind: floating-point sums of the
	// window classifiers are the same bytes within one kernel class.
	Arch   string `json:"arch"`
	Kernel string `json:"kernel"`
	// Data are the data sets as they were asked for, with their digests.
	Data []DataEntry `json:"data"`
	// Test is the data set, as it was asked for, that all of Data were tested on;
	// each name in Data then has its name behind it. "" is what is usual.
	Test      string             `json:"test,omitempty"`
	Tasks     []datasets.Task    `json:"tasks,omitempty"`
	Vantages  []datasets.Vantage `json:"vantages,omitempty"`
	Defenses  []string           `json:"defenses"`
	Attacks   []string           `json:"attacks"`
	Knowledge []Knowledge        `json:"knowledge,omitempty"`
	Split     datasets.Split     `json:"split,omitempty"`
	Draws     int                `json:"draws"`
	TrainDraw int                `json:"train_draws"`
	Seed      uint64             `json:"seed"`
	Link      LinkSettings       `json:"link"`
	// Canaries is set where planted cells are part of the run: without them no low
	// score is evidence for a defense.
	Canaries bool `json:"canaries"`
	// Labels are the short names of defenses and attacks by ID, Builds the digests
	// of the programs that plug-ins of other modules are part of.
	Labels map[string]string `json:"labels,omitempty"`
	Builds map[string]string `json:"builds,omitempty"`
	// Programs are the plug-ins that are programs of their own, by ID; a stage of a
	// chain by the ID of the stage.
	Programs map[string]Program `json:"programs,omitempty"`
	// Captured are the defenses that are captures of a real device.
	Captured []Captured `json:"captured,omitempty"`
	// Zeros says what 0 stands for where it is no number of an attack's parameter,
	// by ZeroKey.
	Zeros map[string]string `json:"zeros,omitempty"`

	// Doubts are what is doubtful about the data sets, each from where it was
	// looked at. DespiteDoubts says that the user had results made that they spoil.
	Doubts        []DataDoubts `json:"doubts,omitempty"`
	DespiteDoubts bool         `json:"despite_doubts,omitempty"`
}

// Program is a plug-in that is a program of its own: the command that starts it, the
// parameters that it is given, and the digests (SHA-256) of its files.
type Program struct {
	Command []string          `json:"command"`
	Params  map[string]string `json:"params,omitempty"`
	Files   map[string]string `json:"files"`
}

// WaversWarning is the warning about a program, by its name, that answered otherwise
// when it was asked again.
func WaversWarning(name string) string {
	return "nondeterministic: " + name + " answers otherwise when it is asked again"
}

// Wavers says whether r has that warning about a stage of a defense, or an attack, of
// that ID.
func Wavers(r Result, id string) bool {
	return slices.ContainsFunc(strings.Split(id, "+"), func(stage string) bool {
		name, _, _ := params.Cut(stage)
		return slices.Contains(r.Warnings, WaversWarning(name))
	})
}

// DataDoubts are what is doubtful about one data set, seen from one vantage.
type DataDoubts struct {
	Dataset string           `json:"dataset"`
	Vantage datasets.Vantage `json:"vantage"`
	Doubts  []datasets.Doubt `json:"doubts"`
}

// ZeroKey names a parameter of an attack, given without its parameters.
func ZeroKey(attack, param string) string { return attack + ":" + param }

// LinkSettings is the home's line to the Internet: rates in 10^6 bit/s, 0 for
// no limit, and whether replies waited for delayed requests.
type LinkSettings struct {
	UpMbitS    float64
	DownMbitS  float64
	ClosedLoop bool
}

// DataEntry is one data set of a manifest.
type DataEntry struct {
	// Asked is what the user wrote; one request may give several data sets.
	Asked  string `json:"asked,omitempty"`
	Name   string `json:"name"`
	Source string `json:"source,omitempty"`
	Digest string `json:"digest"`
	// Tasks are those that it was used for, under Split.
	Tasks []datasets.Task `json:"tasks"`
	Split datasets.Split  `json:"split,omitempty"`
	// Preset and Settings say how generated data was made, as in
	// datasets.Dataset; reports draw studies of settings from them.
	Preset   string             `json:"preset,omitempty"`
	Settings []datasets.Setting `json:"settings,omitempty"`
	// Question names the task of one's own that made the data set, "" for none.
	Question string `json:"question,omitempty"`
	// Unmonitored are devices left out of training: an open world.
	Unmonitored []string `json:"unmonitored,omitempty"`
	// Size is how much data it is, as recorded: no view of it, and no defense. nil in
	// manifests of earlier versions.
	Size *DataSize `json:"size,omitempty"`
}

// manifestFile lies in the folder of a run.
// DataSize counts what is in a data set. Bytes are those of frames, and Windows
// are of 100 consecutive packets of a recording, its last one too.
type DataSize struct {
	Seconds float64 `json:"seconds"`
	Packets int64   `json:"packets"`
	Bytes   int64   `json:"bytes"`
	Windows int64   `json:"windows"`
}

const manifestFile = "manifest.json"

// Write puts the manifest into the folder of a run, whole or not at all.
func (m Manifest) Write(dir string) error {
	return writeRunFile(dir, manifestFile, m, false)
}

// ReadManifest reads the manifest of a run's folder. The error wraps
// fs.ErrNotExist where there is none.
func ReadManifest(dir string) (Manifest, error) {
	var m Manifest
	found, err := readRunFile(dir, manifestFile, &m)
	if err == nil && !found {
		err = fmt.Errorf("%s has no %s: is it the --out folder of a run? (%w)", dir, manifestFile, fs.ErrNotExist)
	}
	return m, err
}
