package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/lookahead"
	"veilbench/datasets/capture/internal/unxz"
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

// alone is how many records are read before a second thread is worth starting.
const alone = 1 << 13

// readAll adds every record. What is there to do without the builder, reading,
// unpacking, decoding and hashing, a second thread does where there is one and the
// capture is long.
func (b *builder) readAll(ctx context.Context, rd *Reader) error {
	var rec Record
	var f frame
	for aside := runtime.GOMAXPROCS(0) > 1; rd.records < alone || !aside; {
		if err := b.mayGoOn(ctx, rd.records); err != nil {
			return err
		}
		if err := rd.Next(&rec); err != nil {
			return b.ended(err, rd.records)
		}
		f.decode(&rec)
		f.sumUp()
		b.add(&rec, &f)
	}

	n := rd.records
	empty, full := make(chan *batch, batches), make(chan *batch, batches)
	for range batches {
		empty <- &batch{buf: make([]byte, window+bufferSlack)}
	}
	go func() {
		defer close(full)
		for bt := range empty {
			bt.fill(rd)
			full <- bt
			if bt.err != nil {
				return
			}
		}
	}()

	// The other thread may not go on reading when this one has given up.
	defer func() {
		close(empty)
		for range full { // until it has ended
		}
	}()
	for bt := range full {
		for i := range bt.frames[:bt.n] {
			if err := b.mayGoOn(ctx, n); err != nil {
				return err
			}
			b.add(&bt.records[i], &bt.frames[i])
			n++
		}
		if bt.err != nil {
			return b.ended(bt.err, n)
		}
		empty <- bt
	}
	return nil
}

// mayGoOn looks now and then whether reading must end behind so many records.
func (b *builder) mayGoOn(ctx context.Context, records int) error {
	if records&0xfff != 0 {
		return nil
	}
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
	// batches is how many go around between two threads, one read while the other is
	// built from, each with a buffer of a window; batchRecords and
	// batchBytes how much is in one.
	batches      = 2
	batchRecords = 256
	batchBytes   = 128 << 10
)

// batch is records that one thread decodes and another one builds a trace of. Their
// data lie in its buffer, into which the reader read them.
type batch struct {
	n       int
	records [batchRecords]Record
	frames  [batchRecords]frame
	buf     []byte
	err     error // behind the records
}

// fill reads and decodes the next records.
func (bt *batch) fill(rd *Reader) {
	rd.src.buf.Renew(bt.buf)
	start := rd.src.offset()
	for bt.n = 0; bt.n < batchRecords && rd.src.offset()-start < batchBytes; bt.n++ {
		rec, f := &bt.records[bt.n], &bt.frames[bt.n]
		if bt.err = rd.Next(rec); bt.err != nil {
			return
		}
		f.decode(rec)
		f.sumUp()
	}
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

// openSource finds the compression by the first bytes, never by the name.
func openSource(r io.Reader) (*source, error) {
	count := &counter{r: r}
	raw := bufio.NewReaderSize(count, 1<<16)
	m, err := raw.Peek(len(unxz.Magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	s := &source{in: raw, raw: count, close: func() {}}
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
	size := window
	if b, err := raw.Peek(raw.Size()); s.compression == "" && errors.Is(err, io.EOF) {
		size = len(b) + bufferSlack
	}
	s.buf = lookahead.New(s, size)
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
