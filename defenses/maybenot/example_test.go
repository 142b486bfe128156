package maybenot_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"veilbench/defenses/maybenot"
)

// padder sends one padding packet 20 ms after the first packet of its side.
func padder() *maybenot.Machine {
	start := maybenot.State{}
	start.Transitions[maybenot.NormalSent] = []maybenot.Transition{{State: 1, Probability: 1}}
	pad := maybenot.State{Action: &maybenot.Action{Kind: maybenot.SendPadding, Timeout: maybenot.Constant(20_000)}}
	pad.Transitions[maybenot.PaddingSent] = []maybenot.Transition{{State: maybenot.EndState, Probability: 1}}
	return &maybenot.Machine{AllowedPaddingPackets: 1, States: []maybenot.State{start, pad}}
}

// A tunnel reports what happens to it, and is told what to do.
func ExampleFramework() {
	f, err := maybenot.NewFramework([]*maybenot.Machine{padder()}, maybenot.Limits{}, 0, rand.NewPCG(1, 2))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range f.Trigger(time.Second, maybenot.Event{Kind: maybenot.NormalSent}) {
		fmt.Printf("machine %d: %v in %v\n", c.Machine, c.Kind, c.Timeout)
	}
	f.Trigger(time.Second+20*time.Millisecond, maybenot.Event{Kind: maybenot.PaddingSent, Machine: 0})
	fmt.Println("ended:", f.AllEnded())
	// Output:
	// machine 0: SendPadding in 20ms
	// ended: true
}

// A recording is played through both ends; here the string is read that Maybenot's
// form of the machine has.
func ExampleSimulation() {
	m, err := maybenot.Parse(padder().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	sim, err := maybenot.NewSimulation(maybenot.Config{
		Machines: [2][]*maybenot.Machine{maybenot.Client: {m}},
		Delay:    10 * time.Millisecond,
		Sources:  [2]rand.Source{rand.NewPCG(1, 1), rand.NewPCG(2, 2)},
	}, []maybenot.Packet{{Time: 0, From: maybenot.Client}, {Time: 50 * time.Millisecond, From: maybenot.Server}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range sim.Record(maybenot.Run{OnlyClient: true, OnlyNetwork: true}) {
		fmt.Println(h.Time, h.Kind, h.Padding)
	}
	// Output:
	// 0s TunnelSent false
	// 20ms TunnelSent true
	// 50ms TunnelRecv false
}
