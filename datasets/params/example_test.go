package params_test

import (
	"cmp"
	"fmt"

	"veilbench/datasets/params"
)

// padding is a plug-in with two parameters.
type padding struct {
	MaxBytes int     `help:"most bytes added to a packet"`
	Share    float64 `help:"share of packets that are padded"`
}

// Validate holds both within what can be done.
func (p padding) Validate() error {
	return cmp.Or(params.Within("max_bytes", p.MaxBytes, 1, 1460), params.Within("share", p.Share, 0, 1))
}

// A plug-in's written form is read back with what it does not name at its
// defaults; errors say what is allowed.
func Example() {
	usual := padding{MaxBytes: 255, Share: 1}
	name, set, err := params.Split("pad: share=0.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := params.With(usual, set)
	fmt.Println(params.ID(name, p), err)
	fmt.Println(params.Short(name, p, usual))

	for _, id := range []string{"pad:share=2", "pad:max_byte=9"} {
		_, set, _ := params.Split(id)
		_, err := params.With(usual, set)
		fmt.Println(err)
	}
	// Output:
	// pad:max_bytes=255,share=0.5 <nil>
	// pad share=0.5
	// share=2: want 0 to 1
	// unknown parameter "max_byte"; did you mean "max_bytes"? (has max_bytes, share)
}
