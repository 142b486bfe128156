package events

import (
	"testing"

	"veilbench/datasets/labels"
)

func FuzzJSON(f *testing.F) {
	f.Add(`{"events":[{"device_name":"Echo","activity_label":"ask","mac_address":"c49500e3932f","start_time":1540189210.116,"end_time":1540189223.116}]}`)
	f.Add(`{"device":"a","activity":"b","start":"2018-10-22T06:20:10Z"}` + "\n" + `[[{"time":5}]]`)
	f.Fuzz(func(t *testing.T, text string) {
		evs, err := ParseJSON("x", text)
		for _, e := range evs {
			if err == nil && e.End.Before(e.Start) {
				t.Fatalf("%v", e)
			}
		}
	})
}

func FuzzTriggers(f *testing.F) {
	f.Add("03/08/2021 7:00:41 AM\n", false)
	f.Add("12.5\n13\n", true)
	f.Fuzz(func(t *testing.T, text string, sure bool) { ParseTriggers(text, sure) })
}

func FuzzTable(f *testing.F) {
	f.Add("time,device,activity,capture\n1,a,b,c.pcap\n")
	f.Add("# clock: epoch\ntime;device;activity;file\n1;a;b;c\n\n2;a;\"b\nx\";d\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, lines, err := ReadRows(text)
		if err != nil || len(rows) == 0 || !IsHeader(rows[0]) {
			return
		}
		ParseTable("x", text, rows, lines, labels.Options{})
	})
}
