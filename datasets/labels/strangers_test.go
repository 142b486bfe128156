package labels

import (
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
)

// Label files of strangers say the same two events, 100 and 200 s into a recording.
func TestStrangersLabels(t *testing.T) {
	start := time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)
	tr := datasets.Trace{Start: start, End: 10 * time.Minute}
	for name, text := range map[string]string{
		"words in the header":        "Timestamp (UTC),Device ID,Event Type\n2023-11-14 22:15:00,plug,on\n2023-11-14 22:16:40,plug,off\n",
		"bars":                       "time|device|activity\n100|plug|on\n200|plug|off\n",
		"Markdown":                   "| time | device | activity |\n|---|---|---|\n| 100 | plug | on |\n| 200 | plug | off |\n",
		"commas in fractions":        "time;device;activity\n2023-11-14T22:15:00,000+00:00;plug;on\n2023-11-14T22:16:40,000+00:00;plug;off\n",
		"month as a word":            "time,device,activity\n14-Nov-2023 22:15:00 UTC,plug,on\n14-Nov-2023 22:16:40 UTC,plug,off\n",
		"American, short year":       "# zone: UTC\ntime,device,activity\n11/14/23 10:15:00 PM,plug,on\n11/14/23 10:16:40 PM,plug,off\n",
		"nanoseconds":                "ts,device,activity\n1700000100000000000,plug,on\n1700000200000000000,plug,off\n",
		"milliseconds by the column": "start_ms,end_ms,device,activity\n100000,101000,plug,on\n200000,201000,plug,off\n",
		"Unix timestamp":             "Unix timestamp,Name,State\n1700000100,plug,on\n1700000200,plug,off\n",
		"an index without a name":    ",time,device,activity\n0,100,plug,on\n1,200,plug,off\n",
		"date and time apart":        "Date,Time,Device,Activity\n2023-11-14,22:15:00,plug,on\n2023-11-14,22:16:40,plug,off\n",
		"one device":                 "time,activity\n100,on\n200,off\n",
		"old Macintosh":              "time,device,activity\r100,plug,on\r200,plug,off\r",
		"a trailing separator":       "time,device,activity,\n100,plug,on,\n200,plug,off,\n",
		"a zone of hours":            "# zone: UTC+1\ntime,device,activity\n2023-11-14 23:15:00,plug,on\n2023-11-14 23:16:40,plug,off\n",
		"ctime":                      "# zone: UTC\ntime,device,activity\nTue Nov 14 22:15:00 2023,plug,on\nTue Nov 14 22:16:40 2023,plug,off\n",
		"a float of pandas":          "time,device,activity\n1700000100.0,plug,on\n1.7000002e+09,plug,off\n",
	} {
		f, err := Read(strings.NewReader(text), "l.csv", Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l, err := Apply(tr, f)
		if err != nil || len(l.Events) != 2 || l.Events[0].Start != 100*time.Second || l.Events[1].Start != 200*time.Second || l.Events[0].Activity != "on" {
			t.Errorf("%s: %v %+v", name, err, l.Events)
		}
	}
}
