package leakage_test

import (
	"fmt"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/leakage"
)

// Clips of "on" were recorded in the morning, clips of "off" in the evening:
// the clock names the class.
func Example() {
	ds := datasets.Dataset{Name: "lamp", Split: "leave-one-group-out"}
	for i := range 80 {
		activity := []string{"on", "off"}[i%2]
		ds.Recordings = append(ds.Recordings, datasets.Recording{
			ID:    fmt.Sprint(100 + i),
			Group: fmt.Sprint("home ", i/40),
			Trace: datasets.Trace{
				Start:   time.Date(2024, 5, 1, 8+10*(i%2), i%40, i, 0, time.UTC),
				Packets: []datasets.Packet{{Size: int32(60 + i)}},
				Flows:   []datasets.Flow{{Proto: 6}},
				End:     time.Minute,
			},
			Labels: datasets.Labels{Devices: []string{"lamp"}, Events: []datasets.Event{{Activity: activity}}},
		})
	}
	report, err := leakage.Probe(&ds, datasets.TaskClip, "")
	fmt.Println(report.Warnings(), err)
	// Output:
	// [the time of recording alone names the class of 80 of 80 clips (the commonest class: 50 %)] <nil>
}
