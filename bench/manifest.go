package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"veilbench/attacks"
	"veilbench/attacks/lstm"
	"veilbench/bench/oath"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
	"veilbench/datasets/doubt"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/captured"
)

// ManifestOf describes g. asked maps names of data sets to what the user wrote.
func ManifestOf(g Grid, version string, asked map[string]string) results.Manifest {
	g, _ = g.withDefaults() // only data sets that no run accepts are an error
	m := results.Manifest{
		Version: version, Go: runtime.Version(), Method: results.Method, Arch: runtime.GOARCH, Kernel: lstm.Best().String(),
		Tasks: g.Tasks, Vantages: g.Vantages, Knowledge: g.Knowledge, Split: g.Split,
		Draws: g.Draws, TrainDraw: g.TrainDraws, Seed: g.Seed, Link: results.LinkSettings(g.Link),
		Labels: g.Labels, Builds: builds(g), Programs: programsOf(g), Captured: g.Captured, Test: g.Test, Canaries: !g.NoCanaries, Zeros: map[string]string{},
	}

	for i := range g.Datasets {
		ds := &g.Datasets[i]
		m.Data = append(m.Data, results.DataEntry{Asked: asked[ds.Name], Name: ds.Name, Source: ds.Source, Digest: Digest(ds), Tasks: g.tasks(ds), Split: g.split(ds), Preset: ds.Preset, Settings: ds.Settings, Question: ds.Question, Unmonitored: ds.Unmonitored, Size: sizeOf(ds)})
	}

	for _, d := range g.Defenses {
		m.Defenses = append(m.Defenses, defenses.ID(d))
	}
	for _, a := range g.Attacks {
		m.Attacks = append(m.Attacks, attacks.ID(a))

		// Reports know no attack, and would draw a 0 that is none as a number.
		for _, x := range params.List(a) {
			if x.Zero != "" {
				m.Zeros[results.ZeroKey(a.Info().Name, x.Key)] = x.Zero
			}
		}
	}
	return m
}

// sizeOf counts what was recorded of ds.
func sizeOf(ds *datasets.Dataset) *results.DataSize {
	var n results.DataSize
	for i := range ds.Recordings {
		t := &ds.Recordings[i].Trace
		n.Seconds += t.End.Seconds()
		n.Packets += int64(len(t.Packets))
		n.Bytes += t.Bytes() + int64(len(t.Packets)*datasets.EthernetHeader)
		n.Windows += int64((len(t.Packets) + score.Window - 1) / score.Window)
	}
	return &n
}

// Doubts looks at every data set of g from every place where g does, and says what
// is doubtful there. What spoils a task that g does not ask for is no spoiling.
func Doubts(g Grid) []results.DataDoubts {
	g, _ = g.withDefaults() // as in ManifestOf
	var out []results.DataDoubts
	for i := range g.Datasets {
		ds := g.Datasets[i]
		ds.Tasks, ds.Split = g.tasks(&ds), g.split(&ds)
		for _, v := range g.vantages(&g.Datasets[i]) {
			found := doubt.Of(&ds, v, g.Seed)
			for k := range found {
				found[k].Spoils = slices.DeleteFunc(slices.Clone(found[k].Spoils), func(t datasets.Task) bool { return !slices.Contains(ds.Tasks, t) })
			}
			if len(found) > 0 {
				out = append(out, results.DataDoubts{Dataset: ds.Name, Vantage: v, Doubts: found})
			}
		}
	}
	return out
}

// Digest is a hash of everything in ds that a result can depend on. It does
// not depend on the order of recordings.
func Digest(ds *datasets.Dataset) string {
	sums := make([]string, len(ds.Recordings))
	for i := range ds.Recordings {
		sums[i] = recordingDigest(&ds.Recordings[i])
	}
	slices.Sort(sums)

	h := sha256.New()
	head, _ := json.Marshal(struct {
		Name      string
		Recorded  datasets.Vantage
		Same      [][]string
		Rates     map[string]float64
		Open      []string
		Vague     bool
		Generated bool
		Warnings  []string // are printed under the figures of each cell
		// What spoils a low score, beside what is found in the packets themselves.
		Doubts []datasets.Doubt `json:",omitempty"`
	}{ds.Name, ds.Recorded, ds.Same, ds.RatePerDay, ds.Unmonitored, ds.Vague, ds.Generated, ds.Warnings, ds.Doubts}) // plain data cannot fail
	h.Write(head)
	h.Write([]byte(strings.Join(sums, "\n")))
	return hex.EncodeToString(h.Sum(nil))
}

// recordingDigest hashes a recording: its packets and their truth in binary, for
// there are millions, the rest as JSON.
func recordingDigest(r *datasets.Recording) string {
	h := sha256.New()
	_, zone := r.Trace.Start.Zone()
	head, _ := json.Marshal(struct {
		ID, Group string
		Start     int64
		Zone      int // an observer's clock tells local time
		Flows     []datasets.Flow
		End       int64
		Devices   []string
		Events    []datasets.Event
		Commands  []datasets.Command
		// How long the lists behind are, -1 for one that is unknown.
		Packets, Owners, Cause int
		Stays                  []datasets.Stay `json:",omitempty"`
		Behind                 string          `json:",omitempty"`
	}{
		r.ID, r.Group, r.Trace.Start.UnixNano(), zone, r.Trace.Flows, int64(r.Trace.End),
		r.Labels.Devices, r.Labels.Events, r.Labels.Commands,
		len(r.Trace.Packets), length(r.Labels.Owners), length(r.Labels.Cause),
		r.Labels.Stays, r.Behind,
	})

	h.Write(head)
	buf := make([]byte, 0, 32<<10)

	// A packet is 20 bytes, the direction in the lowest bit of the flow. Flushing at
	// 31 KiB leaves room in the 32 KiB for the next one, so the buffer never grows.
	for _, p := range r.Trace.Packets {
		buf = binary.LittleEndian.AppendUint64(buf, uint64(p.Time))
		buf = binary.LittleEndian.AppendUint32(buf, uint32(p.Size))
		buf = binary.LittleEndian.AppendUint32(buf, uint32(p.Payload))
		buf = binary.LittleEndian.AppendUint32(buf, uint32(p.Flow)<<1|uint32(p.Dir))
		if len(buf) > 31<<10 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)

	hashInts(h, r.Labels.Owners)
	hashInts(h, r.Labels.Cause)
	return hex.EncodeToString(h.Sum(nil))
}

// length is that of x, -1 for nil.
func length(x []int32) int {
	if x == nil {
		return -1
	}
	return len(x)
}

func hashInts(h hash.Hash, x []int32) {
	buf := make([]byte, 0, 4*len(x))
	for _, v := range x {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(v))
	}
	h.Write(buf)
}

// programsOf describes the programs of g, by the ID of the defense or attack, a stage
// of a chain by its own.
func programsOf(g Grid) map[string]results.Program {
	out := map[string]results.Program{}
	add := func(id string, plugin any) {
		for _, o := range oath.Programs(plugin) {
			p := o.Program() // results know no process, and so have a type of their own
			files := map[string]string{}
			for _, f := range p.Files {
				files[f.Name] = f.SHA256
			}
			out[id] = results.Program{Command: p.Command, Params: p.Params, Files: files}
		}
	}
	for _, d := range g.Defenses {
		for _, s := range defenses.Stages(d) {
			add(defenses.ID(s), s)
		}
	}
	for _, a := range g.Attacks {
		add(attacks.ID(a), a)
	}
	return out
}

// ProgramVerdicts say of each program of g, by the name in tables, whether it gave the
// same answer whenever it was asked again.
func ProgramVerdicts(g Grid) []results.Verdict {
	var out []results.Verdict
	add := func(name string, plugin any) {
		for _, p := range oath.Programs(plugin) {
			if b, ok := p.(interface{ Broken() error }); ok && b.Broken() != nil {
				continue // it was never asked
			}
			v := results.Verdict{Name: name + " is deterministic", OK: p.Doubt() == "", Detail: "asked again it gave the same answers"}
			if !v.OK {
				v.Detail = "nondeterministic: " + p.Doubt()
			}
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	for _, d := range g.Defenses {
		for _, s := range defenses.Stages(d) {
			add(s.Info().Name, s)
		}
	}
	for _, a := range g.Attacks {
		add(a.Info().Name, a)
	}
	return out
}

// builds maps the IDs of plug-ins that are not of this module to the digest of
// the program they are part of: an ID names a plug-in's parameters, not what its
// author changed since. For those of this module results.Method speaks, and for
// answers that were given elsewhere the digest of these.
func builds(g Grid) map[string]string {
	out := map[string]string{}

	// The adapter of a program is of this module, and says nothing of the program.
	for _, d := range g.Defenses {
		for _, p := range oath.Programs(d) {
			out[defenses.ID(d)] += p.Program().Digest()
		}
		if c, ok := d.(captured.Defense); ok && c.IsPaired() {
			out[defenses.ID(d)] = c.Digest()
		}
	}
	for _, a := range g.Attacks {
		for _, p := range oath.Programs(a) {
			out[attacks.ID(a)] = p.Program().Digest()
		}
	}
	for _, d := range g.Defenses {
		for _, s := range defenses.Stages(d) {
			if !oath.OfModule(s) {
				out[defenses.ID(d)] = program()
			}
		}
	}
	for _, a := range g.Attacks {
		if x, ok := a.(outside.Attack); ok {
			out[attacks.ID(a)] = x.Digest()
		}
		if !oath.OfModule(a) {
			out[attacks.ID(a)] = program()
		}
	}
	return out
}

// program is the digest of the running program. It is read once: it may be
// replaced while it runs.
var program = sync.OnceValue(func() string {
	h := sha256.New()
	if info, ok := debug.ReadBuildInfo(); ok {
		io.WriteString(h, info.String())
	}

	// Where the file is gone the versions of its modules are all there is to tell
	// builds apart.
	if exe, err := os.Executable(); err == nil {
		if f, err := os.Open(exe); err == nil {
			defer f.Close()
			io.Copy(h, f)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
})
