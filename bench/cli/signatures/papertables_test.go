package signatures

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"veilbench/attacks/builtin"
	"veilbench/attacks/match"
	"veilbench/bench/cli/command"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/home"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/published"
)

func app() *command.App { return &command.App{Plugins: command.Plugins{Attacks: builtin.All()}} }

// TestAuthorsRecordings: the first rows of tables 2 and 5 are the leave-one-out
// answers of the reference that was worked out apart, file by file, 249 of 302.
func TestAuthorsRecordings(t *testing.T) {
	dir := datatest.Recorded(t, "iotevents")
	sets, err := published.Load(t.Context(), "iotevents", dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := measureClips(context.Background(), app(), "event-knn:k=1", sets, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "reference_knn.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	by := tallies(m.items, match.ByDevice)
	all := tallies(m.items, func(string) string { return "all" })["all"]
	compared := 0
	for _, r := range rows {
		if r[3] != "loo_same_count" || r[4] != "1" || r[5] != "lex" {
			continue
		}
		got := all
		if r[0] != "POOLED" {
			got = by[r[0][:len(r[0])-len(".txt")]]
		}
		if right, _ := strconv.Atoi(r[6]); got.right != right || strconv.Itoa(got.events) != r[8] {
			t.Errorf("%s: %d of %d, the reference has %s of %s", r[0], got.right, got.events, r[6], r[8])
		}
		compared++
	}
	if compared != 8 || all.right != 249 || all.events != 302 {
		t.Errorf("%d files compared, %d of %d", compared, all.right, all.events)
	}

	// What the authors' own table says of them is 1, 1 and 0.85.
	for device, want := range map[string]float64{"12_27jdgn_cz": 0.95, "12_30tplink_cz": 0.84, "12_30samsung_renti": 0.625} {
		if got := by[device].precision(); math.Abs(got-want) > 0.005 {
			t.Errorf("%s: precision %.3f, want %.2f", device, got, want)
		}
	}
	for k, want := range map[int]float64{1: 0.69, 3: 0.63, 15: 0.44} {
		m, err := measureClips(context.Background(), app(), "event-knn:k="+strconv.Itoa(k), sets, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := meanPrecision(m.items); math.Abs(got-want) > 0.005 {
			t.Errorf("k = %d: mean precision %.3f, want %.2f", k, got, want)
		}
	}
	if m.file == 0 || m.peak <= 0 || m.train <= 0 {
		t.Errorf("storage %d, memory %d and time %v were not measured", m.file, m.peak, m.train)
	}
}

// TestRange: PingPong as published hears nothing of a hub that speaks UDP, the
// variant with UDP and the nearest neighbors do; over TCP both forms of PingPong
// are the same.
func TestRange(t *testing.T) {
	ds, err := home.Generate(context.Background(), "home:event_signatures-ten:homes=2,hours=4", 1)
	if err != nil {
		t.Fatal(err)
	}
	all, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	recalls := func(id string) map[string]tally {
		m, err := measureEvents(context.Background(), app(), id, &divisions(&ds)[0], datasets.WAN, 1)
		if err != nil {
			t.Fatal(err)
		}
		return tallies(m.items, func(class string) string {
			d, err := all.Device(match.ByDevice(class))
			if err != nil {
				return ""
			}
			return rangeOf(channelOf(d).protocol)
		})
	}
	asPublished, variant, neighbors := recalls("signatures:udp=false"), recalls("signatures"), recalls("event-knn")
	if r := asPublished["UDP"]; r.right != 0 || r.named != 0 || r.events == 0 {
		t.Errorf("as published, over UDP: %+v", r)
	}
	if variant["UDP"].recall() < 0.5 || neighbors["UDP"].recall() < 0.5 {
		t.Errorf("over UDP: %+v and %+v", variant["UDP"], neighbors["UDP"])
	}
	if a, b := asPublished["TLS"].right, variant["TLS"].right; a == 0 || math.Abs(float64(a-b)) > 0.05*float64(b) {
		t.Errorf("over TLS: %d and %d", a, b)
	}
}

// TestTallies: hits, misses, wrong names and false alarms, by hand.
func TestTallies(t *testing.T) {
	items := []results.Item{
		{Truth: "a/on", Answer: "a/on"},
		{Truth: "a/on", Answer: "a/off"},
		{Truth: "a/off", Answer: results.Missed},
		{Truth: datasets.Other, Answer: "a/on"},
		{Truth: "b/x", Answer: "b/x"},
		{Truth: "b/x", Answer: datasets.Unknown},
	}
	by := tallies(items, match.ByDevice)
	if by["a"] != (tally{1, 3, 3}) || by["b"] != (tally{1, 2, 1}) || len(by) != 2 {
		t.Errorf("%+v", by)
	}
	if got := meanPrecision(items); math.Abs(got-(1.0/3+1)/2) > 1e-12 {
		t.Errorf("mean precision %v", got)
	}
}

// TestChannels: the protocols that the article names, from the profiles.
func TestChannels(t *testing.T) {
	all, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]channel{
		"xiaomi_hub":  {"Xiaomi", "UDP, the platform's own", "ot.io.mi.com"},
		"jd_plug":     {"JD", "TCP, the platform's own", "jd-iot.example"},
		"tuya_plug":   {"Tuya", "TLS (MQTT)", "m2.tuyaus.com"},
		"tplink_plug": {"TP-Link", "TLS", "devs.tplinkcloud.com"},
	} {
		d, err := all.Device(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := channelOf(d); got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}
