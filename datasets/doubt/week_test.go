package doubt_test

import (
	"context"
	"os"
	"testing"
	"time"

	"veilbench/datasets/capture"
	"veilbench/datasets/doubt"
	"veilbench/datasets/labels"
)

func TestTmpWeek(t *testing.T) {
	dir := "/work/h/doubts.tmp/"
	for _, f := range []string{"points", "res", "local", "wrong"} {
		var o labels.Options
		if os.Getenv("ZONE") != "" && f == "local" {
			o.Zone, _ = time.LoadLocation(os.Getenv("ZONE"))
		}
		ds, err := capture.Dataset(context.Background(), dir+"week.pcap", capture.DatasetOptions{Labels: []string{dir + f + ".csv", dir + "devices.csv"}, Times: o})
		if err != nil {
			t.Error(f, err)
			continue
		}
		start := time.Now()
		for _, d := range doubt.Of(&ds, ds.DefaultVantage(), 1) {
			t.Logf("%s: %v %s", f, d.Spoils, d)
		}
		t.Log(f, ds.Vague, ds.Warnings, time.Since(start))
	}
}
