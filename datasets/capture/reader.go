package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/lookahead"
	"veilbench/datasets/capture/internal/unxz"
	"veilbench/datasets/parallel"
)

// Record is one packet record as it stands in the file: nothing is decoded, and
// times may run backwards.
type Record struct {
	// Time is nanoseconds since the Unix epoch, exactly as recorded.
	Time int64
	// Length is the frame's original length in bytes; Data may hold less of it.
	Length int
	// Link is the link type (see tcpdump.org/linktypes.html), all 16 bits.
	Link uint32
	// Data is the captured part. It is valid until the next call.
	Data []byte
}

// Reader yields the records of a capture in file order. It never allocates
// what a length in the file claims, only what the file holds.
type Reader struct {
	src     *source
	format  format
	records int // so far
	links   map[uint32]int
	link    uint32 // of the last records,
	run     int    // so many of them that links does not count yet
}

// format is one capture format.
type format interface {
	// next fills rec. io.EOF is a clean end; an error that wraps
	// io.ErrUnexpectedEOF is a file that is cut.
	next(rec *Record) error
	// name is "pcap" or "pcapng"; unit the resolution of times.
	name() (name, unit string)
	// warnings are sentences about the file as a whole.
	warnings() []string
}

// NewReader recognizes compression and format of r by the first bytes and reads
// the file header. What is no capture is an error that says what r begins with.
// Close the Reader when done; r stays open.
func NewReader(r io.Reader) (*Reader, error) {
	src, err := openSource(r)
	if err != nil {
		return nil, err
	}
	rd := &Reader{src: src, links: map[uint32]int{}}
	if rd.format, err = openFormat(src); err != nil {
		src.close()
		return nil, err
	}
	return rd, nil
}

func openFormat(src *source) (format, error) {
	m, err := src.buf.Peek(4)
	if len(m) < 4 {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("file header: %w", err)
		}
		return nil, fmt.Errorf("not a capture: only %d bytes; want a pcap or pcapng file header", len(m))
	}

	switch binary.LittleEndian.Uint32(m) {
	case magicMicro, magicMicroSwapped, magicNano, magicNanoSwapped, magicModified, magicModifiedSwapped:
		return openPcap(src)
	case blockSection:
		return openPcapng(src)
	}
	return nil, fmt.Errorf("not a capture: begins with %q; want pcap or pcapng, plain or compressed by gzip, zstd or xz", m)
}

// Next reads the next record into rec, whose Data is valid until the call
// after. It returns io.EOF at a clean end. Any other error names the packet and
// its byte in the uncompressed stream, and nothing can be read behind it; one
// that wraps io.ErrUnexpectedEOF means that the file is cut there.
func (r *Reader) Next(rec *Record) error {
	at := r.src.offset()
	if err := r.format.next(rec); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return r.locate(err, at)
	}

	// Links are counted by runs: a map access per record would be felt.
	r.records++
	if r.src.bomb(r.records) {
		return fmt.Errorf("%s packets in %s bytes of %s: real ones differ more; unpack the file to read it all the same", commas(int64(r.records)), commas(r.src.raw.n), r.src.compression)
	}
	if rec.Link != r.link {
		r.countLinks()
		r.link = rec.Link
	}
	r.run++
	return nil
}

// alone is how many records are read before more threads are worth starting, and
// threads how many are at most: two of the three steps go one at a time.
const (
	alone   = 1 << 13
	threads = 4
)

// readAll adds every record, batch by batch. Of a long capture several threads read,
// decode and build in turn, each its own batch.
func (b *builder) readAll(ctx context.Context, rd *Reader) (err error) {
	workers := min(runtime.GOMAXPROCS(0), threads)
	// take and give are called by one thread at a time each: ended is what take knows,
	// built and err are what give does.
	built, ended := 0, false
	for _, n := range []int{1, workers} {
		batches := make([]batch, n)
		for i := range batches {
			batches[i].init(n > 1, rd)
		}
		take := func(w int) bool {
			if ended || n < workers && rd.records >= alone {
				return false
			}
			ended = !batches[w].fill(rd)
			return true
		}
		give := func(w int) bool {
			err = b.addAll(ctx, &batches[w], built)
			built += batches[w].n
			return err == nil
		}
		if parallel.Line(n, take, func(w int) { batches[w].decode() }, give); err != nil || ended {
			break
		}
	}
	return err
}

// addAll adds the records of a batch, of which so many were there before, and says
// what ends reading with or inside of it.
func (b *builder) addAll(ctx context.Context, bt *batch, before int) error {
	b.records, b.part = before+bt.n, bt.part
	for i := range bt.records[:bt.n] {
		if (before+i)&0xfff == 0 { // now and then
			if err := b.mayGoOn(ctx); err != nil {
				return err
			}
		}
		b.add(&bt.records[i], bt.frame(i))
	}
	if bt.err == nil {
		return nil
	}
	return b.ended(bt.err, before+bt.n)
}

// mayGoOn looks whether reading must end.
func (b *builder) mayGoOn(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if most := b.o.MemoryBytes / packetBytes; most > 0 && int64(b.n) > most {
		return fmt.Errorf("its first %s packets do not fit into the memory that is free, %d MB at %d bytes each; cut the capture (editcap -c), or allow more (GOMEMLIMIT)", commas(int64(b.n)), b.o.MemoryBytes>>20, packetBytes)
	}
	return nil
}

// ended is what is left of the error that ended reading behind so many records.
func (b *builder) ended(err error, records int) error {
	switch {
	case errors.Is(err, io.EOF):
		return nil
	// A file cut before its first packet is no capture at all.
	case errors.Is(err, io.ErrUnexpectedEOF) && b.o.AllowTruncated && records > 0:
		b.rep.Truncated = err.Error()
		b.doubt(datasets.DoubtCut, 1, "", "%v", err)
		return nil
	}
	return err
}

const (
	// smallBatch and largeBatch are how many bytes are read for a batch, for one thread
	// and for several: what the caches of a processor hold, and what takes longer to
	// read than to tell another thread. With batchRest bytes left of what was read at
	// once a batch ends: they are copied.
	smallBatch = 64 << 10
	largeBatch = 512 << 10
	batchRest  = 2 << 10
	// leastRecord is the length from which on so many bytes fill a batch.
	leastRecord = 128
	// few is how many frames a single thread decodes at once: what a processor works
	// on side by side, as no frame waits for another, and its nearest cache holds.
	few = 16
)

// batch is records that are read, decoded and built from one after another. Their
// data lie in its buffer, into which the reader read them.
type batch struct {
	n       int
	bytes   int64 // to read for it
	records []Record
	frames  []frame // of all records if there are several threads, else of a few
	several bool    // threads: all are decoded while others are built from
	buf     []byte  // nil: the reader's own
	part    float64 // of the file that was read at their end, 0 if unknown
	err     error   // behind the records
}

// init prepares bt for rd, alone or with others that are filled while it is decoded.
func (bt *batch) init(others bool, rd *Reader) {
	bt.bytes, bt.several = smallBatch, others
	if others {
		bt.bytes = largeBatch
		bt.buf = make([]byte, rd.src.buf.Size())
	}
	bt.records = make([]Record, bt.bytes/leastRecord)
	bt.frames = make([]frame, few)
	if others {
		bt.frames = make([]frame, len(bt.records))
	}
}

// fill reads the next records and says whether there may be more.
func (bt *batch) fill(rd *Reader) bool {
	ahead := rd.src.buf
	ahead.Renew(bt.buf)
	end := rd.src.offset() + bt.bytes
	for bt.n = 0; bt.n < len(bt.records); bt.n++ {
		if bt.err = rd.Next(&bt.records[bt.n]); bt.err != nil {
			break
		}
		if ahead.Buffered() < batchRest && rd.src.read >= end {
			bt.n++
			break
		}
	}
	bt.part = rd.src.part()
	return bt.err == nil
}

// decode decodes the records where others are built from meanwhile.
func (bt *batch) decode() {
	if bt.several {
		bt.decodeInto(bt.records[:bt.n])
	}
}

// decodeInto makes the first frames those of records, and sums them up.
func (bt *batch) decodeInto(records []Record) {
	for i := range records {
		bt.frames[i].decode(&records[i])
	}
	for i := range records {
		bt.frames[i].sumUp()
	}
}

// frame is record i decoded, for which the frames must be asked in their order: a
// single thread decodes only now.
func (bt *batch) frame(i int) *frame {
	if bt.several {
		return &bt.frames[i]
	}
	if i%few == 0 {
		bt.decodeInto(bt.records[i:min(i+few, bt.n)])
	}
	return &bt.frames[i%few]
}

// locate says in which packet err happened, and what can be done. Reading stood
// at byte at before it.
func (r *Reader) locate(err error, at int64) error {
	var e *recordError
	if errors.As(err, &e) && e.at > 0 {
		at = e.at
	}
	before, them := commas(int64(r.records))+" packets before it are fine", "those"
	switch r.records {
	case 0:
		before = "it is the first one"
	case 1:
		before, them = "the packet before it is fine", "it"
	}
	err = fmt.Errorf("packet %d at byte %s: %w; %s", r.records+1, commas(at), err, before)

	// Without any packet there would be no trace to go on with.
	if errors.Is(err, io.ErrUnexpectedEOF) && r.records > 0 {
		return fmt.Errorf("%w. Use --allow-truncated to go on with %s", err, them)
	}
	return err
}

func (r *Reader) countLinks() {
	if r.run > 0 {
		r.links[r.link] += r.run
	}
	r.run = 0
}

// Close frees what the decompressor holds. It does not close the source.
func (r *Reader) Close() { r.src.close() }

// describe fills the parts of a report that the file's format gives.
func (r *Reader) describe(rep *Report) {
	rep.Format, rep.Resolution = r.format.name()
	rep.Compression = r.src.compression
	rep.Records = r.records
	r.countLinks()
	rep.Links = []Count{}
	for _, l := range slices.Sorted(maps.Keys(r.links)) {
		rep.Links = append(rep.Links, Count{linkName(l), r.links[l]})
	}
	rep.Warnings = append(r.format.warnings(), rep.Warnings...)
}

// recordError is a record that cannot be read. at is the byte it begins at
// where that differs from where reading stood, else 0.
type recordError struct {
	at  int64
	msg string
	err error
}

func (e *recordError) Error() string { return e.msg }
func (e *recordError) Unwrap() error { return e.err }

// cutError is the end of the file inside what was read, which begins at byte at
// (0: where reading stood) and was to have want bytes.
func cutError(at int64, where string, want, got int64) error {
	return &recordError{at, fmt.Sprintf("file ends inside %s (wanted %s bytes, got %s)", where, commas(want), commas(got)), io.ErrUnexpectedEOF}
}

const (
	// window is the read-ahead in bytes: all of a file that is in memory at
	// once.
	window = 1 << 20
	// bufferSlack lets Peek meet the end of a small file.
	bufferSlack = 64
	// maxLength is the largest original length accepted: segmentation
	// offload hands down up to 512 KiB as one frame.
	maxLength = 1 << 20
	// maxRatio is how many times longer than its file a compressed capture may
	// be: what gzip can do at most. A few bytes of zstd can stand for any number.
	// It counts from maxFree bytes on.
	maxRatio = 1100
	maxFree  = 64 << 20
	// freeRecords is how many records a compressed capture may have beyond its
	// bytes. Times differ from packet to packet, so real ones take several bytes
	// each; gzip could hold empty packets for hours.
	freeRecords = 1 << 20
	// maxZstdWindow bounds what a zstd file can make the decoder allocate.
	maxZstdWindow = 32 << 20
)

// source is the uncompressed stream with a count of what came out of it.
type source struct {
	buf         *lookahead.Reader
	read        int64 // bytes taken from the stream below buf
	in          io.Reader
	raw         *counter // what in reads
	size        int64    // of what raw reads, 0 if unknown
	close       func()
	compression string
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.read += int64(n)
	if s.compression != "" && s.read > maxFree && s.read/maxRatio > s.raw.n {
		return n, fmt.Errorf("%s bytes of %s stand for more than %s: a bomb, no capture", commas(s.raw.n), s.compression, commas(s.read))
	}
	return n, err
}

// bomb says whether so many records are more than an honest compressed capture of
// this length has.
func (s *source) bomb(records int) bool {
	return s.compression != "" && int64(records) > freeRecords+s.raw.n
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// offset is the position of the next unread byte.
func (s *source) offset() int64 { return s.read - int64(s.buf.Buffered()) }

// part is how much of the file is read, 0 if unknown.
func (s *source) part() float64 {
	switch {
	case s.size == 0:
		return 0
	case s.compression == "":
		return float64(s.offset()) / float64(s.size)
	}
	return float64(s.raw.n) / float64(s.size)
}

// sizeOf is how many bytes r has, 0 if it does not say.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len())
	case interface{ Stat() (fs.FileInfo, error) }:
		if i, err := r.Stat(); err == nil && i.Mode().IsRegular() {
			return i.Size()
		}
	}
	return 0
}

// openSource finds the compression by the first bytes, never by the name.
func openSource(r io.Reader) (*source, error) {
	size, count := sizeOf(r), &counter{r: r}
	raw := bufio.NewReaderSize(count, 1<<16)
	m, err := raw.Peek(len(unxz.Magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	s := &source{in: raw, raw: count, size: size, close: func() {}}
	switch {
	case len(m) == 0:
		return nil, errors.New("empty file; want a pcap or pcapng capture")
	case len(m) >= 2 && m[0] == 0x1f && m[1] == 0x8b:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("gzip header: %w", unexpected(err))
		}
		s.in, s.compression, s.close = z, "gzip", func() { z.Close() }
	case string(m) == unxz.Magic:
		if s.in, err = unxz.New(raw); err != nil {
			return nil, fmt.Errorf("xz header: %w", unexpected(err))
		}
		s.compression = "xz"
	case len(m) >= 4 && m[0] == 0x28 && m[1] == 0xb5 && m[2] == 0x2f && m[3] == 0xfd:
		// The options bound what a few bytes of file can make the decoder
		// allocate.
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("zstd header: %w", err)
		}
		s.in, s.compression, s.close = z, "zstd", z.Close
	}

	// A folder may hold 100,000 small files: a plain one that raw holds whole
	// needs no more than its own size, for no record is longer.
	ahead := window
	if b, err := raw.Peek(raw.Size()); s.compression == "" && errors.Is(err, io.EOF) {
		ahead = len(b) + bufferSlack
	}
	s.buf = lookahead.New(s, ahead)
	return s, nil
}

// unexpected makes an end of file where more was needed an error of its own.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// commas writes n with commas between thousands.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
