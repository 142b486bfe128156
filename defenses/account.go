package defenses

import (
	"slices"

	"veilbench/datasets"
)

// Builder collects a Carried account packet by packet: Carry for every original
// in a packet, then Next.
type Builder struct{ c Carried }

// NewBuilder reserves room for n packets with one entry each.
func NewBuilder(n int) *Builder {
	return &Builder{Carried{
		First: make([]int32, 1, n+1),
		Orig:  make([]int32, 0, n),
		Bytes: make([]int32, 0, n),
	}}
}

// Reserve makes room for that many more packets and entries: for a defense that
// makes many packets and knows how few of them carry something.
func (b *Builder) Reserve(packets, entries int) {
	b.c.First = slices.Grow(b.c.First, packets)
	b.c.Orig = slices.Grow(b.c.Orig, entries)
	b.c.Bytes = slices.Grow(b.c.Bytes, entries)
}

// Reset forgets all packets and keeps the room. Carried must not have been given
// away.
func (b *Builder) Reset() {
	b.c.First, b.c.Orig, b.c.Bytes = b.c.First[:1], b.c.Orig[:0], b.c.Bytes[:0]
}

// Carry adds to the packet that is being built an entry for that many payload
// bytes of original orig. Entries are in the order of the bytes in the packet.
func (b *Builder) Carry(orig, bytes int32) {
	b.c.Orig = append(b.c.Orig, orig)
	b.c.Bytes = append(b.c.Bytes, bytes)
}

// Next ends the packet that is being built. Called with no Carry before it,
// it accounts for a dummy packet.
func (b *Builder) Next() { b.c.First = append(b.c.First, int32(len(b.c.Orig))) }

// Carried returns the account. The builder must not be used after it.
func (b *Builder) Carried() *Carried { return &b.c }

// Entries returns the originals that packet i carries and how many bytes of
// each. The slices belong to c.
func (c *Carried) Entries(i int) (orig, bytes []int32) {
	lo, hi := c.First[i], c.First[i+1]
	return c.Orig[lo:hi], c.Bytes[lo:hi]
}

// Entries is what packet i of d carries of in, also without an account. The
// slices must not be written to.
func (d Defended) Entries(in datasets.Trace, i int) (orig, bytes []int32) {
	if d.Carried == nil {
		return []int32{int32(i)}, []int32{in.Packets[i].Payload}
	}
	return d.Carried.Entries(i)
}

// Compose joins the account of a first stage, which worked on in, with that of
// a second one that worked on the first one's output: the result says what each
// packet of the second output carries of in. A nil account is the identity; in
// is needed because the first stage may still have padded.
//
// A packet between the stages holds its original bytes first, so the second
// stage's pieces of it take them in order, and the piece that gets past them
// carries nothing. An original without bytes goes with the first piece that
// reaches its place.
func Compose(in datasets.Trace, first, second *Carried) *Carried {
	if second == nil {
		return first
	}
	if first == nil {
		first = identity(in)
	}

	// A cursor into each packet between the stages: its next entry, and how many
	// bytes of that entry have left already.
	next := make([]int32, len(first.First)-1)
	copy(next, first.First)
	used := make([]int32, len(next))

	b := NewBuilder(len(second.First) - 1)
	for i := range len(second.First) - 1 {
		mids, pieces := second.Entries(i)
		for j, mid := range mids {
			room := pieces[j]
			for next[mid] < first.First[mid+1] {
				e := next[mid]
				left := first.Bytes[e] - used[mid]
				if left > room {
					// The piece ends inside this entry; the rest is for the next
					// piece. Without room nothing of it is in here, and an entry
					// of 0 bytes would say that it began to leave.
					if room > 0 {
						b.Carry(first.Orig[e], room)
						used[mid] += room
					}
					break
				}

				b.Carry(first.Orig[e], left)
				room -= left
				next[mid]++
				used[mid] = 0
			}
		}
		b.Next()
	}
	out := b.Carried()
	if out.Observed = second.Observed; out.Observed == nil {
		out.Observed = first.Observed
	}
	return out
}

// identity is the account that nil stands for.
func identity(in datasets.Trace) *Carried {
	b := NewBuilder(len(in.Packets))
	for i, p := range in.Packets {
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	return b.Carried()
}
