package folder

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets/capture"
	"veilbench/datasets/parallel"
)

// plan makes units of the captures: rotated files one, every other file its
// own.
func (l *loader) plan() error {
	if len(l.files.captures) == 0 {
		return l.planCells()
	}
	for _, c := range l.truth.cells {
		l.leave(c, "a trace of cells among captures")
	}
	after, err := l.planPairs()
	if err != nil {
		return err
	}
	groups, order := map[string][]string{}, []string{}
	for _, c := range l.files.captures {
		if after[c] {
			continue
		}
		k := c
		if l.f.spec.Join != "none" {
			k = rotationKey(c)
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], c)
	}

	groups, order = l.countUp(groups, order)

	// Looking into candidates costs a pass over them, so they are shared out.
	units := make([][]*unit, len(order))
	err = parallel.For(l.ctx, l.o.Workers, len(order), func(_, i int) error {
		units[i] = l.joinOrNot(order[i], groups[order[i]])
		return nil
	})
	l.units = slices.Concat(units...)
	l.f.captures = len(l.files.captures)
	return err
}

// countRE is a name that ends in a number, without an ending.
var countRE = regexp.MustCompile(`^(.*?)\d+$`)

// countUp puts the files together that have no other of their recording, and
// names that differ by the number at their end alone: cap-001.pcap. Most are
// trials; what they hold decides.
func (l *loader) countUp(groups map[string][]string, order []string) (map[string][]string, []string) {
	if l.f.spec.Join == "none" {
		return groups, order
	}
	out, keys := map[string][]string{}, []string{}
	for _, k := range order {
		files := groups[k]
		if m := countRE.FindStringSubmatch(stemOf(files[0])); len(files) == 1 && m != nil && strings.HasSuffix(k, "\x00number") {
			k = m[1] + "\x00count"
		}
		if out[k] == nil {
			keys = append(keys, k)
		}
		out[k] = append(out[k], files...)
	}
	return out, keys
}

// rotationKey is equal for files that may be one recording: names that differ
// by the number behind the ending or by a time of day, or by both.
func rotationKey(rel string) string {
	dir, base := path.Split(stemOf(rel))
	if s, ok := findStamp(base); ok && s.hasClock && isCapture(rel) {
		// dumpcap writes a number of five digits in front of the time, or behind it.
		return dir + serialRE.ReplaceAllString(base[:s.lo], "") + "\x00" + serialEndRE.ReplaceAllString(base[s.hi:], "") + "\x00time"
	}
	return numberKey(rel)
}

// numberKey is equal for files whose names differ by the number behind the ending
// alone.
func numberKey(rel string) string {
	bare := packed.ReplaceAllString(rel, "")
	if m := numberedRE.FindStringSubmatchIndex(bare); m != nil {
		return bare[:m[3]] + "\x00number"
	}
	if captureRE.MatchString(bare) {
		return bare + "\x00number"
	}
	return rel
}

// isCapture says whether a name ends as captures do, rotated ones too.
func isCapture(rel string) bool {
	bare := packed.ReplaceAllString(rel, "")
	return captureRE.MatchString(bare) || numberedRE.MatchString(bare)
}

var (
	serialRE    = regexp.MustCompile(`_\d{5}_$`)
	serialEndRE = regexp.MustCompile(`^_\d{5}$`)
)

// joinOrNot decides whether candidates are one recording.
func (l *loader) joinOrNot(key string, files []string) []*unit {
	if len(files) < 2 {
		return alone(files)
	}

	// By number: tcpdump -C leaves the first without one, -W wraps around, so
	// the order is that of the first packets and the number only breaks ties.
	byNumber, byCount := strings.HasSuffix(key, "\x00number"), strings.HasSuffix(key, "\x00count")
	var parts []rotated
	for _, f := range files {
		p := rotated{file: f, first: math.MaxInt64, number: -1}
		if m := numberedRE.FindStringSubmatch(packed.ReplaceAllString(f, "")); m != nil {
			p.number, _ = strconv.Atoi(m[2])
		}
		p.stamp, _ = findStamp(path.Base(stemOf(f)))
		p.scan(l.ctx, l.root, byNumber || byCount)
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b rotated) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.number, b.number), cmp.Compare(a.file, b.file))
	})

	if l.f.spec.Join != "rotated" {
		switch {
		case byCount && !l.seamless(parts):
			return alone(files)
		case !byNumber && !byCount && !l.contiguous(key, runs(parts)):
			return l.byNumber(files)
		}
	}
	u := &unit{stem: strings.TrimRight(strings.SplitN(key, "\x00", 2)[0], "-_. ")}
	if byNumber {
		u.stem = stemOf(u.stem)
	}
	if u.stem == "" || strings.HasSuffix(u.stem, "/") {
		u.stem += "capture"
	}
	for _, p := range parts {
		u.files = append(u.files, p.file)
	}
	return []*unit{u}
}

// alone makes a unit of each file.
func alone(files []string) (us []*unit) {
	for _, f := range files {
		us = append(us, &unit{stem: stemOf(f), files: []string{f}})
	}
	return us
}

// byNumber joins those of the files that differ by the number behind their ending:
// each time at which tcpdump -C was started, say.
func (l *loader) byNumber(files []string) (us []*unit) {
	groups, order := map[string][]string{}, []string{}
	for _, f := range files {
		k := numberKey(f)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], f)
	}
	for _, k := range order {
		us = append(us, l.joinOrNot(k, groups[k])...)
	}
	return us
}

// runs puts the files of one time into one, in order.
func runs(parts []rotated) []rotated {
	var out []rotated
	for _, p := range parts {
		n := len(out)
		if n > 0 && out[n-1].stamp.at.Equal(p.stamp.at) && p.first != math.MaxInt64 {
			out[n-1].last = max(out[n-1].last, p.last)
			continue
		}
		out = append(out, p)
	}
	return out
}

// rotated is one file of a recording.
type rotated struct {
	file        string
	first, last int64 // nanoseconds since 1970
	number      int
	stamp       stamp
}

// scan finds the first and, unless only that is asked for, the last time.
func (p *rotated) scan(ctx context.Context, root string, firstOnly bool) {
	f, err := os.Open(filepath.Join(root, p.file))
	if err != nil {
		return
	}
	defer f.Close()
	rd, err := capture.NewReader(f)
	if err != nil {
		return
	}
	defer rd.Close()
	var rec capture.Record
	for n := 0; rd.Next(&rec) == nil; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return // For says so
		}
		p.first = min(p.first, rec.Time)
		if p.last = max(p.last, rec.Time); firstOnly {
			return
		}
	}
}

// contiguous says whether files whose names hold times are one recording cut by
// the clock: all distances are multiples of the least, each file ends before
// the next begins, and together they cover a good part of the time. Trials that
// people made one by one fail one of the three.
func (l *loader) contiguous(key string, parts []rotated) bool {
	if len(parts) < 2 {
		return true // one time, many numbers
	}
	period, covered := int64(math.MaxInt64), int64(0)
	for i, p := range parts {
		if p.first == math.MaxInt64 {
			continue // without a packet it neither helps nor hinders
		}
		covered += p.last - p.first
		if i > 0 {
			period = min(period, int64(p.stamp.at.Sub(parts[i-1].stamp.at)))
		}
	}
	if period < int64(time.Second) || period == math.MaxInt64 {
		return false
	}

	for i, p := range parts[1:] {
		step := int64(p.stamp.at.Sub(parts[i].stamp.at))

		// Summer time moves names of local time by an hour, once.
		if step%period != 0 && (step-int64(time.Hour))%period != 0 {
			return false
		}
		if p.first != math.MaxInt64 && p.first < parts[i].last {
			return false
		}
	}
	n := int64(len(parts))
	share := 0.3
	if n == 2 {
		share = 0.4 // any two times are multiples of their distance
	}

	// Captures by the hour with nothing but a date for a name and a table of
	// devices are what it says: each its own, grouped by day.
	bare := strings.HasPrefix(path.Base(key), "\x00")
	if bare && period >= int64(time.Hour) && len(l.truth.lists) > 0 && len(l.truth.files) == 0 {
		return false
	}
	return float64(covered) >= share*float64(period)*float64(n-1)
}

// seamless says whether files that are numbered before their ending, in the order
// of their first packets, are one recording cut by size or by the clock. Each but
// the last is as large, or as long, as the others; and then nothing is missing
// between them: trials that a program made have a pause. Two files alone could be
// anything.
func (l *loader) seamless(parts []rotated) bool {
	const few = 3
	if len(parts) < few {
		return false
	}
	var sizes, steps []int64
	for i, p := range parts[:len(parts)-1] {
		if p.first == math.MaxInt64 || parts[i+1].first == math.MaxInt64 || naturalLess(parts[i+1].file, p.file) {
			return false
		}
		if info, err := os.Stat(filepath.Join(l.root, p.file)); err == nil && !packed.MatchString(p.file) {
			sizes = append(sizes, info.Size())
		}
		steps = append(steps, parts[i+1].first-p.first)
	}
	if !alike(sizes, len(parts)-1) && !alike(steps, len(parts)-1) {
		return false
	}

	// Only now is it worth a pass over what may be a thousand trials.
	var gaps, covered int64
	for i := range parts {
		parts[i].scan(l.ctx, l.root, false)
		covered += parts[i].last - parts[i].first
		if i > 0 {
			gap := parts[i].first - parts[i-1].last
			if gap < 0 || gap > int64(gapStated) {
				return false
			}
			gaps += gap
		}
	}
	return gaps*50 <= covered
}

// alike says whether there are n numbers that differ by a twentieth at most.
func alike(x []int64, n int) bool {
	return len(x) == n && slices.Max(x)-slices.Min(x) <= slices.Max(x)/20
}

// naturalLess says whether the number at the end of a's stem is below that of b's.
func naturalLess(a, b string) bool {
	number := func(s string) int {
		stem := stemOf(s)
		n, _ := strconv.Atoi(stem[len(countRE.FindStringSubmatch(stem)[1]):])
		return n
	}
	return number(a) < number(b)
}

// joined reads several captures as one: a pcapng stream in which each link type
// is an interface. It keeps every record as it stands, so what is decoded is
// what the files hold. A file that is cut inside a packet gives the packets
// before it.
type joined struct {
	root   string
	files  []string
	budget *budget
	rd     *capture.Reader
	file   *os.File
	next   int
	links  map[uint32]uint32
	out    []byte // written, not yet read
	pos    int
	last   int64
	notes  []string
	alone  bool // one file: being cut is an error
	border bool // no record of the open file was written yet
}

// Read fills p with the stream's next bytes.
func (j *joined) Read(p []byte) (int, error) {
	for j.pos == len(j.out) {
		j.out, j.pos = j.out[:0], 0
		if err := j.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, j.out[j.pos:])
	j.pos += n
	return n, nil
}

// close frees the file that is open.
func (j *joined) close() {
	if j.rd != nil {
		j.rd.Close()
		j.file.Close()
		j.rd = nil
	}
}

// more appends records to j.out, opening file after file.
func (j *joined) more() error {
	if j.links == nil {
		j.links = map[uint32]uint32{}
		j.out = append(j.out, sectionHeader...)
	}
	if j.rd == nil {
		if j.next == len(j.files) {
			return io.EOF
		}
		f, err := os.Open(filepath.Join(j.root, j.files[j.next]))
		if err != nil {
			return err
		}
		rd, err := capture.NewReader(f)
		if err != nil {
			f.Close()
			j.next++
			if j.alone {
				return err
			}
			j.notes = append(j.notes, fmt.Sprintf("%s: %v; left out", path.Base(j.files[j.next-1]), err))
			return nil
		}
		j.file, j.rd, j.next, j.border = f, rd, j.next+1, true
	}

	var rec capture.Record
	for len(j.out) < 1<<16 {
		err := j.rd.Next(&rec)
		switch {
		case errors.Is(err, io.EOF):
			j.close()
			return nil
		case err != nil && (j.alone || !errors.Is(err, io.ErrUnexpectedEOF)):
			return fmt.Errorf("%s: %w", path.Base(j.files[j.next-1]), err)
		case err != nil:
			what, _, _ := strings.Cut(err.Error(), ". Use --")
			j.notes = append(j.notes, fmt.Sprintf("%s: %s; those are read", path.Base(j.files[j.next-1]), what))
			j.close()
			return nil
		}
		if err := j.budget.take(1); err != nil {
			return err
		}

		// A long gap inside a file is the recording's; at a border it may be a
		// file that is missing.
		if j.border && j.next > 1 && rec.Time-j.last > int64(gapStated) {
			j.notes = append(j.notes, fmt.Sprintf("%v without a packet before %s: quiet, or a file is missing",
				time.Duration(rec.Time-j.last).Round(time.Second), path.Base(j.files[j.next-1])))
		}
		j.last, j.border = max(j.last, rec.Time), false
		j.record(&rec)
	}
	return nil
}

// gapStated is the least gap between two files that is said.
const gapStated = 10 * time.Second

// sectionHeader begins a little-endian pcapng stream of unknown length.
var sectionHeader = []byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00")

// record appends one packet block, with a block for its interface before it if
// its link type is new.
func (j *joined) record(rec *capture.Record) {
	le := binary.LittleEndian
	n, ok := j.links[rec.Link]
	if !ok {
		n = uint32(len(j.links))
		j.links[rec.Link] = n

		// Option 9 says nanoseconds; snapshot length 0 means no limit.
		j.out = le.AppendUint32(j.out, 1)
		j.out = le.AppendUint32(j.out, 32)
		j.out = le.AppendUint16(j.out, uint16(rec.Link))
		j.out = append(j.out, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0)
		j.out = le.AppendUint32(j.out, 32)
	}
	fill := -len(rec.Data) & 3
	size := uint32(32 + len(rec.Data) + fill)
	j.out = le.AppendUint32(j.out, 6)
	j.out = le.AppendUint32(j.out, size)
	j.out = le.AppendUint32(j.out, n)
	j.out = le.AppendUint32(j.out, uint32(uint64(rec.Time)>>32))
	j.out = le.AppendUint32(j.out, uint32(uint64(rec.Time)))
	j.out = le.AppendUint32(j.out, uint32(len(rec.Data)))
	j.out = le.AppendUint32(j.out, uint32(rec.Length))
	j.out = append(j.out, rec.Data...)
	j.out = append(j.out, 0, 0, 0)[:len(j.out)+fill]
	j.out = le.AppendUint32(j.out, size)
}
