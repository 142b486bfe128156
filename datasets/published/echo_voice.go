package published

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// echoVoice is traces and captures of commands spoken to an Amazon Echo.
func echoVoice() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "echo-voice",
			Title:  "600 traces of 60 spoken commands to an Amazon Echo, two sessions; 2 captures with utterance times",
			Source: "https://github.com/SmartHomePrivacyProject/VCFingerprinting",
			Papers: cite.Of("kennedy2019alexa"),
			Terms:  "MIT; the publishers add that data and code are for research purposes only",
			Tasks:  []datasets.Task{datasets.TaskEvent, datasets.TaskClip},
			Note:   "a part: checksums are of 60 of the 100 commands, all are read from a copy of the repository; trials of one session were recorded back to back, so a split inside a session scores several times higher than one across",
			From:   github("SmartHomePrivacyProject/VCFingerprinting", "2de88766e2b2beeed44a4267c370fe755b5db90d"),
		},
		cited: "VCFingerprinting, github.com/SmartHomePrivacyProject/VCFingerprinting commit 2de88766; Kennedy et al., I Can Hear Your Alexa, IEEE CNS 2019",
		loaders: []loader{
			{"echo-voice", one(readEchoVoice)},
			{"echo-voice-captures", one(readEchoCaptures)},
		},
	}
}

// readEchoVoice reads the traces of spoken commands to an Amazon Echo: path is
// the folder with trace_csv, or trace_csv itself, of the catalog's 60 commands or
// of all 100 in a copy of the publishers' repository (data/trace_csv). Each CSV
// file (row, time, size, direction) is one clip of device "echo" with the command
// as activity.
//
// The command is the file's name without "_<trial>.csv", cut at the first "_5"
// that ends there or is followed by "_". Names that end in "_L_<trial>.csv" are
// session L, the others session S; the session is the group, for trials of one
// session were recorded back to back and a split inside it scores several
// times higher. Recording IDs are "<session>/<command>/<trial>", so that
// trial-kfold:k=5 is the split by trial number.
//
// Sizes are those of IP packets. Payloads were not published: they are taken as
// the IP length less 40, and none for 52 bytes (TCP with options and no data).
// Times that run backwards are stored as the running maximum, with a warning.
func readEchoVoice(ctx context.Context, path string) (datasets.Dataset, error) {
	folder := path
	for _, below := range []string{filepath.Join("data", "trace_csv"), "trace_csv"} {
		if info, err := os.Stat(filepath.Join(path, below)); err == nil && info.IsDir() {
			folder = filepath.Join(path, below)
		}
	}
	names, err := glob(folder, "*.csv")
	if err != nil {
		return datasets.Dataset{}, err
	}
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskClip},
		Split:    "leave-one-group-out",
	}

	backward, longest := 0, time.Duration(0)
	for _, name := range names {
		command, session, trial, ok := echoName(filepath.Base(name))
		if !ok {
			continue // labels and events lie beside the traces
		}
		t, err := readText(ctx, name, parseEchoTrace)
		if err != nil {
			return ds, err
		}
		if t.backward {
			backward++
		}
		longest = max(longest, t.packets[len(t.packets)-1].Time)
		ds.Recordings = append(ds.Recordings, t.recording(command, session, trial))
	}

	if len(ds.Recordings) == 0 {
		return ds, fmt.Errorf("%s: no trace (want trace_csv/<command>_<trial>.csv)", path)
	}

	// One common end: the length of observing must not name the command.
	for i := range ds.Recordings {
		ds.Recordings[i].Trace.End = roundUp(longest)
	}
	slices.SortFunc(ds.Recordings, func(a, b datasets.Recording) int { return strings.Compare(a.ID, b.ID) })
	if backward > 0 {
		ds.Warnings = append(ds.Warnings, fmt.Sprintf("%d of %d traces have times that run backwards; they are stored as the running maximum", backward, len(ds.Recordings)))
	}
	return ds, nil
}

// echoName reads command, session and trial off a file name.
func echoName(base string) (command, session string, trial int, ok bool) {
	stem, isCSV := strings.CutSuffix(base, ".csv")
	i := strings.LastIndexByte(stem, '_')
	if !isCSV || i < 1 {
		return "", "", 0, false
	}
	trial, err := strconv.Atoi(stem[i+1:])
	if err != nil || trial < 1 || trial > 99 {
		return "", "", 0, false
	}

	stem = stem[:i]
	session = "S"
	if strings.HasSuffix(stem, "_L") {
		session = "L"
	}
	if i := strings.Index(stem+"_", "_5_"); i >= 0 {
		stem = stem[:i]
	}
	return strings.TrimSuffix(stem, "_L"), session, trial, stem != ""
}

// echoTrace is one CSV file.
type echoTrace struct {
	packets  []datasets.Packet
	backward bool
}

// parseEchoTrace reads a CSV file with a header. Errors begin with the line.
func parseEchoTrace(r io.Reader) (echoTrace, error) {
	var t echoTrace
	sc := newLines(r)
	if !sc.Scan() || sc.Text() != ",time,size,direction" {
		return t, fmt.Errorf("1: first line %q, want %q", quote(sc.Text()), ",time,size,direction")
	}
	for sc.Scan() {
		if err := t.row(strings.Split(sc.Text(), ",")); err != nil {
			return t, sc.fail(err)
		}
	}
	if err := sc.Err(); err != nil {
		return t, err
	}
	if len(t.packets) == 0 {
		return t, fmt.Errorf("%d: no packet", sc.n)
	}
	return t, nil
}

// row adds the packet of one line.
func (t *echoTrace) row(v []string) error {
	if len(v) != 4 {
		return fmt.Errorf("%d fields, want row, time, size and direction", len(v))
	}
	var x [3]float64
	for i := range x {
		var err error
		if x[i], err = strconv.ParseFloat(v[i+1], 64); err != nil || math.IsNaN(x[i]) {
			return fmt.Errorf("%q is no number", quote(v[i+1]))
		}
	}

	// Sizes are written as floats, so a broken one would be cut in silence.
	at, size := x[0], x[1]
	switch {
	case at < 0 || at > 1e9:
		return fmt.Errorf("time %v, want seconds from the first packet", at)
	case size != math.Trunc(size) || size < 20 || size > 65535:
		return fmt.Errorf("size %v, want bytes of an IP packet", size)
	case x[2] != 1 && x[2] != -1:
		return errors.New("direction is not 1 (from the speaker) or -1")
	}

	p := datasets.Packet{Time: params.Seconds(at), Size: int32(size) + datasets.EthernetHeader, Dir: datasets.Up}
	if x[2] < 0 {
		p.Dir = datasets.Down
	}

	// 20 bytes of IP and 20 of TCP; 52 is TCP with options and no
	// data.
	if size != 52 {
		p.Payload = int32(max(size-40, 0))
	}
	if n := len(t.packets); n > 0 && p.Time < t.packets[n-1].Time {
		p.Time, t.backward = t.packets[n-1].Time, true
	}
	t.packets = append(t.packets, p)
	return nil
}

// recording makes a clip whose packets are all the speaker's and all caused by
// the command. Its End is left open.
func (t echoTrace) recording(command, session string, trial int) datasets.Recording {
	const tcp = 6
	return datasets.Recording{
		ID:    fmt.Sprintf("%s/%s/%02d", session, command, trial),
		Group: session,
		Trace: datasets.Trace{Packets: t.packets, Flows: []datasets.Flow{{Proto: tcp}}},
		Labels: datasets.Labels{
			Devices: []string{"echo"},
			Owners:  make([]int32, len(t.packets)),
			Events:  []datasets.Event{{Activity: command}},
			Cause:   make([]int32, len(t.packets)),
		},
	}
}

// readEchoCaptures reads the raw captures published beside the Echo's traces:
// path is the folder with captures (or that folder itself), whose files hold
// several utterances of one command each. The seconds of the utterances are in
// the names: <command>_5_<seconds>_<seconds>..., with or without "_capture".
// Each file is one recording and its own group. The speaker owns the packets of
// its address; its other traffic is background.
func readEchoCaptures(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskEvent},
		Split:    "leave-one-group-out",
	}
	names, err := glob(path, "captures", "*.pcap*")
	if err == nil && len(names) == 0 {
		names, err = glob(path, "*.pcap*")
	}
	if err != nil {
		return ds, err
	}

	speaker := netip.AddrFrom4([4]byte{192, 168, 86, 40})
	for _, n := range names {
		stem, _, _ := strings.Cut(filepath.Base(n), ".")
		command, at, err := utterances(stem)
		if err != nil {
			return ds, fmt.Errorf("%s: %w", n, err)
		}
		t, found, err := openCapture(ctx, n, capture.Options{})
		if err != nil {
			return ds, err
		}
		found.tell(&ds)

		r := datasets.Recording{ID: stem, Group: stem, Trace: t, Labels: datasets.Labels{Devices: []string{"echo"}}}
		for _, p := range t.Packets {
			o := int32(-1)
			if f := t.Flows[p.Flow]; f.Local.Addr() == speaker || f.Remote.Addr() == speaker {
				o = 0
			}
			r.Labels.Owners = append(r.Labels.Owners, o)
		}

		// An utterance past the end means that file and name do not belong
		// together.
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
