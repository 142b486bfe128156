package home

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/capture/write"
)

// Files are the files that Export wrote for one recording, without the
// folder; "" for those that had nothing to say.
type Files struct {
	Recording string
	Capture   string // the packets
	Events    string // start,end,device,activity
	Devices   string // address,device
	Commands  string // time,device,actions
	Stays     string // start,end,home,asleep
	Names     string // address,name of servers the capture does not name
}

// Export writes every recording of ds into the folder dir, which it makes if
// need be: a pcap file that other tools open, and the truth beside it as the
// CSV files that captures are labeled with. A device in the truth owns the
// hardware addresses of its flows; what packet was caused by what event is not
// written. No file is ever half there, and all can read them. When one cannot be
// written or ctx ends, the files of the recordings before are returned with the
// error, and stay.
func Export(ctx context.Context, dir string, ds datasets.Dataset) ([]Files, error) {
	var out []Files
	for i := range ds.Recordings {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		f, err := exportOne(dir, &ds.Recordings[i])
		if err != nil {
			return out, fmt.Errorf("recording %s: %w", ds.Recordings[i].ID, err)
		}
		out = append(out, f)
	}
	return out, nil
}

// exportOne writes the files of one recording.
func exportOne(dir string, rec *datasets.Recording) (Files, error) {
	base := strings.ReplaceAll(rec.ID, "/", "-")
	f := Files{Recording: rec.ID, Capture: base + ".pcap"}
	err := atomicfile.WriteTo(filepath.Join(dir, f.Capture), func(w io.Writer) error { return write.Capture(w, rec.Trace) })
	if err != nil {
		return f, err
	}

	lists := []struct {
		name *string
		kind string
		text string
	}{
		{&f.Events, "events", eventLines(rec.Labels)},
		{&f.Devices, "devices", deviceLines(rec)},
		{&f.Commands, "commands", commandLines(rec.Labels)},
		{&f.Stays, "stays", stayLines(rec.Labels)},
		{&f.Names, "names", nameLines(rec.Trace)},
	}

	// A recording without commands has no file of commands, and so on.
	for _, l := range lists {
		if l.text == "" {
			continue
		}
		*l.name = base + "." + l.kind + ".csv"
		if err := atomicfile.Write(filepath.Join(dir, *l.name), []byte(l.text)); err != nil {
			return f, err
		}
	}
	return f, nil
}

// Times below are written in seconds with nine places: all their nanoseconds,
// as a recording is shorter than the 104 days up to which floating point tells
// those apart.

func eventLines(l datasets.Labels) string {
	if len(l.Events) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# clock: start\nstart,end,device,activity\n")
	for _, e := range l.Events {
		fmt.Fprintf(&b, "%.9f,%.9f,%s,%s\n", e.Start.Seconds(), e.End.Seconds(), l.Devices[e.Device], e.Activity)
	}
	return b.String()
}

func commandLines(l datasets.Labels) string {
	if len(l.Commands) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# clock: start\ntime,device,actions\n")
	for _, c := range l.Commands {
		var actions []string
		for _, a := range c.Actions {
			actions = append(actions, fmt.Sprintf("%s:%d", a.Action, a.Count))
		}
		fmt.Fprintf(&b, "%.9f,%s,%s\n", c.Time.Seconds(), l.Devices[c.Device], strings.Join(actions, ";"))
	}
	return b.String()
}

func stayLines(l datasets.Labels) string {
	if len(l.Stays) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# clock: start\nstart,end,home,asleep\n")
	for _, s := range l.Stays {
		fmt.Fprintf(&b, "%.9f,%.9f,%d,%t\n", s.Start.Seconds(), s.End.Seconds(), s.Home, s.Asleep)
	}
	return b.String()
}

// deviceLines lists who owns which hardware address.
func deviceLines(rec *datasets.Recording) string {
	owner := map[datasets.MAC]int32{}
	for i, p := range rec.Trace.Packets {
		if m := rec.Trace.Flows[p.Flow].MAC; rec.Labels.Owners[i] >= 0 && m != (datasets.MAC{}) {
			owner[m] = rec.Labels.Owners[i]
		}
	}
	var lines []string
	for m, o := range owner { // sorted below
		lines = append(lines, fmt.Sprintf("%s,%s\n", m, rec.Labels.Devices[o]))
	}
	if len(lines) == 0 {
		return ""
	}
	slices.Sort(lines)
	return "address,device\n" + strings.Join(lines, "")
}

// nameLines lists the servers that no packet of the capture names.
func nameLines(t datasets.Trace) string {
	var b strings.Builder
	if n, err := write.Names(&b, t); err != nil || n == 0 {
		return ""
	}
	return b.String()
}
