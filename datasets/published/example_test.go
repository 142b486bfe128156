package published_test

import (
	"context"
	"fmt"
	"path/filepath"

	"veilbench/datasets/published"
)

// One file of a published data set becomes a data set of labeled clips; the
// source says what it is and how to cite it.
func Example() {
	sets, err := published.Load(context.Background(), "iotevents", filepath.Join("testdata", "iotevents", "lamp.txt"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ds := sets[0]
	fmt.Println(ds.Name, ds.Tasks, ds.Recorded, len(ds.Recordings), "clips")
	fmt.Println(ds.Recordings[4].ClipClass(), len(ds.Recordings[4].Trace.Packets), "packets")

	s, err := published.Find("iotevents")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Terms)
	// Output:
	// iotevents/lamp [clip] wan 10 clips
	// lamp/off 4 packets
	// no license stated: cite article and repository, do not relicense
}
