package events

import "fmt"

// A list of times alone is read in one spelling; times without a zone are
// digits that wait for one.
func ExampleParseTriggers() {
	evs, ok := ParseTriggers("03/08/2021 7:00:41 AM\n03/08/2021 2:17:26 PM\n", false)
	fmt.Println(ok)
	for _, e := range evs {
		fmt.Println(e.Start, e.Zoneless)
	}
	// Output:
	// true
	// 2021-03-08 07:00:41 +0000 UTC true
	// 2021-03-08 14:17:26 +0000 UTC true
}
