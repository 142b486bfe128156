package bench

import (
	"runtime"

	"veilbench/attacks"
	"veilbench/attacks/lstm"
	"veilbench/bench/results"
	"veilbench/defenses"
)

// ManifestOf describes g. asked maps names of data sets to what the user wrote.
func ManifestOf(g Grid, version string, asked map[string]string) results.Manifest {
	g, _ = g.normal() // only data sets that no run accepts are an error
	m := results.Manifest{
		Version: version, Go: runtime.Version(), Method: results.Method, Arch: runtime.GOARCH, Kernel: lstm.Best().String(),
		Tasks: g.Tasks, Vantages: g.Vantages, Knowledge: g.Knowledge, Split: g.Split,
		Draws: g.Draws, TrainDraw: g.TrainDraws, Seed: g.Seed, Link: results.LinkSettings(g.Link),
	}
	for i := range g.Datasets {
		ds := &g.Datasets[i]
		m.Data = append(m.Data, results.DataEntry{Asked: asked[ds.Name], Name: ds.Name, Source: ds.Source, Digest: Digest(ds), Tasks: g.tasks(ds), Preset: ds.Preset, Settings: ds.Settings, Unmonitored: ds.Unmonitored})
	}
	for _, d := range g.Defenses {
		m.Defenses = append(m.Defenses, defenses.ID(d))
	}
	for _, a := range g.Attacks {
		m.Attacks = append(m.Attacks, attacks.ID(a))
	}
	return m
}
