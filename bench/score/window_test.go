package score

import (
	"math"
	"slices"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/datasets"
)

// labeledTest is a test trace of so many packets of each owner, in order, of
// which the last few of each are named wrong.
func labeledTest(classes []string, runs ...[3]int) Test {
	o := Test{Recording: &datasets.Recording{Group: "g"}, Labels: datasets.Labels{Devices: classes}, Classes: classes}
	for _, r := range runs {
		who, n, wrong := int32(r[0]), r[1], r[2]
		for i := range n {
			o.Labels.Owners = append(o.Labels.Owners, who)
			guess := who
			if who < 0 {
				guess = int32(slices.Index(classes, datasets.Nobody))
			}
			if i >= n-wrong {
				guess = -1
			}
			o.Answer.Devices = append(o.Answer.Devices, attacks.Owner{Class: guess})
		}
	}
	return o
}

// Windows are of 100 packets. In the first trace they are 20 of the plug (2
// wrong) in 100, then 5 of the plug (all wrong) in 50 with 45 of the alarm (5
// wrong); in the second, 2 of the plug (1 wrong), 8 of the alarm, 60 of cover
// (all wrong) and 30 of nobody (15 wrong), which are no device's.
func TestWindowsByHand(t *testing.T) {
	const alarm, cover, plug, nobody = 0, 1, 3, -1
	classes := []string{"alarm", "cover", "nobody", "plug"}
	one := labeledTest(classes, [3]int{alarm, 80, 10}, [3]int{plug, 20, 2}, [3]int{plug, 5, 5}, [3]int{alarm, 45, 5})
	two := labeledTest(classes, [3]int{plug, 2, 1}, [3]int{alarm, 8, 0}, [3]int{cover, 60, 60}, [3]int{nobody, 30, 15})
	got := map[string]float64{}
	for _, m := range scoreDevices(classes, []Test{one, two}).Metrics {
		got[m.Name] = m.Value
	}
	for name, want := range map[string]float64{
		"hamming_loss":            (12./100 + 10./50 + 76./100) / 3,
		"recall_share_00_03_pct":  1. / 2,
		"recall_share_03_10_pct":  8. / (5 + 8), // 5 of 50 are 10 %
		"recall_share_10_30_pct":  18. / 20,
		"recall_share_30_100_pct": 110. / 125,

		"recall_share_00_03_pct:plug":   1. / 2,
		"recall_share_03_10_pct:plug":   0,
		"recall_share_03_10_pct:alarm":  1,
		"recall_share_10_30_pct:plug":   18. / 20,
		"recall_share_30_100_pct:alarm": 110. / 125,

		"real_accuracy": (70. + 18 + 0 + 40 + 1 + 8 + 15) / (150 + 40),
	} {
		if g, ok := got[name]; !ok || math.Abs(g-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, g, want)
		}
	}
	for name := range got {
		if strings.HasPrefix(name, "recall_share") && (strings.HasSuffix(name, ":cover") || strings.HasSuffix(name, ":nobody") || name == "recall_share_00_03_pct:alarm") {
			t.Errorf("%s: want none", name)
		}
	}
}
