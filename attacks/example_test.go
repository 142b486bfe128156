package attacks_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"veilbench/attacks"
	"veilbench/datasets"
)

// nearestCount takes a clip for what had the nearest number of packets in
// training.
type nearestCount struct {
	Slack int `help:"packets by which a clip may differ from the nearest"`
}

func (nearestCount) Info() attacks.Info {
	return attacks.Info{Name: "nearest-count", Doc: "number of packets", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (a nearestCount) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m := countModel{slack: a.Slack, class: map[int]string{}}
	for _, e := range t.Examples {
		m.class[len(e.Trace.Packets)] = e.Class
	}
	return m, ctx.Err()
}

type countModel struct {
	slack int
	class map[int]string // by number of packets
}

func (m countModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	n := len(t.Packets)
	for d := range m.slack + 1 {
		for _, near := range []int{n - d, n + d} {
			if c, ok := m.class[near]; ok {
				return attacks.Answer{Clip: []attacks.Ranked{{Class: c, P: 1}}}, ctx.Err()
			}
		}
	}
	return attacks.Answer{Clip: []attacks.Ranked{{Class: datasets.Unknown, P: 1}}}, ctx.Err()
}

// An attack of one's own: its parameters are set in text, it learns from two
// clips and is asked about two others.
func Example() {
	list := []attacks.Attack{nearestCount{Slack: 1}}
	a, err := attacks.Parse(list, "nearest-count:slack=3")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(attacks.ID(a))

	clip := func(packets int) datasets.Trace { return datasets.Trace{Packets: make([]datasets.Packet, packets)} }
	ctx := context.Background()
	m, err := a.Train(ctx, rand.New(rand.NewPCG(1, 1)), attacks.Training{
		Task: datasets.TaskClip, Classes: []string{"lamp/on", "lock/unlock"},
		Examples: []attacks.Labeled{{Trace: clip(20), Class: "lamp/on"}, {Trace: clip(50), Class: "lock/unlock"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, packets := range []int{47, 35} {
		answer, err := m.Guess(ctx, clip(packets))
		fmt.Println(packets, "packets:", answer.Clip[0].Class, err)
	}
	// Output:
	// nearest-count:slack=3
	// 47 packets: lock/unlock <nil>
	// 35 packets: unknown <nil>
}
