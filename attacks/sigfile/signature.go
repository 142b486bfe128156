package sigfile

// Signature is one sequence of packets that a file holds.
type Signature struct {
	Packets []Range
	// Classes are those that have it, the first seen or surest first; it may
	// stand for datasets.Other: a heartbeat.
	Classes []string
}

// Range is the signed sizes of a packet, up positive: Lo to Hi.
type Range struct{ Lo, Hi int32 }

// Lister is the optional ability of a saved model to show what it looks for.
type Lister interface {
	// Signatures are in the order of the file, each once.
	Signatures() []Signature
}

// Meets says whether some packets fit both a and b: as many, and sizes that both
// allow.
func (a Signature) Meets(b Signature) bool {
	if len(a.Packets) != len(b.Packets) {
		return false
	}
	for i, p := range a.Packets {
		if q := b.Packets[i]; p.Hi < q.Lo || q.Hi < p.Lo {
			return false
		}
	}
	return true
}
