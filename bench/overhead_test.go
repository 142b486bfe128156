package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// idle is an attack that looks at nothing; N tells many of it apart.
type idle struct {
	N int `help:"number"`
}

func (idle) Info() attacks.Info {
	return attacks.Info{Name: "idle", Doc: "first class", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (a idle) Validate() error { return params.Within("n", a.N, 0, 1e6) }

func (a idle) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return idleModel{a.N, t.Classes[0]}, nil
}

type idleModel struct {
	n     int
	class string
}

func (m idleModel) Guess(context.Context, datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Clip: []attacks.Ranked{{Class: m.class, P: 1}}}, nil
}

// nothing is a defense that does nothing; N tells many of it apart.
type nothing struct {
	defenses.None
	N int `help:"number"`
}

func (nothing) Info() defenses.Info {
	i := defenses.None{}.Info()
	i.Name = "nothing"
	return i
}

// idleGrid has cells in which nothing is to be done, of ten recordings of one packet.
func idleGrid(attacked, defended int) Grid {
	ds := datasets.Dataset{Name: "idle", Tasks: []datasets.Task{datasets.TaskClip}, Recorded: datasets.LAN, Split: "group-kfold:k=2"}
	for i := range 10 {
		ds.Recordings = append(ds.Recordings, datasets.Recording{
			ID: fmt.Sprint("r", i), Group: fmt.Sprint("g", i),
			Trace: datasets.Trace{
				Flows: []datasets.Flow{{}}, End: time.Second,
				Packets: []datasets.Packet{{Time: time.Millisecond, Size: 100, Payload: 50}},
			},
			Labels: datasets.Labels{Devices: []string{"d"}, Owners: []int32{0}, Events: []datasets.Event{{Device: 0, Activity: fmt.Sprint("a", i%2)}}},
		})
	}
	g := Grid{Datasets: []datasets.Dataset{ds}, Seed: 1, NoCanaries: true}
	for i := range attacked {
		g.Attacks = append(g.Attacks, idle{i})
	}
	for i := range defended {
		g.Defenses = append(g.Defenses, nothing{N: i})
	}
	return g
}

// BenchmarkCells is what a cell takes beside its defense and its attack: plan, views,
// training, questions, scores and floors, and the file of its result.
func BenchmarkCells(b *testing.B) {
	g := idleGrid(10, 4)
	for _, stored := range []bool{false, true} {
		b.Run(fmt.Sprintf("stored=%v", stored), func(b *testing.B) {
			cells := 0
			b.ReportAllocs()
			for b.Loop() {
				opt := Options{Workers: 1}
				if stored {
					store, err := results.OpenStore(b.TempDir())
					if err != nil {
						b.Fatal(err)
					}
					opt.Store = store
				}
				rs, err := Run(context.Background(), g, opt)
				if err != nil {
					b.Fatal(err)
				}
				if cells = len(rs); cells == 0 || rs[0].Err != "" {
					b.Fatal("no cells, or failed ones")
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*cells), "ms/cell")
			b.ReportMetric(float64(cells)*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
		})
	}
}
