package maybenot

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"strings"
)

const (
	// version is the first two characters of a string.
	version = "02"
	// maxPacked is how many compressed bytes are read, and maxPlain how many they may
	// become: what lies behind is cut off, and so usually ends too early.
	maxPacked = 32 << 10
	maxPlain  = 1 << 20
)

// Parse reads a machine's string and validates the machine. The error is an *Error.
func Parse(s string) (*Machine, error) {
	plain, err := unpack(s)
	if err != nil {
		return nil, err
	}
	r := reader{data: plain}
	m := r.machine()
	if r.err == nil && len(r.data) > 0 {
		r.fail("%d bytes are left over", len(r.data))
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

// Name is the name of a machine: half of the digest of its string as it was
// received. Another compressor makes another string, and so another name, of the
// same machine.
func Name(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// unpack is the bytes behind a string.
func unpack(s string) ([]byte, error) {
	if len(s) < 3 {
		return nil, fault(TooShort, "%d bytes, want at least 3", len(s))
	}
	for i := range len(s) {
		if s[i] > 127 {
			return nil, fault(NotASCII, "byte %d is %#x", i, s[i])
		}
	}
	text, ok := strings.CutPrefix(s, version)
	if !ok {
		return nil, fault(BadVersion, "it begins with %q, want %q", s[:2], version)
	}
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, fault(BadBase64, "there is a line break")
	}
	packed, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fault(BadBase64, "%v", err)
	}

	z, err := zlib.NewReader(bytes.NewReader(packed[:min(len(packed), maxPacked)]))
	if err != nil {
		return nil, fault(BadZlib, "%v", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxPlain))

	// A stream without its checksum is used all the same, one with a wrong one not.
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fault(BadZlib, "%v", err)
	}
	return plain, nil
}

// reader takes values from the front of data. After the first fault everything is
// zero, and err says what it was.
type reader struct {
	data []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fault(BadLayout, format, args...)
	}
	r.data = nil
}

// take is the next n bytes, zeros where they are not there.
func (r *reader) take(n int) []byte {
	if len(r.data) < n {
		r.fail("the data ends early")
		return make([]byte, n)
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// uint is an unsigned integer of 1, 3, 5 or 9 bytes; longer forms than needed are
// read too.
func (r *reader) uint() uint64 {
	switch b := r.take(1)[0]; b {
	case 251:
		return uint64(binary.LittleEndian.Uint16(r.take(2)))
	case 252:
		return uint64(binary.LittleEndian.Uint32(r.take(4)))
	case 253:
		return binary.LittleEndian.Uint64(r.take(8))
	case 254, 255:
		r.fail("%#x begins no integer", b)
		return 0
	default:
		return uint64(b)
	}
}

func (r *reader) float() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(r.take(8))) }

// bool is also the tag of what may be absent.
func (r *reader) bool() bool {
	b := r.take(1)[0]
	if b > 1 {
		r.fail("%#x is neither 0 nor 1", b)
	}
	return b == 1
}

// variant is the number of one of n alternatives.
func (r *reader) variant(n uint64) uint8 {
	v := r.uint()
	if v >= n {
		r.fail("there is no variant %d of %d", v, n)
		return 0
	}
	return uint8(v)
}

func (r *reader) machine() *Machine {
	m := &Machine{
		AllowedPaddingPackets: r.uint(), MaxPaddingFrac: r.float(),
		AllowedBlockedMicrosec: r.uint(), MaxBlockingFrac: r.float(),
	}
	// Lengths come from strangers: room is made for what is there, not for what is
	// announced. A state takes 16 bytes at least.
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		m.States = append(m.States, r.state())
	}
	return m
}

func (r *reader) state() State {
	var s State
	if r.bool() {
		s.Action = r.action()
	}
	s.CounterA, s.CounterB = r.counter(), r.counter()
	for k := range s.Transitions {
		if !r.bool() {
			continue
		}
		list := []Transition{} // present, if only with nothing in it
		for n := r.uint(); n > 0 && r.err == nil; n-- {
			state := r.uint()
			if state > uint64(EndState) {
				state = uint64(maxStates) // as far from being there as that one
			}
			p := math.Float32frombits(binary.LittleEndian.Uint32(r.take(4)))
			list = append(list, Transition{uint32(state), p})
		}
		s.Transitions[k] = list
	}
	return s
}

func (r *reader) action() *Action {
	a := &Action{Kind: ActionKind(r.variant(4))}
	if a.Kind == Cancel {
		a.Timer = Timer(r.variant(3))
		return a
	}
	if a.Kind != UpdateTimer {
		a.Bypass = r.bool()
	}
	a.Replace = r.bool()
	if a.Kind != UpdateTimer {
		a.Timeout = r.dist()
	}
	if a.Kind != SendPadding {
		a.Duration = r.dist()
	}
	a.Limit = r.maybeDist()
	return a
}

func (r *reader) counter() *Counter {
	if !r.bool() {
		return nil
	}
	return &Counter{Operation: Operation(r.variant(3)), Dist: r.maybeDist(), Copy: r.bool()}
}

func (r *reader) maybeDist() *Dist {
	if !r.bool() {
		return nil
	}
	d := r.dist()
	return &d
}

func (r *reader) dist() Dist {
	d := Dist{Kind: DistKind(r.variant(uint64(numDists)))}
	for i := range d.Kind.Params() {
		if d.Kind == Binomial && i == 0 {
			d.Params[i] = float64(r.uint()) // above 1e9 refused, so exact where it counts
		} else {
			d.Params[i] = r.float()
		}
	}
	d.Start, d.Max = r.float(), r.float()
	return d
}

// String is the machine's string. It need not be the one that it was read from:
// compressors differ, what they hold does not.
func (m *Machine) String() string {
	var b bytes.Buffer
	b.WriteString(version)
	text := base64.NewEncoder(base64.StdEncoding, &b)
	z, _ := zlib.NewWriterLevel(text, zlib.BestCompression) // a level that it knows

	// Writing to memory does not fail.
	_, _ = z.Write(m.Bytes())
	_ = z.Close()
	_ = text.Close()
	return b.String()
}

// Bytes are what the machine's string packs.
func (m *Machine) Bytes() []byte {
	w := writer{}
	w.uint(m.AllowedPaddingPackets)
	w.float(m.MaxPaddingFrac)
	w.uint(m.AllowedBlockedMicrosec)
	w.float(m.MaxBlockingFrac)
	w.uint(uint64(len(m.States)))
	for i := range m.States {
		w.state(&m.States[i])
	}
	return w
}

// writer appends values to itself, integers in their shortest form.
type writer []byte

func (w *writer) uint(n uint64) {
	switch {
	case n < 251:
		*w = append(*w, byte(n))
	case n <= math.MaxUint16:
		*w = binary.LittleEndian.AppendUint16(append(*w, 251), uint16(n))
	case n <= math.MaxUint32:
		*w = binary.LittleEndian.AppendUint32(append(*w, 252), uint32(n))
	default:
		*w = binary.LittleEndian.AppendUint64(append(*w, 253), n)
	}
}

func (w *writer) float(x float64) { *w = binary.LittleEndian.AppendUint64(*w, math.Float64bits(x)) }

func (w *writer) bool(b bool) bool {
	if b {
		*w = append(*w, 1)
	} else {
		*w = append(*w, 0)
	}
	return b
}

func (w *writer) state(s *State) {
	if w.bool(s.Action != nil) {
		w.action(s.Action)
	}
	for _, c := range []*Counter{s.CounterA, s.CounterB} {
		if w.bool(c != nil) {
			w.uint(uint64(c.Operation))
			w.maybeDist(c.Dist)
			w.bool(c.Copy)
		}
	}

	// Thirteen lists without a length, as there are always so many.
	for _, list := range s.Transitions {
		if !w.bool(list != nil) {
			continue
		}
		w.uint(uint64(len(list)))
		for _, t := range list {
			w.uint(uint64(t.State))
			*w = binary.LittleEndian.AppendUint32(*w, math.Float32bits(t.Probability))
		}
	}
}

func (w *writer) action(a *Action) {
	w.uint(uint64(a.Kind))
	if a.Kind == Cancel {
		w.uint(uint64(a.Timer))
		return
	}
	if a.Kind != UpdateTimer {
		w.bool(a.Bypass)
	}
	w.bool(a.Replace)
	if a.Kind != UpdateTimer {
		w.dist(&a.Timeout)
	}
	if a.Kind != SendPadding {
		w.dist(&a.Duration)
	}
	w.maybeDist(a.Limit)
}

func (w *writer) maybeDist(d *Dist) {
	if w.bool(d != nil) {
		w.dist(d)
	}
}

func (w *writer) dist(d *Dist) {
	w.uint(uint64(d.Kind))
	for i := range d.Kind.Params() {
		if d.Kind == Binomial && i == 0 {
			w.uint(uint64(d.Params[i]))
		} else {
			w.float(d.Params[i])
		}
	}
	w.float(d.Start)
	w.float(d.Max)
}
