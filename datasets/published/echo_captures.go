package published

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
)

// EchoCaptures reads the raw captures published beside the Echo's traces: path
// is the folder with captures (or that folder itself), whose files hold several
// utterances of one command each. The seconds of the utterances are in the
// names: <command>_5_<seconds>_<seconds>..., with or without "_capture". Each
// file is one recording and its own group. The speaker owns the packets of its
// address; its other traffic is background.
func EchoCaptures(path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Name:     "echo-voice-captures",
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.Events},
		Split:    "leave-one-group-out",
		Source:   echoSource,
	}
	names, err := glob(path, "captures", "*.pcap*")
	if err == nil && len(names) == 0 {
		names, err = glob(path, "*.pcap*")
	}
	if err != nil {
		return ds, err
	}
	for _, n := range names {
		stem, _, _ := strings.Cut(filepath.Base(n), ".")
		command, at, err := utterances(stem)
		if err != nil {
			return ds, fmt.Errorf("%s: %w", n, err)
		}
		t, warnings, err := openCapture(n, capture.Options{})
		if err != nil {
			return ds, err
		}
		ds.Warnings = append(ds.Warnings, warnings...)
		r := datasets.Recording{ID: stem, Group: stem, Trace: t, Labels: datasets.Labels{Devices: []string{"echo"}}}
		speaker := netip.AddrFrom4([4]byte{192, 168, 86, 40})
		for _, p := range t.Packets {
			o := int32(-1)
			if f := t.Flows[p.Flow]; f.Local.Addr() == speaker || f.Remote.Addr() == speaker {
				o = 0
			}
			r.Labels.Owners = append(r.Labels.Owners, o)
		}
		for _, s := range at {
			if s > t.End {
				return ds, fmt.Errorf("%s: its name has an utterance at %v, the capture ends at %v", n, s, t.End)
			}
			r.Labels.Events = append(r.Labels.Events, datasets.Event{Start: s, End: s, Activity: command})
		}
		ds.Recordings = append(ds.Recordings, r)
	}
	if len(names) == 0 {
		return ds, fmt.Errorf("%s: no captures (want captures/<command>_5_<seconds>...)", path)
	}
	return ds, nil
}

// utterances reads the command and the times off a capture's name.
func utterances(stem string) (command string, at []time.Duration, err error) {
	command, rest, ok := strings.Cut(strings.TrimSuffix(stem, "_capture"), "_5_")
	last := -1
	for _, s := range strings.Split(rest, "_") {
		n, err := strconv.Atoi(s)
		if !ok || err != nil || n <= last || n > 86400 {
			return "", nil, fmt.Errorf("name %q, want <command>_5_<seconds>_<seconds>... in ascending order", quote(stem))
		}
		last = n
		at = append(at, time.Duration(n)*time.Second)
	}
	return command, at, nil
}
