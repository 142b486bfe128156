package tune

import (
	"math"
	"slices"
	"strings"
	"testing"

	"veilbench/bench"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses/builtin"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		defense string
		sweeps  []string
		want    []string // labels
		err     string
	}{
		{"pad-random", []string{"max_bytes=32, 255"}, []string{"pad-random max_bytes=32", "pad-random"}, ""},
		{"pad-random:per=flow", []string{"max_bytes=32,64"}, []string{"pad-random max_bytes=32 per=flow", "pad-random max_bytes=64 per=flow"}, ""},
		{"pad-random", []string{"max_bytes=32,64", "per=packet,flow"}, []string{
			"pad-random max_bytes=32", "pad-random max_bytes=32 per=flow", "pad-random max_bytes=64", "pad-random max_bytes=64 per=flow",
		}, ""},
		{"pad-random+vpn", []string{"vpn.kind=wireguard,openvpn-udp", "max_bytes=64"}, []string{
			"pad-random max_bytes=64 + vpn", "pad-random max_bytes=64 + vpn kind=openvpn-udp",
		}, ""},
		{"jitter", nil, []string{
			"jitter", "jitter max_s=0.025", "jitter max_s=0.05", "jitter max_s=0.2", "jitter max_s=0.4",
			"jitter min_s=0.0025", "jitter min_s=0.005", "jitter min_s=0.02", "jitter min_s=0.04",
		}, ""},
		{"", nil, nil, "--defense is missing"},
		{"pad-randon", nil, nil, `did you mean "pad-random"`},
		{"none", nil, nil, "no number or switch to sweep"},
		{"pad-random", []string{"max_byte=3"}, nil, `unknown parameter "max_byte"; did you mean "max_bytes"`},
		{"pad-random", []string{"max_bytes"}, nil, "want KEY=VALUE,VALUE"},
		{"pad-random", []string{"max_bytes=3,,4"}, nil, "a value is empty"},
		{"pad-random", []string{"max_bytes=many"}, nil, "defense pad-random: max_bytes=many: want a whole number"},
		{"pad-random", []string{"max_bytes=0"}, nil, "defense pad-random: max_bytes=0: want"},
		{"pad-random", []string{"max_bytes=1,2", "max_bytes=3"}, nil, "max_bytes is swept twice"},
		{"pad-random+pad-level", []string{"acks=keep,pad"}, nil, "both have acks; put the stage in front, as in pad-level.acks="},
		{"jitter", []string{"max_s=" + strings.Repeat("0.1,", 200) + "0.2"}, nil, "want 200 at most"},
	} {
		got, err := settingsOf(builtin.All(), c.defense, c.sweeps)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s %v: %v, want %s", c.defense, c.sweeps, err, c.err)
			continue
		}
		var labels []string
		for _, s := range got {
			labels = append(labels, s.label)
		}
		if !slices.Equal(labels, c.want) {
			t.Errorf("%s %v: %q\nwant %q", c.defense, c.sweeps, labels, c.want)
		}
	}
}

// No group is on both sides, none is lost, and who confirms is trained on the sweep's.
func TestGroupsAreHeldBack(t *testing.T) {
	ds, err := home.Generate(t.Context(), "home:event_signatures:homes=7,hours=0.3", 1)
	if err != nil {
		t.Fatal(err)
	}
	g := bench.Grid{Datasets: []datasets.Dataset{ds}, Seed: 1}
	sweep, confirm, err := divide(g, 0.4, false)
	if err != nil {
		t.Fatal(err)
	}
	groupsOf := func(ds datasets.Dataset, prefix string) []string {
		var out []string
		for _, r := range ds.Recordings {
			if g, ok := strings.CutPrefix(r.Group, prefix); ok && !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
		slices.Sort(out)
		return out
	}
	swept, train, back := groupsOf(sweep.Datasets[0], ""), groupsOf(confirm.Datasets[0], "train/"), groupsOf(confirm.Datasets[0], "test/")
	both := slices.ContainsFunc(back, func(g string) bool { return slices.Contains(swept, g) })
	if len(swept) != 4 || len(back) != 3 || both || !slices.Equal(swept, train) || confirm.Datasets[0].Split != datasets.TrainTestSplit {
		t.Errorf("sweep %v, train %v, held back %v, split %s", swept, train, back, confirm.Datasets[0].Split)
	}

	// Another seed holds back others, the order of recordings does not.
	g.Seed = 2
	_, other, _ := divide(g, 0.4, false)
	slices.Reverse(ds.Recordings)
	g.Datasets = []datasets.Dataset{ds}
	_, turned, _ := divide(g, 0.4, false)
	if slices.Equal(groupsOf(other.Datasets[0], "test/"), back) || !slices.Equal(groupsOf(turned.Datasets[0], "test/"), groupsOf(other.Datasets[0], "test/")) {
		t.Errorf("held back %v, by another seed %v, turned round %v", back, groupsOf(other.Datasets[0], "test/"), groupsOf(turned.Datasets[0], "test/"))
	}

	ds.Recordings = ds.Recordings[:2]
	g.Datasets = []datasets.Dataset{ds}
	if _, _, err := divide(g, 0.4, false); err == nil || !strings.Contains(err.Error(), "has 2 groups: want two to sweep on and one to hold back") {
		t.Errorf("%v", err)
	}
	for _, share := range []float64{0, 1, math.NaN()} {
		if _, _, err := divide(g, share, false); err == nil {
			t.Errorf("a share of %v is held back", share)
		}
	}
}

func TestFrontAndChoice(t *testing.T) {
	unknown, free := math.NaN(), math.Inf(1)
	all := []tried{
		{worst: 0.5, cost: 0.1, missed: 1},
		{worst: 0.3, cost: 0.2, open: 1},
		{worst: 0.3, cost: 0.3}, // as private as the one before, and dearer
		{worst: 0.2, cost: 0.4},
		{worst: unknown, cost: 0.01, missed: 1},
		{worst: 0.1, cost: free, missed: 1},
		{worst: 0.2, cost: 0.4, delay: 1},
	}
	var front []int
	for i := range all {
		if onFront(all, i) {
			front = append(front, i)
		}
	}
	if !slices.Equal(front, []int{0, 1, 3, 6}) {
		t.Errorf("front %v", front)
	}
	if c := cheapest(all); c != 2 {
		t.Errorf("chosen %d: want the cheapest that keeps every limit for sure", c)
	}
	if c := cheapest(all[:2]); c != 1 {
		t.Errorf("chosen %d: want what no limit is missed by", c)
	}
	if c := cheapest(all[:1]); c != -1 {
		t.Errorf("chosen %d: want none", c)
	}
}
