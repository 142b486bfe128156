package likeness_test

import (
	"context"
	"fmt"

	"veilbench/datasets/home"
	"veilbench/datasets/likeness"
)

// Two assistants and a plug of a generated home.
func ExampleOf() {
	ds, err := home.Generate(context.Background(), "homemole-ind:homes=1,hours=0.1", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := likeness.Of(&ds, likeness.CategoryOf)
	fmt.Println(len(s.Devices), "devices,", s.Windows > 0)
	// Output: 10 devices, true
}
