package published

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// iotEvents is labeled events of small devices, as text.
func iotEvents() Source {
	return Source{
		recorded: datasets.WAN,
		Entry: catalog.Entry{
			Name:   "iotevents",
			Title:  "302 labeled events of seven small devices, packet lengths and directions",
			Source: "https://github.com/yangting111/IoTEvents",
			Papers: cite.Of("iotevent2022"),
			Terms:  "no license stated: cite article and repository, do not relicense",
			Tasks:  []datasets.Task{datasets.TaskClip},
			Note:   "53 of 66 events of one device end in a packet that was pasted in by hand, 8 of another stand in the file twice; one session per device, so splits are within it",
			From:   github("yangting111/IoTEvents", "efa1c10e05e1b3ab7989aa2720f7f0766eac9e12"),
		},
		cited: "IoTEvents, github.com/yangting111/IoTEvents commit efa1c10e, data beside the IoTEvent article (Security and Communication Networks)",
		loaders: []loader{
			{"iotevents", readIoTEvents},
			{"iotevents-pooled", one(readIoTEventsPooled)},
		},
	}
}

// readIoTEvents reads the text files published beside the IoTEvent article:
// path is one of them or a folder with several (*.txt). Each file is one device
// and becomes one data set, "iotevents/<stem>", of clips with device <stem> and
// the label as activity; files without any label are left out with a warning
// (with an error if path is that file).
//
// A line that begins with a tab is a packet (tab, epoch seconds, speed,
// direction, frame length, perhaps a tab); any other line that is not blank is
// a label and closes the clip made of the packets above it. Rows after the last
// label belong to no clip. Clips keep the order of their rows, which is what
// the authors used: where times run backwards (packets were pasted in by hand)
// Packet.Time is the running maximum, with a warning. Frames of 54, 58, 60, 62,
// 66 and 74 bytes carry no payload, others all above 54. Addresses and ports
// were not published, so each clip is one flow; LAN traffic was dropped at
// capture, so the vantage is wan. Every clip is its own group and the split is
// within one recording session. Clips that stand in a file twice are kept, with
// a warning: the authors counted them. All clips of a data set end at its
// longest clip, rounded up to a whole second.
func readIoTEvents(ctx context.Context, path string) ([]datasets.Dataset, error) {
	files, skipped, err := readIoTEventsPath(ctx, path)
	if err != nil {
		return nil, err
	}
	var out []datasets.Dataset
	for _, f := range files {
		ds := iotEventsDataset([]iotFile{f})
		ds.Name = f.stem
		if len(out) == 0 {
			ds.Warnings = append(ds.Warnings, skipped...)
		}
		out = append(out, ds)
	}
	return out, nil
}

// readIoTEventsPooled reads the same files into one data set, whose classes are
// "<stem>/<label>".
func readIoTEventsPooled(ctx context.Context, folder string) (datasets.Dataset, error) {
	files, skipped, err := readIoTEventsPath(ctx, folder)
	if err != nil {
		return datasets.Dataset{}, err
	}
	ds := iotEventsDataset(files)
	ds.Warnings = append(ds.Warnings, skipped...)
	return ds, nil
}

// iotFile is one file as read.
type iotFile struct {
	stem  string
	clips []iotClip
	tail  int // rows after the last label
}

// iotClip is one labeled run of packets; packet times are since start.
type iotClip struct {
	label    string
	start    time.Time
	packets  []datasets.Packet
	backward int // packets whose time lay before an earlier one's
}

// readIoTEventsPath reads a file, or all *.txt of a folder by name, and says
// which files had to be left out.
func readIoTEventsPath(ctx context.Context, path string) (files []iotFile, skipped []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = glob(path, "*.txt"); err != nil {
			return nil, nil, err
		}
	}

	// A file that nobody labeled is worth a warning among others, but an error
	// alone.
	for _, name := range names {
		f, err := readText(ctx, name, parseIoTEvents)
		if err != nil {
			return nil, nil, err
		}
		f.stem = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		if len(f.clips) == 0 {
			skipped = append(skipped, fmt.Sprintf("%s: %d packets and no label, left out", filepath.Base(name), f.tail))
			continue
		}
		files = append(files, f)
	}

	switch {
	case len(files) > 0:
		return files, skipped, nil
	case !info.IsDir() && len(skipped) > 0:
		return nil, nil, fmt.Errorf("%s: no line is a label (want packet lines that begin with a tab, and a label below each event)", path)
	}
	return nil, nil, fmt.Errorf("%s: no *.txt file with labeled events", path)
}

// parseIoTEvents reads one file. Errors begin with the line number.
func parseIoTEvents(r io.Reader) (iotFile, error) {
	var f iotFile
	var c iotClip

	// Labels stand below their packets, so a clip is complete when its label
	// comes; packets after the last label stay over.
	sc := newLines(r)
	for sc.Scan() {
		line := sc.Text()
		switch {
		case strings.TrimSpace(line) == "":
		case line[0] == '\t':
			if err := c.row(line[1:]); err != nil {
				return f, sc.fail(err)
			}
		case len(c.packets) == 0:
			return f, sc.fail(fmt.Errorf("label %q closes an event without packets (packet lines begin with a tab)", quote(line)))
		default:
			c.label = strings.TrimSpace(line)
			f.clips = append(f.clips, c)
			c = iotClip{}
		}
	}
	f.tail = len(c.packets)
	return f, sc.Err()
}

// row adds the packet of a line without its first tab.
func (c *iotClip) row(line string) error {
	v := strings.Split(strings.TrimRight(line, "\t "), "\t")
	if len(v) != 4 {
		return fmt.Errorf("%d fields, want time, speed, direction and length", len(v))
	}
	at, err := parseEpoch(v[0])
	if err != nil {
		return err
	}
	p := datasets.Packet{Dir: datasets.Down}
	switch v[2] {
	case "1":
		p.Dir = datasets.Up
	case "0":
	default:
		return fmt.Errorf("direction %q, want 1 (to the Internet) or 0", quote(v[2]))
	}

	n, err := strconv.Atoi(v[3])
	if err != nil || n < datasets.EthernetHeader || n > 1<<16+datasets.EthernetHeader {
		return fmt.Errorf("length %q, want a frame's bytes, %d to %d", quote(v[3]), datasets.EthernetHeader, 1<<16+datasets.EthernetHeader)
	}
	p.Size, p.Payload = int32(n), iotPayload(int32(n))

	// Packets that were pasted in keep their place among the rows, which the
	// published method works on, and lose their time.
	if len(c.packets) == 0 {
		c.start = at
	} else {
		last := c.packets[len(c.packets)-1].Time
		if p.Time = at.Sub(c.start); p.Time < last {
			p.Time = last
			c.backward++
		}
	}
	c.packets = append(c.packets, p)
	return nil
}

// iotPayload is the TCP payload of a frame, as far as its length tells.
func iotPayload(size int32) int32 {
	switch size {
	case 54, 58, 60, 62, 66, 74: // bare ACK and SYN, with and without options
		return 0
	}
	return max(size-54, 0)
}

// iotEventsDataset makes one data set of the clips of some files.
func iotEventsDataset(files []iotFile) datasets.Dataset {
	ds := datasets.Dataset{
		Recorded: datasets.WAN,
		Tasks:    []datasets.Task{datasets.TaskClip},
		Split:    "leave-one-out",
	}

	// All clips end at the longest one's end, so that the length of observing
	// tells nothing.
	var devices []string
	var longest time.Duration
	for _, f := range files {
		devices = append(devices, f.stem)
		for _, c := range f.clips {
			longest = max(longest, c.packets[len(c.packets)-1].Time)
		}
	}
	slices.Sort(devices)
	end := roundUp(longest)

	for _, f := range files {
		device, _ := slices.BinarySearch(devices, f.stem)
		backward, clips := 0, 0
		for i, c := range f.clips {
			id := f.stem + "/" + padded(i+1, max(1000, len(f.clips)))
			ds.Recordings = append(ds.Recordings, c.recording(id, devices, device, end))
			if backward += c.backward; c.backward > 0 {
				clips++
			}
		}

		if backward > 0 {
			ds.Warnings = append(ds.Warnings, fmt.Sprintf("%s: %d packets in %d clips lie before an earlier packet; their time is the running maximum", f.stem, backward, clips))
		}
		if n := f.copies(); n > 0 {
			ds.Warnings = append(ds.Warnings, fmt.Sprintf("%s: %d clips are copies of earlier ones, with the same times", f.stem, n))
		}
		if f.tail > 0 {
			ds.Warnings = append(ds.Warnings, fmt.Sprintf("%s: %d packets after the last label, left out", f.stem, f.tail))
		}
	}
	return ds
}

// copies counts the clips that stand in the file a second time.
func (f iotFile) copies() int {
	first := map[time.Time][]int{}
	n := 0
	for i, c := range f.clips {
		same := func(j int) bool { return f.clips[j].label == c.label && slices.Equal(f.clips[j].packets, c.packets) }
		if slices.ContainsFunc(first[c.start], same) {
			n++
			continue
		}
		first[c.start] = append(first[c.start], i)
	}
	return n
}

// recording makes a recording whose packets are all the device's and all caused
// by the event.
func (c iotClip) recording(id string, devices []string, device int, end time.Duration) datasets.Recording {
	const tcp = 6
	return datasets.Recording{
		ID:    id,
		Group: id,
		Trace: datasets.Trace{Start: c.start, Packets: c.packets, Flows: []datasets.Flow{{Proto: tcp}}, End: end},
		Labels: datasets.Labels{
			Devices: devices,
			Owners:  slices.Repeat([]int32{int32(device)}, len(c.packets)),
			Events:  []datasets.Event{{Device: device, Activity: c.label}},
			Cause:   make([]int32, len(c.packets)),
		},
	}
}
