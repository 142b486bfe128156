package published

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// voiceCaptures is an Amazon Echo in continuous traffic, with event times.
func voiceCaptures() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "voice-captures",
			Title:  "58 captures of an Amazon Echo, in each of which one question is asked five times",
			Source: "https://github.com/SmartHomePrivacyProject/VCFingerprinting",
			Papers: cite.Of("kennedy2019alexa"),
			Terms:  "MIT; the publishers add that data and code are for research purposes only",
			Tasks:  []datasets.Task{datasets.TaskEvent, datasets.TaskClip},
			Note:   "event times were made from upstream volume, so a detector of that is right by construction; each command is in one capture alone: to name commands, train elsewhere (--dataset echo-voice --test voice-captures-commands)",
			From:   github("SmartHomePrivacyProject/VCFingerprinting", "2de88766e2b2beeed44a4267c370fe755b5db90d"),
		},
		cited: "VCFingerprinting, github.com/SmartHomePrivacyProject/VCFingerprinting commit 2de88766, data/capture_files; Kennedy et al., I Can Hear Your Alexa, IEEE CNS 2019",
		loaders: []loader{
			{"voice-captures", one(readVoiceCaptures)},
			{"voice-captures-commands", one(readVoiceCommands)},
		},
	}
}

// voiceClip is how much behind an event is a clip: the answers are over by then,
// and no other question has begun.
const voiceClip = 10 * time.Second

// echoMAC is the hardware address of the speaker.
func echoMAC() datasets.MAC { return datasets.MAC{0xc4, 0x95, 0, 0xe3, 0x93, 0x2f} }

// readVoiceCaptures reads the captures of a smart speaker that answers spoken
// questions: path is the folder with captures/*.pcapng.gz, events.csv (capture,
// time, activity) and names.csv. Each capture is one recording and its own group;
// those at even positions of the list train, the others test.
//
// A capture holds one question, so a split by capture has no class in common: the
// classes are merged, and what is scored is whether something was asked, and
// when. What was asked is for readVoiceCommands.
//
// Nothing is said of who is home: of 136 hours from the first capture to the last
// 2.4 are recorded, all of them while somebody asks, and only two quarters of an
// hour are so by half. There is no hour without anybody to tell those from.
func readVoiceCaptures(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskEvent},
		Split:    "fixed-even-odd",
		Warnings: []string{"the times of events were made from upstream volume: a detector of that is right by construction"},
	}
	table := filepath.Join(path, "events.csv")
	rows, err := readTable(ctx, table, "capture", "time", "activity")
	if err != nil {
		return ds, err
	}
	names, err := glob(path, "captures", "*.pcapng*")
	if err != nil {
		return ds, err
	}

	// Names were in DNS answers, which the cut took away; without the list flows
	// have addresses alone.
	o := capture.Options{MACs: []datasets.MAC{echoMAC()}, Names: filepath.Join(path, "names.csv")}
	if _, err := os.Stat(o.Names); errors.Is(err, fs.ErrNotExist) {
		o.Names = ""
	}
	at, same := map[string]int{}, []string{}
	for _, name := range names {
		t, found, err := openCapture(ctx, name, o)
		if err != nil {
			return ds, err
		}
		stem := captureStem(name)
		at[stem] = len(ds.Recordings)
		same = append(same, datasets.EventClass("echo", stem))
		found.tell(&ds)
		ds.Recordings = append(ds.Recordings, datasets.Recording{
			ID: stem, Group: stem, Trace: t,
			Labels: datasets.Labels{Devices: []string{"echo"}, Owners: ownersByMAC(t, o.MACs[0], 0)},
		})
	}
	if len(names) == 0 {
		return ds, fmt.Errorf("%s: no captures (want captures/<command>.pcapng.gz)", path)
	}

	ds.Same = [][]string{same}
	return ds, voiceEvents(table, rows, at, ds.Recordings)
}

// voiceEvents adds the events of a table to the recordings, which at finds by
// the stem of their capture.
func voiceEvents(table string, rows []row, at map[string]int, recs []datasets.Recording) error {
	for _, x := range rows {
		fail := func(err error) error { return fmt.Errorf("%s:%d: %w", table, x.line, err) }
		i, ok := at[captureStem(x.fields[0])]
		if !ok {
			return fail(fmt.Errorf("no capture %q", quote(x.fields[0])))
		}
		when, err := parseEpoch(x.fields[1])
		if err != nil {
			return fail(err)
		}

		// The table has microseconds and the captures nanoseconds, so an event that
		// was read off the first packet may lie a little before it.
		r := &recs[i]
		e := datasets.Event{Start: when.Sub(r.Trace.Start), Activity: x.fields[2]}
		if e.Start > -time.Microsecond {
			e.Start = max(e.Start, 0)
		}
		if e.End = e.Start; e.Start < 0 || e.Start > r.Trace.End {
			return fail(fmt.Errorf("an event at %v of a capture of %v", e.Start, r.Trace.End))
		}
		if e.Activity == "" || strings.Contains(e.Activity, "/") {
			return fail(fmt.Errorf("activity %q", quote(e.Activity)))
		}
		r.Labels.Events = append(r.Labels.Events, e)
	}
	for i := range recs {
		sortEvents(recs[i].Labels.Events)
	}
	return nil
}

// readVoiceCommands reads the same files as clips of ten seconds from each event
// on: "echo/<command>", as in echo-voice, for attacks that were trained there.
// Within this data alone, training and test share their two minutes.
func readVoiceCommands(ctx context.Context, path string) (datasets.Dataset, error) {
	whole, err := readVoiceCaptures(ctx, path)
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskClip},
		Split:    "trial-kfold:k=5",
		Warnings: whole.Warnings[1:],
	}
	for _, r := range whole.Recordings {
		for n, e := range r.Labels.Events {
			c := datasets.Recording{ID: fmt.Sprintf("%s/%02d", r.ID, n+1), Group: r.Group}
			c.Trace = window(r.Trace, e.Start, voiceClip, func(*datasets.Packet) bool { return true })
			c.Labels = datasets.Labels{Devices: r.Labels.Devices, Owners: ownersByMAC(c.Trace, echoMAC(), 0), Events: []datasets.Event{{Activity: e.Activity}}}
			ds.Recordings = append(ds.Recordings, c)
		}
	}
	return ds, err
}
