package defenses_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
)

// steps pads every payload to the next multiple of StepBytes.
type steps struct {
	StepBytes int `help:"payloads grow to the next multiple"`
}

func (steps) Info() defenses.Info {
	return defenses.Info{Name: "acme-steps", Doc: "pads to steps", Place: defenses.AtDevice}
}

func (s steps) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	in.Packets = slices.Clone(in.Packets) // never the caller's
	for i := range in.Packets {
		p := &in.Packets[i]
		n := int32(s.StepBytes)
		fill := min((p.Payload+n-1)/n*n-p.Payload, defenses.MaxFrame-p.Size)
		p.Payload, p.Size = p.Payload+fill, p.Size+fill
	}
	return defenses.Defended{Trace: in}, nil
}

// request is 100 bytes up and 300 down.
func request() datasets.Trace {
	return datasets.Trace{
		End:   time.Second,
		Flows: []datasets.Flow{{Proto: 6, Host: "plug.example"}},
		Packets: []datasets.Packet{
			{Time: 100 * time.Millisecond, Size: 154, Payload: 100},
			{Time: 150 * time.Millisecond, Size: 354, Payload: 300, Dir: datasets.Down},
		},
	}
}

func show(in datasets.Trace, out defenses.Defended) {
	for i, p := range out.Trace.Packets {
		orig, bytes := out.Entries(in, i)
		fmt.Printf("%v %v: %d bytes, carries %v bytes of %v\n", p.Time, p.Dir, p.Payload, bytes, orig)
	}
}

// A defense of one's own, and the proof that what it makes could have happened.
func Example() {
	in := request()
	out, err := steps{StepBytes: 256}.Apply(rand.New(rand.NewPCG(1, 1)), in)
	if err != nil {
		fmt.Println(err)
	}
	show(in, out)
	fmt.Println("proof:", defenses.Check(in, out))

	out.Trace.Packets = out.Trace.Packets[:1] // loses the reply
	fmt.Println("proof:", defenses.Check(in, out))
	// Output:
	// 100ms up: 256 bytes, carries [100] bytes of [0]
	// 150ms down: 512 bytes, carries [300] bytes of [1]
	// proof: <nil>
	// proof: no account, but 2 packets became 1
}

// A vendor's defense in a chain with one of the project's: what leaves is traced
// back to the first input.
func ExampleParse() {
	list := append(builtin.All(), steps{StepBytes: 64})
	d, err := defenses.Parse(list, "acme-steps:step_bytes=256+fragment:by=bytes,max_bytes=300")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(defenses.Label(list, d))

	in := request()
	out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
	if err != nil {
		fmt.Println(err)
	}
	show(in, out)
	// Output:
	// acme-steps step_bytes=256 + fragment by=bytes max_bytes=300
	// 100ms up: 256 bytes, carries [100] bytes of [0]
	// 150ms down: 300 bytes, carries [300] bytes of [1]
	// 150ms down: 212 bytes, carries [] bytes of []
}

// A preset is a published setting of a defense under a name of its own.
func ExamplePreset() {
	list := builtin.All()
	for _, name := range []string{"buflo", "buflo:min_s=5", "constant-rate:variant=buflo"} {
		d, err := defenses.Parse(list, name)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(defenses.Label(list, d), "is", defenses.ID(d))
	}
	// Output:
	// buflo is constant-rate:geometric=false,interval_down_s=0,interval_s=0.02,min_s=10,multiple=1,per=device,quiet_s=2,size_bytes=1500
	// buflo min_s=5 is constant-rate:geometric=false,interval_down_s=0,interval_s=0.02,min_s=5,multiple=1,per=device,quiet_s=2,size_bytes=1500
	// defense constant-rate: unknown parameter "variant" (has geometric, interval_down_s, interval_s, min_s, multiple, per, quiet_s, size_bytes); did you mean "buflo"?
}
