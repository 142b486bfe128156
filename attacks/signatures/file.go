package signatures

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/sigfile"
)

// The lines of signatures in a signature file (package sigfile):
//
//	udp true
//	threshold 0.8
//	signature "plug/on"     the packets below it stand for this class
//	duration 350ms          longest from the first packet to the last
//	trust 1                 share of its matches in training that were the class
//	alarm 1                 share that were any event of the device
//	packet +556 12 0 3      the least size, up positive; then how often training
//	                        showed it, that plus 1, plus 2

// maxRange is how many sizes a packet of a file may have: all that fit a frame.
const maxRange = 1 << 16

// Save writes the signature file, the same bytes for the same model. Numbers are
// written so that they read back exactly.
func (m *signatureModel) Save(out io.Writer) error {
	w := sigfile.New(Attack{}.Info().Name)
	w.Line("udp %v\nthreshold %v", m.udp, m.threshold)
	for _, s := range m.signatures {
		w.Line("signature %q\nduration %v\ntrust %v\nalarm %v", s.class, s.duration, s.trust, s.alarm)
		for _, e := range s.elements {
			w.Line("packet %+d %s", e.lo, strings.Trim(fmt.Sprint(e.count), "[]"))
		}
	}
	return w.Save(out)
}

// Signatures are the sequences, each with its class.
func (m *signatureModel) Signatures() []sigfile.Signature {
	var out []sigfile.Signature
	for _, s := range m.signatures {
		one := sigfile.Signature{Classes: []string{s.class}}
		for _, e := range s.elements {
			one.Packets = append(one.Packets, sigfile.Range{Lo: e.lo, Hi: e.hi})
		}
		out = append(out, one)
	}
	return out
}

// Load reads a signature file. Parameters come from the file, not from s. It
// refuses a file that is cut short, changed or not what Save writes, and names
// the line.
func (s Attack) Load(r io.Reader) (attacks.Model, error) {
	p := fileReader{m: &signatureModel{}}
	if err := sigfile.Read(r, s.Info().Name, p.line); err != nil {
		return nil, err
	}
	if err := p.whole(); err != nil {
		return nil, fmt.Errorf("signature file: %w", err)
	}
	p.m.index()
	return p.m, nil
}

// fileReader takes a file line by line.
type fileReader struct {
	m *signatureModel
	s *signature // the newest of m
}

// line takes one line of the attack's own.
func (p *fileReader) line(word, rest string) (err error) {
	switch word {
	case "udp":
		if p.m.udp, err = strconv.ParseBool(rest); err != nil {
			return fmt.Errorf("udp %s: want true or false", rest)
		}
		return nil
	case "threshold":
		p.m.threshold, err = share(word, rest)
		return err
	case "signature":
		// One without packets would match everywhere.
		if err := p.whole(); err != nil {
			return err
		}
		class, err := sigfile.Unquote(word, rest)
		p.m.signatures = append(p.m.signatures, signature{class: class})
		p.s = &p.m.signatures[len(p.m.signatures)-1]
		return err
	}

	// All other lines are about the newest signature.
	if p.s == nil {
		return fmt.Errorf("%s %s: want a line \"signature\" before it", word, rest)
	}
	switch word {
	case "duration":
		p.s.duration, err = time.ParseDuration(rest)
		if err != nil || p.s.duration < 0 || p.s.duration > time.Hour {
			return fmt.Errorf("duration %s: want a time from 0s to 1h", rest)
		}
		return nil
	case "trust":
		p.s.trust, err = share(word, rest)
	case "alarm":
		p.s.alarm, err = share(word, rest)
	case "packet":
		err = p.packet(rest)
	default:
		err = fmt.Errorf("unknown word %q", word)
	}
	return err
}

// whole says whether the newest signature has packets.
func (p *fileReader) whole() error {
	if p.s != nil && len(p.s.elements) == 0 {
		return fmt.Errorf("signature %q has no packet", p.s.class)
	}
	return nil
}

// packet adds one to the newest signature.
func (p *fileReader) packet(s string) error {
	fields := strings.Fields(s)
	if len(fields) < 2 || len(fields) > maxRange {
		return fmt.Errorf("packet %s: want a size and how often it and each one above it was seen", s)
	}
	lo, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil || lo < -maxRange || lo > maxRange {
		return fmt.Errorf("packet %s: want a size from %d to %d first", s, -maxRange, maxRange)
	}

	// The counts are weights of sizes, which sum up: no overflow may be read in.
	e := newRange(int32(lo), int32(lo)+int32(len(fields))-2)
	for i, f := range fields[1:] {
		if e.count[i], err = strconv.Atoi(f); err != nil || e.count[i] < 0 || e.count[i] > 1<<31 {
			return fmt.Errorf("packet %s: %q: want a count", s, f)
		}
	}
	p.s.elements = append(p.s.elements, e)
	return nil
}

// share reads a number from 0 to 1.
func share(word, s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if cmp.Compare(x, 0) < 0 || x > 1 || err != nil { // Compare: NaN is less than all
		return 0, fmt.Errorf("%s %s: want a share from 0 to 1", word, s)
	}
	return x, nil
}
