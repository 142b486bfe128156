package defenses

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// MaxFrame is the largest Packet.Size on an Ethernet link: 14 + 1500.
const MaxFrame = 1514

// Defense changes traffic. Implementations are immutable values whose exported
// fields are their parameters (package params); Apply is safe for concurrent
// use.
type Defense interface {
	// Info says what the defense is.
	Info() Info
	// Apply returns what leaves instead of in. It must not modify in, but may
	// share its slices with the result. All randomness comes from rng; a
	// defense that draws for several purposes makes one generator for each
	// (Stream) so that the past does not depend on the future. An error means
	// that the defense cannot work on this trace.
	Apply(rng *rand.Rand, in datasets.Trace) (Defended, error)
}

// ErrNotFitted is in the error of a defense that was to be applied before it was
// fitted. What must be named then, a folder or a flag, its caller knows.
var ErrNotFitted = errors.New("must be fitted to training recordings first")

// Fitter is the optional ability to learn from training traffic before use.
// Fit returns a defense to use in the receiver's place; the receiver is not
// modified. It fails when the training traffic does not suffice.
type Fitter interface {
	Fit(ctx context.Context, rng *rand.Rand, training []datasets.Recording) (Defense, error)
}

// Claimer is the optional ability to state a privacy account: what the defense
// promises by construction, in its own terms. Nothing is measured by it.
type Claimer interface {
	// Claims returns the figures of the account in the order of reading.
	Claims() []Claim
}

// Claim is one figure of a privacy account, such as an epsilon. Unit is "" for a
// pure number.
type Claim struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// Info is what tables, lists and checks say about a defense.
type Info struct {
	// Name is kebab-case and unique in a list.
	Name string
	// Doc is one line for tables of defenses, no capital, no period.
	Doc string
	// Place says where the defense sits.
	Place Place
	// Needs lists who must cooperate besides Place. Empty: nobody.
	Needs []Party
	// Names is set where it acts on host names and on nothing else.
	Names bool
	// Cite names the publication and section, "" for common practice.
	Cite string
	// Works are what to put into a bibliography, nil for common practice.
	Works []cite.Work
}

// Place is where a defense sits.
type Place string

// The places. A gateway defense protects nothing from an observer inside the
// home.
const (
	AtDevice  Place = "device"
	AtGateway Place = "gateway"
)

// Party is somebody whose cooperation a defense needs.
type Party string

// The parties.
const (
	Cloud     Party = "cloud"      // the device maker's service
	TunnelEnd Party = "tunnel end" // a server that ends a tunnel or shaper
)

// Defended is what leaves the home, and which original bytes it carries.
type Defended struct {
	Trace datasets.Trace
	// Carried is nil when packet i of Trace carries packet i of the input
	// whole.
	Carried *Carried
}

// Carried lists, for every packet that leaves, the originals it carries: the
// entries First[i] to First[i+1] belong to packet i. A packet without entries
// is a dummy or otherwise the defense's own (keepalive, handshake, extra ACK).
//
// The unit is transport payload. 0 bytes is legal: a pure ACK, or a piece that
// holds only headers. Inside a packet original bytes come first, in the order
// of entries; headers and padding are last. Every original has at least one
// entry, and its bytes sum to its Payload.
type Carried struct {
	First []int32 // len = packets + 1, First[0] == 0, never falling
	Orig  []int32 // index of the original packet
	Bytes []int32 // how many of its payload bytes
	// Observed is set where the account was read off captures on both sides of a real
	// device. Such a one proves nothing: originals may be lost, and no byte is sure.
	Observed *Observed
}

// Observed is what is known of an account that was read off captures, beside its
// entries.
type Observed struct {
	// Least is, by direction, what is to be taken off each delay: what the fastest
	// packet took is not known with two clocks.
	Least [2]time.Duration
	// Inward is set where packets down are seen outside before they are seen inside:
	// they have negative delays.
	Inward bool
	// Reordered and Ambiguous are numbers of packets, see package tunnel of datasets.
	Reordered, Ambiguous int
	// Offset and Drift are those of the outer capture's clock. NoClock is set where
	// nothing told them, so that times on both sides cannot be compared.
	Offset  time.Duration
	Drift   float64
	NoClock bool
	// Unknown says what the captures cannot tell, a sentence each.
	Unknown []string
}

// Stream returns a new generator seeded by two draws from rng. A defense that
// draws for several purposes, or for several devices, takes one for each: then
// one more draw for the first does not shift those of the second.
func Stream(rng *rand.Rand) *rand.Rand {
	return rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
}
