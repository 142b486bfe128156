package folder

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/labels"
)

// A device has the same name in a list and in a file of events, whatever its name.
func TestStrangersNames(t *testing.T) {
	for _, name := range []string{`plug, left`, `the "big" plug`, `plug 50/60 Hz`, `"x", 'y'`, "مصباح", "plug;1", "电球🎈 | 2"} {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		lists := map[string][]string{
			"devices.csv":  {"address,device", "50:c7:bf:00:00:01," + quoted},
			"plain.csv":    {"50:c7:bf:00:00:01, " + quoted},
			"devices.json": {fmt.Sprintf("{%q: %q}", "50:c7:bf:00:00:01", name)},
			"owners.csv":   {"mac;device;from;to", "50:c7:bf:00:00:01;" + quoted + ";2024-04-01 00:00+00:00;"},
		}
		for list, lines := range lists {
			t.Run(name+" in "+list, func(t *testing.T) {
				dir := t.TempDir()
				for i := range 6 {
					at := noon().Add(time.Duration(i) * 24 * time.Hour)
					put(t, dir, at.Format("2006-01-02")+".pcap", traffic(1, at, 100))
					text(t, dir, at.Format("2006-01-02")+".events.csv", "# clock: start", "time,device,activity", "10,"+quoted+",on", "50,"+quoted+",on")
				}
				text(t, dir, list, lines...)
				check(t, open(t, dir), want{
					captures: "{day}.pcap", recordings: 6, groups: 6, devices: labels.DeviceName(name), tasks: "event",
					classes: labels.DeviceName(name) + "/on 12",
				})
			})
		}
	}
}
