package summary

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/internal/capturetest"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/datatest"
)

func TestSummarizeFindsThePlugsHeartbeats(t *testing.T) {
	tr, _, err := capture.Open(t.Context(), datatest.Recorded(t, "smart_plug_day", "passive.pcap"), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(tr)
	// The README states a keep-alive of 69 bytes every 60 s and a broadcast
	// of 172 bytes about every 5 s.
	found := map[int]bool{}
	for _, h := range s.Heartbeats {
		if h.Payload == 69 && h.PeriodS > 59 && h.PeriodS < 61 || h.Payload == 172 && h.PeriodS > 4.9 && h.PeriodS < 5.1 {
			found[h.Payload] = true
		}
	}
	if !found[69] || !found[172] {
		t.Errorf("%+v", s.Heartbeats)
	}
	if d := s.Devices; len(d) != 1 || d[0].Link != "38:1f:8d:b0:c9:01" || !slices.Contains(d[0].Addresses, "192.168.8.190") || d[0].Packets != 11661 {
		t.Errorf("%+v", d)
	}
}

func TestSummarizeCountsEverythingOnce(t *testing.T) {
	tr := capturetest.PortTrace(6, []uint16{443, 80, 8883, 1883, 554}, slices.Repeat([]int32{31, 53, 126, 237, 339, 1448}, 166), "52.1.2.3")
	for i := range tr.Flows {
		tr.Flows[i].MAC = datasets.MAC{2, 0, 0, 0, 0, byte(i / 2)}
	}
	var file bytes.Buffer
	if err := write.Capture(&file, tr); err != nil {
		t.Fatal(err)
	}
	tr, rep, err := capture.Read(t.Context(), &file, "x.pcap", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(tr)
	packets, bytes := 0, int64(0)
	for _, d := range s.Devices {
		packets += d.Packets
		bytes += d.BytesUp + d.BytesDown
	}
	var share float64
	for _, p := range s.Protocols {
		share += p.Share
	}
	if len(s.Devices) != 3 || packets != len(tr.Packets) || bytes != tr.Bytes() || bytes != s.BytesUp+s.BytesDown || share < 0.999 || share > 1.001 {
		t.Errorf("%d packets, %d of %d bytes, shares %v", packets, bytes, tr.Bytes(), share)
	}
	again := Summarize(tr)
	if d := cmp.Diff(s, again); d != "" {
		t.Error(d)
	}
	if _, err := json.Marshal(struct {
		capture.Report
		Summary
	}{*rep, s}); err != nil {
		t.Error(err)
	}
}
