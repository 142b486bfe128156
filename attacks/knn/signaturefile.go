package knn

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/sigfile"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// The lines of event-knn in a signature file (package sigfile):
//
//	task "event"
//	k 3
//	gap_s 1                       seconds; likewise pair_s
//	pair_s 5
//	max_even 0
//	mode 0                        0 nearest burst, 1 all bursts near an event
//	single true                   one detection at a time in a stream
//	threshold 0.35
//	private "unlock"              once for each
//	class "plug/on"               once for each, sorted; numbered from 0
//	scope host "api.example.net"  or link MAC, or remote ADDRESS, or pooled
//	burst +78 -66 +54 = 0@12 3@17 a vector; then class@place of its entries
//
// Of equal bursts the k first are written, for no other can ever vote, and the
// first of each other class: which activities share a vector can be read off.

// Save writes the signature file, the same bytes for the same model. Numbers
// are written so that they read back exactly.
func (m *knnModel) Save(out io.Writer) error {
	w := sigfile.New(EventKNN{}.Info().Name)
	w.Line("task %q\nk %d\ngap_s %v\npair_s %v\nmax_even %d\nmode %d\nsingle %v\nthreshold %v",
		m.task, m.k, m.gap.Seconds(), m.pair.Seconds(), m.options.maxEven, m.mode, m.single, m.threshold)
	for _, p := range m.private {
		w.Line("private %q", p)
	}
	for _, c := range m.classes {
		w.Line("class %q", c)
	}

	// Streams are sorted: the same model must give the same bytes.
	keys := slices.SortedFunc(maps.Keys(m.scopes), func(a, b bursts.StreamKey) int {
		return cmp.Or(bytes.Compare(a.Link[:], b.Link[:]), cmp.Compare(a.Host, b.Host), a.Remote.Compare(b.Remote))
	})
	for _, k := range keys {
		w.Line("scope %s", writeKey(k))
		m.writeScope(w, m.scopes[k])
	}
	w.Line("scope pooled")
	m.writeScope(w, m.pooled)
	return w.Save(out)
}

// writeScope lists the bursts of s.
func (m *knnModel) writeScope(w *sigfile.Writer, s *scope) {
	m.eachRow(s, func(v []int32, entries []entry) {
		var b strings.Builder
		b.WriteString("burst")
		for _, x := range v {
			fmt.Fprintf(&b, " %+d", x)
		}
		b.WriteString(" =")
		var seen []int16
		for i, e := range entries {
			if c := e.class[m.mode]; i < m.k || !slices.Contains(seen, c) {
				fmt.Fprintf(&b, " %d@%d", c, e.order)
				seen = append(seen, c)
			}
		}
		w.Line("%s", b.String())
	})
}

// Signatures are the different vectors of all streams.
func (m *knnModel) Signatures() []sigfile.Signature {
	var out []sigfile.Signature
	m.eachRow(m.pooled, func(v []int32, entries []entry) {
		var s sigfile.Signature
		for _, x := range v {
			s.Packets = append(s.Packets, sigfile.Range{Lo: x, Hi: x})
		}
		for _, e := range entries {
			if c := m.classes[e.class[m.mode]]; !slices.Contains(s.Classes, c) {
				s.Classes = append(s.Classes, c)
			}
		}
		out = append(out, s)
	})
	return out
}

// eachRow calls f with the different bursts of s, by number of packets, then in
// order of their first place in the training data.
func (m *knnModel) eachRow(s *scope, f func(v []int32, entries []entry)) {
	all := s.searcher.(*byLength).lengths
	for _, n := range slices.Sorted(maps.Keys(all)) {
		// Rows lie in the order of the search tree: the file is in that of
		// training, so that it does not change when the tree does.
		ix := all[n]
		rows := make([]int, len(ix.ids))
		for r := range rows {
			rows[r] = r
		}
		slices.SortFunc(rows, func(a, b int) int { return cmp.Compare(ix.entriesOf(a)[0].order, ix.entriesOf(b)[0].order) })
		for _, r := range rows {
			f(m.vs.at(ix.ids[r]), ix.entriesOf(r))
		}
	}
}

// writeKey names a stream by what StreamOf told it apart by.
func writeKey(k bursts.StreamKey) string {
	switch {
	case k.Link != datasets.MAC{}:
		return fmt.Sprintf("link %x", k.Link[:])
	case k.Host != "":
		return fmt.Sprintf("host %q", k.Host)
	}
	return "remote " + k.Remote.String()
}

// Load reads a signature file. Parameters come from the file, not from a. It
// refuses a file that is cut short, changed or not what Save writes, and names
// the line.
func (a EventKNN) Load(r io.Reader) (attacks.Model, error) {
	// The classes of the file are all there are: a new model would add Other,
	// which the file holds in its place of the order.
	p := signatureReader{m: EventKNN{}.options().newModel(attacks.Training{})}
	p.m.classes = nil
	if err := sigfile.Read(r, a.Info().Name, p.line); err != nil {
		return nil, err
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("signature file: %w", err)
	}
	p.m.ready()
	return p.m, nil
}

// signatureReader takes the file line by line.
type signatureReader struct {
	m     *knnModel
	scope *scope
	key   []byte
}

// line takes one line of event-knn's own.
func (p *signatureReader) line(word, rest string) error {
	// What is out of range is refused here, where the line is known, and not when
	// all is read.
	var err error
	switch word {
	case "task":
		err = p.task(rest)
	case "k":
		p.m.k, err = whole(word, rest, 1, 99)
	case "max_even":
		p.m.options.maxEven, err = whole(word, rest, 0, maxBurst)
	case "mode":
		p.m.mode, err = whole(word, rest, pairNearest, pairAll)
	case "single":
		if p.m.single, err = strconv.ParseBool(rest); err != nil {
			err = fmt.Errorf("single %s: want true or false", rest)
		}
	case "gap_s", "pair_s", "threshold":
		err = p.number(word, rest)
	case "private", "class":
		err = p.name(word, rest)
	case "scope":
		err = p.newScope(rest)
	case "burst":
		err = p.burst(rest)
	default:
		return fmt.Errorf("unknown word %q", word)
	}

	return err
}

// task reads what the model answers.
func (p *signatureReader) task(s string) error {
	name, err := sigfile.Unquote("task", s)
	if t := datasets.Task(name); err == nil && t != datasets.TaskClip && t != datasets.TaskEvent {
		return fmt.Errorf("task %q: want %q or %q", t, datasets.TaskClip, datasets.TaskEvent)
	}
	p.m.task = datasets.Task(name)
	return err
}

// whole reads a number from lo to hi.
func whole(word, s string, lo, hi int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%s %s: want a whole number from %d to %d", word, s, lo, hi)
	}
	return n, nil
}

// number reads a parameter that is a number, of seconds or the threshold.
func (p *signatureReader) number(word, s string) error {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0 && x <= 3600) {
		return fmt.Errorf("%s %s: want a number from 0 to 3600", word, s)
	}
	switch word {
	case "gap_s":
		p.m.gap = params.Seconds(x)
	case "pair_s":
		p.m.pair = params.Seconds(x)
	default:
		p.m.threshold = x
	}
	return nil
}

// name reads a private activity or a class. Classes must be sorted: entries name
// them by number, and a model searches them.
func (p *signatureReader) name(word, s string) error {
	name, err := sigfile.Unquote(word, s)
	if err != nil {
		return err
	}
	if word == "private" {
		p.m.private = append(p.m.private, name)
		return nil
	}
	if n := len(p.m.classes); n > 0 && p.m.classes[n-1] >= name {
		return fmt.Errorf("class %q after %q: want sorted classes", name, p.m.classes[n-1])
	}
	p.m.classes = append(p.m.classes, name)
	return nil
}

// newScope begins the bursts of a stream; pooled is there from the beginning.
func (p *signatureReader) newScope(s string) error {
	if s == "pooled" {
		p.scope = p.m.pooled
		return nil
	}
	k, err := readKey(s)
	if err != nil {
		return err
	}
	if p.m.scopes[k] != nil {
		return fmt.Errorf("scope %s stands there twice", s)
	}
	p.scope = p.m.newScope()
	p.m.scopes[k] = p.scope
	return nil
}

// readKey is the inverse of writeKey.
func readKey(s string) (bursts.StreamKey, error) {
	kind, value, _ := strings.Cut(s, " ")

	var k bursts.StreamKey
	var err error
	switch kind {
	case "link":
		// Scanned as bytes, not with net.ParseMAC: the file has no colons.
		var mac []byte
		if _, err = fmt.Sscanf(value, "%x", &mac); err == nil && len(mac) != len(k.Link) {
			err = fmt.Errorf("%d bytes", len(mac))
		}
		copy(k.Link[:], mac)
	case "host":
		k.Host, err = strconv.Unquote(value)
	case "remote":
		// A flow without an address has a stream too, written as "invalid IP".
		if value != (netip.Addr{}).String() {
			k.Remote, err = netip.ParseAddr(value)
		}
	default:
		err = fmt.Errorf("want link, host, remote or pooled")
	}

	if err != nil {
		return k, fmt.Errorf("scope %s: %w", s, err)
	}
	return k, nil
}

// burst reads a vector with its entries and files it in the newest scope.
func (p *signatureReader) burst(s string) error {
	if p.scope == nil {
		return fmt.Errorf("burst before the first scope")
	}
	sizes, entries, ok := strings.Cut(s, " = ")
	if !ok {
		return fmt.Errorf("burst without entries")
	}
	var v []int32
	for _, f := range strings.Fields(sizes) {
		x, err := strconv.ParseInt(f, 10, 32)
		if err != nil {
			return fmt.Errorf("length %q: want a whole number", f)
		}
		v = append(v, int32(x))
	}

	// Places must grow, as a search relies on entries of equal bursts being in
	// the order of training. The class under the tuned way of pairing is the
	// only one written and stands for both.
	var id int32
	id, p.key = p.m.vs.id(v, p.key)
	last := int64(-1)
	for _, f := range strings.Fields(entries) {
		c, o, _ := strings.Cut(f, "@")
		class, err1 := strconv.ParseUint(c, 10, 15)
		order, err2 := strconv.ParseInt(o, 10, 32)
		if err1 != nil || err2 != nil || int(class) >= len(p.m.classes) || order <= last {
			return fmt.Errorf("entry %q: want class@place with a class below %d and places that grow", f, len(p.m.classes))
		}
		last = order
		p.scope.file(id, entry{order: int32(order), class: [2]int16{int16(class), int16(class)}}, p.m.k)
	}
	return nil
}

// finish checks what only the whole file shows.
func (p *signatureReader) finish() error {
	switch {
	case p.m.task == "":
		return fmt.Errorf("no line \"task\"")
	case len(p.m.classes) == 0:
		return fmt.Errorf("no line \"class\"")
	}
	return nil
}
