package knn

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// The signature file is text, one item a line, so that a person can read it
// and compare two of them:
//
//	veilbench-signatures 1
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
//	end 17 1a2b3c4d               lines before this one, CRC-32 of them
//
// Of equal bursts only the k first are written: no other can ever vote.
const signatureHeader = "veilbench-signatures 1"

// Save writes the signature file, the same bytes for the same model. Numbers
// are written so that they read back exactly.
func (m *knnModel) Save(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\ntask %q\nk %d\ngap_s %v\npair_s %v\nmax_even %d\nmode %d\nsingle %v\nthreshold %v\n",
		signatureHeader, m.task, m.k, m.gap.Seconds(), m.pair.Seconds(), m.options.maxEven, m.mode, m.single, m.threshold)
	for _, p := range m.private {
		fmt.Fprintf(&b, "private %q\n", p)
	}
	for _, c := range m.classes {
		fmt.Fprintf(&b, "class %q\n", c)
	}

	keys := slices.SortedFunc(maps.Keys(m.scopes), func(a, b bursts.StreamKey) int {
		return cmp.Or(bytes.Compare(a.Link[:], b.Link[:]), cmp.Compare(a.Host, b.Host), a.Remote.Compare(b.Remote))
	})
	for _, k := range keys {
		fmt.Fprintf(&b, "scope %s\n", writeKey(k))
		m.writeScope(&b, m.scopes[k])
	}
	fmt.Fprintf(&b, "scope pooled\n")
	m.writeScope(&b, m.pooled)

	// The last line tells a file that was cut at the end of a line from a whole
	// one: without it the rest would be a model of fewer bursts.
	fmt.Fprintf(&b, "end %d %08x\n", bytes.Count(b.Bytes(), []byte("\n")), crc32.ChecksumIEEE(b.Bytes()))
	_, err := w.Write(b.Bytes())
	return err
}

// writeScope lists the bursts of s by number of packets, then in order of
// their first place in the training data.
func (m *knnModel) writeScope(b *bytes.Buffer, s *scope) {
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
			b.WriteString("burst")
			for _, x := range m.vs.at(ix.ids[r]) {
				fmt.Fprintf(b, " %+d", x)
			}
			b.WriteString(" =")
			for _, e := range ix.entriesOf(r)[:min(m.k, len(ix.entriesOf(r)))] {
				fmt.Fprintf(b, " %d@%d", e.class[m.mode], e.order)
			}
			b.WriteByte('\n')
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
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("signature file: %w", err)
	}
	body, err := checkEnd(raw)
	if err != nil {
		return nil, fmt.Errorf("signature file: %w", err)
	}

	// The classes of the file are all there are: a new model would add Other,
	// which the file holds in its place of the order.
	p := signatureReader{m: EventKNN{}.options().newModel(attacks.Training{})}
	p.m.classes = nil
	sc := bufio.NewScanner(bytes.NewReader(body))
	sc.Buffer(nil, len(body)+1)
	for n := 1; sc.Scan(); n++ {
		if n == 1 {
			continue // the header, which checkEnd has seen
		}
		if err := p.line(sc.Text()); err != nil {
			return nil, fmt.Errorf("signature file line %d: %w", n, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("signature file: %w", err)
	}
	p.m.ready()
	return p.m, nil
}

// checkEnd returns what stands before the last line, which must hold its
// number of lines and checksum.
func checkEnd(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte(signatureHeader+"\n")) {
		return nil, fmt.Errorf("first line is not %q", signatureHeader)
	}
	at := bytes.LastIndex(raw, []byte("\nend ")) + 1
	if at == 0 {
		return nil, fmt.Errorf("no line \"end\": the file is cut short")
	}
	body := raw[:at]
	want := fmt.Sprintf("end %d %08x\n", bytes.Count(body, []byte("\n")), crc32.ChecksumIEEE(body))
	if got := string(raw[at:]); got != want {
		return nil, fmt.Errorf("last line is %q, want %q: the file is damaged", got, want)
	}
	return body, nil
}

// signatureReader takes the file line by line.
type signatureReader struct {
	m     *knnModel
	scope *scope
	key   []byte
}

// line takes one line after the first.
func (p *signatureReader) line(s string) error {
	word, rest, _ := strings.Cut(s, " ")

	var err error
	switch word {
	case "task":
		// Which tasks there are is for finish to say: errors of lines are about
		// how they are written.
		var task string
		task, err = strconv.Unquote(rest)
		p.m.task = datasets.Task(task)
	case "k":
		p.m.k, err = strconv.Atoi(rest)
	case "max_even":
		p.m.options.maxEven, err = strconv.Atoi(rest)
	case "mode":
		p.m.mode, err = strconv.Atoi(rest)
	case "single":
		p.m.single, err = strconv.ParseBool(rest)
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
	name, err := strconv.Unquote(s)
	if err != nil {
		return fmt.Errorf("%s %s: want a quoted name", word, s)
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
	m := p.m
	switch {
	case m.task != datasets.TaskClip && m.task != datasets.TaskEvent:
		return fmt.Errorf("task %q: want %q or %q", m.task, datasets.TaskClip, datasets.TaskEvent)
	case m.k < 1 || m.k > 99:
		return fmt.Errorf("k %d: want 1 to 99", m.k)
	case m.mode != pairNearest && m.mode != pairAll:
		return fmt.Errorf("mode %d: want 0 or 1", m.mode)
	case m.options.maxEven < 0 || m.options.maxEven > maxBurst:
		return fmt.Errorf("max_even %d: want 0 to %d", m.options.maxEven, maxBurst)
	case len(m.classes) == 0:
		return fmt.Errorf("no classes")
	}
	return nil
}
