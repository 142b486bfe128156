package home

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
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
	Names     string // address,name of servers the capture does not name
}

// Export writes every recording of ds into the folder dir, which it makes if
// need be: a pcap file that other tools open, and the truth beside it as the
// CSV files that captures are labeled with. A device in the truth owns the
// hardware addresses of its flows; what packet was caused by what event is not
// written. Each file is written under another name and then renamed, so none
// is ever half there.
func Export(ctx context.Context, dir string, ds datasets.Dataset) ([]Files, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
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

func exportOne(dir string, rec *datasets.Recording) (Files, error) {
	base := strings.ReplaceAll(rec.ID, "/", "-")
	f := Files{Recording: rec.ID, Capture: base + ".pcap"}
	err := writeFile(dir, f.Capture, func(w io.Writer) error { return write.Capture(w, rec.Trace) })
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
		{&f.Names, "names", nameLines(rec.Trace)},
	}
	for _, l := range lists {
		if l.text == "" {
			continue
		}
		*l.name = base + "." + l.kind + ".csv"
		if err := writeFile(dir, *l.name, func(w io.Writer) error {
			_, err := io.WriteString(w, l.text)
			return err
		}); err != nil {
			return f, err
		}
	}
	return f, nil
}

// writeFile writes a file all or not at all.
func writeFile(dir, name string, fill func(io.Writer) error) error {
	tmp, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	w := bufio.NewWriterSize(tmp, 1<<20)
	err = fill(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(dir, name))
}

// seconds writes a time with all its nanoseconds.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%d.%09d", d/time.Second, d%time.Second)
}

func eventLines(l datasets.Labels) string {
	if len(l.Events) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# clock: start\nstart,end,device,activity\n")
	for _, e := range l.Events {
		fmt.Fprintf(&b, "%s,%s,%s,%s\n", seconds(e.Start), seconds(e.End), l.Devices[e.Device], e.Activity)
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
		fmt.Fprintf(&b, "%s,%s,%s\n", seconds(c.Time), l.Devices[c.Device], strings.Join(actions, ";"))
	}
	return b.String()
}

// deviceLines lists who owns which hardware address.
func deviceLines(rec *datasets.Recording) string {
	owner := map[datasets.MAC]int32{}
	for i, p := range rec.Trace.Packets {
		if m := rec.Trace.Flows[p.Flow].Link; rec.Labels.Owners[i] >= 0 && m != (datasets.MAC{}) {
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
