// Package capture reads packet captures of every common make into traces.
//
// Read this file first, then follow a packet:
//
//  1. reader.go finds the compression and the format, and pcap.go or pcapng.go
//     yields records;
//  2. link.go, line.go, radio.go and network.go decode the headers of one
//     record, wrap.go opens the tunnels and mirrors it came through;
//  3. names.go learns host names from its payload;
//  4. repair.go takes back what capturing did to it: fragments, copies, frames
//     above the MTU, and when all are read, steps of the clock;
//  5. build.go sorts the packet into a conversation and, when all are read,
//     makes the trace: home.go decides which side is the home, marks.go when
//     observing started and ended.
//
// Read does all of it. NewReader stops behind step 1, for those who want
// records as they stand. dataset.go makes a data set of a capture and its label
// files. The way back is package write; package summary says what is in a trace.
package capture

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
)

// Options says how to read a capture. The zero value reads a complete file and
// takes private addresses for the home.
type Options struct {
	// Home lists the prefixes that are inside the home, in place of the
	// private ranges. Use it for captures taken outside (a public address).
	Home []netip.Prefix
	// MACs lists hardware addresses inside the home. Where one side of a
	// packet is in the list and the other is not, the list decides.
	MACs []datasets.MAC
	// Names is a file of lines "address,name" that names remote addresses for
	// which the capture itself has neither a DNS answer nor a TLS hello.
	Names string
	// AllowTruncated goes on with the packets before the place where a file
	// is cut, with a warning.
	AllowTruncated bool
	// SortTimes sorts packets by time. Otherwise a packet that is earlier
	// than its predecessor gets the predecessor's time, and where the clock was
	// set back the packets before it move to the new clock.
	SortTimes bool
	// CloseGaps takes silences of a day and more for a clock that was set
	// forward, and leaves them out.
	CloseGaps bool
	// SplitAtJumps begins a recording of its own wherever the clock jumped. Read
	// only lists the places: data sets are cut at them.
	SplitAtJumps bool
	// DropCopies leaves out packets that were captured twice.
	DropCopies bool
	// MemoryBytes bounds the packets of the trace, at 50 bytes each: more is an
	// error, however large the file. 0 is no bound.
	MemoryBytes int64
	// WholeFrames leaves TCP frames above the MTU whole. Otherwise they are seen
	// as the segments that the network card makes of them.
	WholeFrames bool
}

// Count is how often something was seen: a link type, a reason.
type Count struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

// Query is how often a client looked a name up, whether it got an answer or not.
type Query struct {
	Client string `json:"client"`
	Name   string `json:"name"`
	Count  int    `json:"count"`
}

// Report is what reading a capture found beside the trace.
type Report struct {
	// File is the name the capture was opened by.
	File string `json:"file"`
	// Format is "pcap" or "pcapng".
	Format string `json:"format"`
	// Compression is "gzip", "zstd", "xz" or "".
	Compression string `json:"compression,omitempty"`
	// Resolution is the unit of the file's times, such as "microseconds".
	Resolution string `json:"resolution"`
	// Links counts records by link type.
	Links []Count `json:"links"`
	// Records is the number of packet records in the file; Packets of them
	// are in the trace and Skipped are not.
	Records int `json:"records"`
	Packets int `json:"packets"`
	Skipped int `json:"skipped"`
	// Reasons says why records were skipped, most frequent first.
	Reasons []Count `json:"reasons"`
	// Odd counts packets that were kept although something about them is
	// wrong, such as a length in a header that exceeds the frame.
	Odd []Count `json:"odd"`
	// Copies counts packets that are in the file twice; they are in the trace
	// unless they were to be dropped. Segments is how many packets there are more
	// than frames, as frames above the MTU were cut.
	Copies   int `json:"copies,omitempty"`
	Segments int `json:"segments,omitempty"`
	// Opened counts packets by the wrapper they were taken out of (a mirror port,
	// a tunnel), NotOpened those in wrappers that hide what is inside.
	Opened    []Count `json:"opened,omitempty"`
	NotOpened []Count `json:"not_opened,omitempty"`
	// Home lists prefixes that routers and neighbors on the link gave away.
	Home []string `json:"home,omitempty"`
	// Queries are the look-ups over plain DNS, by client and name.
	Queries []Query `json:"queries,omitempty"`
	// Recorded is the nearest vantage that the capture can stand for.
	Recorded datasets.Vantage `json:"recorded"`
	// WireBytes is the sum of the frames' original lengths.
	WireBytes int64 `json:"wire_bytes"`
	// Snapped counts records that hold only the beginning of their frame.
	Snapped int `json:"snapped"`
	// OutOfOrder counts records earlier than one before them.
	OutOfOrder int `json:"out_of_order"`
	// Truncated says where the file is cut, "" if it is whole.
	Truncated string `json:"truncated,omitempty"`
	// Doubts are what a result may not rest on, Warnings other sentences for
	// people; neither has the file's name.
	Doubts   []datasets.Doubt `json:"doubts"`
	Warnings []string         `json:"warnings"`
	// Jumps are the silences of the trace in which the clock was set, from the
	// last packet before to the first one behind.
	Jumps []Jump `json:"-"`
}

// Jump is a place of a trace where the capturing clock was set.
type Jump struct{ Before, After time.Duration }

// DoubtsAt are the doubts with where in front of the place of each: the name
// by which a data set knows the capture.
func (r *Report) DoubtsAt(where string) []datasets.Doubt {
	out := slices.Clone(r.Doubts)
	for i := range out {
		out[i].Where = where
	}
	return out
}

// Open is Read of the file at path. Messages name it by its last element.
func Open(ctx context.Context, path string, o Options) (datasets.Trace, *Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return datasets.Trace{}, nil, err
	}
	defer f.Close()
	return Read(ctx, f, filepath.Base(path), o)
}

// Read reads a capture: pcap or pcapng, plain or compressed by gzip, zstd or xz,
// recognized by its first bytes. name stands for the source in messages.
//
// Time 0 is the first packet, or the start of observing if package write made
// the file. Flows are in order of first appearance. A record that is no packet
// an observer could use (an 802.11 control frame, say) is skipped and counted.
// An error says which packet, at which byte of the uncompressed stream, and
// what was expected there; one that wraps io.ErrUnexpectedEOF is a file that is
// cut.
func Read(ctx context.Context, r io.Reader, name string, o Options) (datasets.Trace, *Report, error) {
	fail := func(err error) (datasets.Trace, *Report, error) {
		return datasets.Trace{}, nil, fmt.Errorf("%s: %w", name, err)
	}

	// Names come first: a mistake in their short file should not cost the time
	// of reading a long capture. Their errors name that file, not the capture.
	names, err := readNamesFile(o.Names)
	if err != nil {
		return datasets.Trace{}, nil, err
	}

	rd, err := NewReader(r)
	if err != nil {
		return fail(err)
	}
	defer rd.Close()
	b := newBuilder(o)
	if err := b.readAll(ctx, rd); err != nil {
		return fail(err)
	}
	t := b.trace(names)
	b.rep.File = name
	rd.describe(&b.rep)
	if err := b.rep.unread(); err != nil {
		return fail(err)
	}
	return t, &b.rep, nil
}

// unread is an error where no record was of a link type that can be read.
func (r *Report) unread() error {
	if r.Records == 0 || r.Packets > 0 {
		return nil
	}
	for _, c := range r.Reasons {
		if !strings.HasPrefix(c.What, skipUnsupported) {
			return nil
		}
	}
	return fmt.Errorf("every one of %s records was skipped: %s", commas(int64(r.Records)), r.Reasons[0].What)
}

// Empty is an error that says why there are records but no packets among them,
// nil if there are. What needs traffic should stop there.
func (r *Report) Empty() error {
	if r.Records == 0 || r.Packets > 0 {
		return nil
	}
	var why []string
	for _, c := range r.Reasons {
		why = append(why, fmt.Sprintf("%s: %s", commas(int64(c.Count)), c.What))
	}
	return fmt.Errorf("%s: every one of %s records was skipped (%s)", r.File, commas(int64(r.Records)), strings.Join(why, "; "))
}
