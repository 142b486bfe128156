package window

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/lstm"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Net is window-lstm and window-blstm: windows of consecutive packets go
// through embeddings of the five features, stacked LSTM layers, a fully
// connected layer and softmax, and every packet gets a device (HomeMole,
// section 3.4; sizes from two re-implementations: two layers of 64 units, port
// embedding 30, Adam with 1e-3, batches of 64).
//
// Deviations: all features are embedded, gaps by octave, which makes a stronger
// attack; with input=numbers the length and the logarithm of the gap enter as
// numbers, as length and gap do in the re-implementations. A number of steps is
// guaranteed, so that little data is gone through more often, unless validation
// says that nothing is left to learn; the rate falls
// to zero along a cosine, which reaches in ten epochs what a fixed one reaches
// in forty; dropout is 0.2 where the re-implementations have 0.5.
type Net struct {
	Window   int     `help:"packets per window"`
	Port     string  `help:"dst: destination port as published; remote: the remote side's port both ways; none: no port"`
	Input    string  `help:"classes: frequent lengths and octaves of gaps have embeddings; numbers: lengths and gaps are numbers, as published"`
	Hidden   int     `help:"units per layer and direction, a multiple of 16"`
	Layers   int     `help:"stacked layers"`
	Epochs   int     `help:"how often the training windows are gone through"`
	MinSteps int     `help:"least number of batches, unless validation says that nothing is left to learn: few windows are gone through more often"`
	MaxSteps int     `help:"largest number of batches" zero:"no limit"`
	Batch    int     `help:"windows per batch; less where an epoch would have under 8 batches"`
	Lr       float64 `help:"step size of Adam at the start"`
	Dropout  float64 `help:"share of each layer's outputs dropped in training"`
	Balance  float64 `help:"0: all packets weigh the same in the loss; 1: all devices do"`
	Patience int     `help:"stop after so many epochs without a better validation score, or sooner where it stands still next to 1" zero:"never"`
	Vote     bool    `help:"one device per window, by vote"`
	MemoryMb int     `help:"largest memory for training in MiB; more data is refused"`

	both bool
}

// NewLSTM returns window-lstm with its default parameters.
func NewLSTM() Net {
	return Net{
		Window: 100, Port: string(portDst), Input: inputClasses, Hidden: 64, Layers: 2, Epochs: 8, MinSteps: 600, Batch: 64,
		Lr: 3e-3, Dropout: 0.2, Patience: 4, MemoryMb: 2048,
	}
}

// NewBLSTM returns window-blstm with its default parameters.
func NewBLSTM() Net {
	a := NewLSTM()
	a.both = true
	return a
}

var _ attacks.Attack = Net{}

// Info describes the attack.
func (a Net) Info() attacks.Info {
	i := attacks.Info{
		Name: "window-lstm", Doc: "whose packet is this, by an LSTM over windows of packets",
		Tasks: []datasets.Task{datasets.TaskDevice}, Cite: "HomeMole (Dong et al., 2019), section 3.4", Works: cite.Of("dong2020homemole"),
	}
	if a.both {
		i.Name, i.Doc = "window-blstm", "whose packet is this, by an LSTM over windows of packets in both directions"
	}
	return i
}

// Validate refuses a port rule or an input that is not one, numbers out of
// range, and numbers of units that do not fill the vectors of package lstm.
func (a Net) Validate() error {
	if a.Hidden%16 != 0 {
		return fmt.Errorf("hidden=%d: want a multiple of 16", a.Hidden)
	}
	return cmp.Or(
		params.OneOf("port", a.Port, string(portDst), string(portRemote), string(portNone)),
		params.OneOf("input", a.Input, inputClasses, inputNumbers),
		params.Within("window", a.Window, 1, 10000),
		params.Within("hidden", a.Hidden, 16, 1024),
		params.Within("layers", a.Layers, 1, 8),
		params.Within("epochs", a.Epochs, 1, 10000),
		params.Within("min_steps", a.MinSteps, 0, 1e7),
		params.Within("max_steps", a.MaxSteps, 0, 1e7),
		params.Within("batch", a.Batch, 1, 4096),
		params.Within("lr", a.Lr, 1e-6, 1),
		params.Within("dropout", a.Dropout, 0, 0.95),
		params.Within("balance", a.Balance, 0, 1),
		params.Within("patience", a.Patience, 0, 10000),
		params.Within("memory_mb", a.MemoryMb, 1, 1<<20),
	)
}

// How lengths and gaps enter the network.
const (
	inputClasses = "classes"
	inputNumbers = "numbers"
)

// config is the shape of the network for a vocabulary. The port's embedding is
// 30 wide as in the re-implementations. Numbers are brought near 1.
func (a Net) config(v windowVocab, classes int) lstm.Config {
	c := lstm.Config{
		Vocab: v.sizes(), Dim: []int{30, 4, 2, 32, 16}, Hidden: a.Hidden, Layers: a.Layers,
		Bidirectional: a.both, Classes: classes,
	}
	if v.Numbers {
		c.Dim[windowLength], c.Dim[windowGap] = 1, 1
		c.Unit = []float32{windowLength: 1. / 512, windowGap: 1. / 32}
	}
	return c
}

// windowNet is the trained model.
type windowNet struct {
	head windowHead
	net  *lstm.Net // nil: nothing was learned
}

// windowHead is what a model needs besides the network or forest.
type windowHead struct {
	Window  int
	Vote    bool
	Classes int
	Vocab   windowVocab
}

// Train learns vocabulary and network. A tenth of the groups is kept for
// validation or, where there are under ten, the last tenth of each trace. More
// data than memory_mb allows is an error that says how many windows fit.
func (a Net) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := &windowNet{head: windowHead{Window: a.Window, Vote: a.Vote, Classes: len(t.Classes)}}
	if len(t.Classes) == 0 {
		return m, nil
	}

	// The vocabulary is learned from all examples, those for validation
	// included: it holds no labels, and validation is within training.
	m.head.Vocab = learnWindowVocab(windowPorts(a.Port), t.Examples, maxWindowPorts)
	if a.Input == inputNumbers {
		m.head.Vocab.Numbers, m.head.Vocab.Lengths = true, nil
	}
	c := a.config(m.head.Vocab, len(t.Classes))
	if err := a.fits(c, t.Examples); err != nil {
		return nil, err
	}

	train, valid := m.head.split(rng, t)
	weights := classWeights(train.Y, len(t.Classes), a.Balance)
	if weights == nil {
		return m, nil
	}
	o := a.options(ctx, train.Len())
	o.ClassWeights = weights
	var err error
	if m.net, err = lstm.Train(ctx, rng, c, train, valid, o); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Info().Name, err)
	}
	return m, nil
}

// fits refuses more data than memory_mb allows, before any of it is made.
func (a Net) fits(c lstm.Config, examples []attacks.Labeled) error {
	var n int64
	for i := range examples {
		n += int64((len(examples[i].Trace.Packets) + a.Window - 1) / a.Window)
	}
	if err := lstm.Fits(c, a.Window, a.Batch, a.Dropout > 0, n, int64(a.MemoryMb)<<20); err != nil {
		return fmt.Errorf("%s: memory_mb=%d: %w", a.Info().Name, a.MemoryMb, err)
	}
	return nil
}

// saveEvery is how often the state of a training is kept. Writing one takes
// milliseconds, which is much where an epoch takes no more.
const saveEvery = 200 * time.Millisecond

// options turns the parameters into those of the trainer for n windows.
func (a Net) options(ctx context.Context, n int) lstm.Options {
	batch := max(1, min(a.Batch, n/8))
	batches := (n + batch - 1) / batch
	o := lstm.Options{
		Epochs: max(a.Epochs, (a.MinSteps+batches-1)/batches), MaxSteps: a.MaxSteps, Batch: batch,
		Rate: a.Lr, Decay: true, Dropout: a.Dropout, Clip: 5, Patience: a.Patience,
	}
	if o.Epochs > a.Epochs { // patience is meant for epochs of a usual length
		o.Patience = a.Patience * o.Epochs / a.Epochs
	}

	// Package lstm knows no context values and no attacks: what it reports gets
	// the attack's name here.
	if f := attacks.ProgressOf(ctx); f != nil {
		name := a.Info().Name
		o.Progress = func(p lstm.Progress) {
			f(attacks.Progress{Attack: name, Epoch: p.Epoch, Epochs: p.Epochs, Loss: p.Loss, Score: p.Score, Left: p.Left})
		}
	}
	if c, ok := attacks.CheckpointsOf(ctx); ok {
		o.Checkpoint, o.SaveEvery = c, saveEvery
		o.Damaged = func(key string, fault error) {
			if f := attacks.ProgressOf(ctx); f != nil {
				f(attacks.Progress{Attack: a.Info().Name, Warning: fmt.Sprintf("checkpoint %s is damaged (%v): training begins from the start", c.Path(key), fault)})
			}
		}
	}
	return o
}

// split encodes the examples, cuts them into windows and sets a part aside for
// validation. Both share one array of exactly their size, so that memory stays
// what fits reckoned with: windows for training grow from its front, those for
// validation from its end.
func (h windowHead) split(rng *rand.Rand, t attacks.Training) (train, valid lstm.Data) {
	held := heldGroups(rng, t)
	total := 0
	for i := range t.Examples {
		total += h.windowsIn(&t.Examples[i])
	}

	// Each example is encoded where training windows go on. Those of it that are
	// for validation are then copied to the other end, and the next example is
	// written over them. The two never meet: total is all windows.
	perX, perY := h.Window*windowFeatures, h.Window
	x, y := make([]uint16, total*perX), make([]int16, total*perY)
	front, back := 0, total // in windows
	for i := range t.Examples {
		e := &t.Examples[i]
		n := h.windowsIn(e)
		last := n // the first so many windows are for training
		if held == nil {
			last -= n / heldShare
		} else if held[e.Group] {
			last = 0
		}
		ex, ey := x[front*perX:(front+n)*perX], y[front*perY:(front+n)*perY]
		clear(ex[len(h.Vocab.encode(ex[:0], e.Trace)):]) // zero is the padding
		for p := copy(ey, deviceClasses(e, t.Classes)); p < len(ey); p++ {
			ey[p] = -1
		}
		front, back = front+last, back-(n-last)
		copy(x[back*perX:], ex[last*perX:])
		copy(y[back*perY:], ey[last*perY:])
	}

	part := func(lo, hi int) lstm.Data {
		return lstm.Data{
			Steps: h.Window, Features: windowFeatures,
			X: x[lo*perX : hi*perX : hi*perX], Y: y[lo*perY : hi*perY : hi*perY],
		}
	}
	return part(0, front), part(back, total)
}

// windowsIn is how many windows an example is cut into.
func (h windowHead) windowsIn(e *attacks.Labeled) int {
	return (len(e.Trace.Packets) + h.Window - 1) / h.Window
}

// heldShare is one over the share of windows or groups kept for validation.
const heldShare = 10

// heldGroups draws every tenth group for validation, in order of the device
// that has most of the group's packets, so that no device loses much more than
// others. It returns nil where there are too few groups for that.
func heldGroups(rng *rand.Rand, t attacks.Training) map[string]bool {
	counts := map[string][]int{}
	for i := range t.Examples {
		e := &t.Examples[i]
		n := counts[e.Group]
		if n == nil {
			n = make([]int, len(t.Classes))
			counts[e.Group] = n
		}
		for _, c := range deviceClasses(e, t.Classes) {
			if c >= 0 {
				n[c]++
			}
		}
	}
	if len(counts) < heldShare {
		return nil
	}

	// Ties are ordered by name, so that the order of the map does not matter.
	groups := make([]string, 0, len(counts))
	main := map[string]int{}
	for g, n := range counts {
		groups = append(groups, g)
		main[g] = slices.Index(n, slices.Max(n))
	}
	slices.SortFunc(groups, func(a, b string) int {
		return cmp.Or(cmp.Compare(main[a], main[b]), cmp.Compare(a, b))
	})

	held := map[string]bool{}
	for i := rng.IntN(heldShare); i < len(groups); i += heldShare {
		held[groups[i]] = true
	}
	return held
}

// classWeights returns (mean count / count)^balance for each class that
// occurs, at most 100, and 1 for the others; nil if no packet has a class.
func classWeights(y []int16, classes int, balance float64) []float32 {
	count := make([]float64, classes)
	var sum, seen float64
	for _, c := range y {
		if c >= 0 {
			count[c]++
			sum++
		}
	}
	if sum == 0 {
		return nil
	}

	// The mean is over classes that occur: a class of the task that this fold
	// lacks must not make the others' weights smaller.
	for _, n := range count {
		if n > 0 {
			seen++
		}
	}
	w := make([]float32, classes)
	for c, n := range count {
		w[c] = 1
		if n > 0 {
			w[c] = float32(min(100, math.Pow(sum/seen/n, balance)))
		}
	}
	return w
}

// guessBlock is how many windows are answered at once: it bounds the memory for
// probabilities, and how long an end of the context goes unnoticed, not the
// answer. The features of all windows are encoded before.
const guessBlock = 2048

// Guess names the likeliest device of every packet or, with vote, that of its
// window; class -1 if nothing was learned.
func (m *windowNet) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	owners := make([]attacks.Owner, len(t.Packets))
	if m.net == nil {
		for i := range owners {
			owners[i].Class = -1
		}
		return attacks.Answer{Devices: owners}, nil
	}

	d := m.head.Vocab.windows(t, m.head.Window)
	size := m.head.Window * windowFeatures
	for lo := 0; lo < d.Len(); lo += guessBlock {
		if err := ctx.Err(); err != nil {
			return attacks.Answer{}, err
		}

		// The last window is padded: it has probabilities for packets that are
		// not there, and the owners end before them.
		hi := min(lo+guessBlock, d.Len())
		p := m.net.Guess(lstm.Data{Steps: d.Steps, Features: d.Features, X: d.X[lo*size : hi*size]}, runtime.GOMAXPROCS(0))
		m.head.nameOwners(owners[lo*m.head.Window:min(hi*m.head.Window, len(owners))], p)
	}
	return attacks.Answer{Devices: owners}, nil
}

// nameOwners names the likeliest class of each packet, or that of its window by
// vote. p holds the probabilities, [packet][class]; owners begin with a window.
func (h windowHead) nameOwners(owners []attacks.Owner, p []float32) {
	for i := range owners {
		owners[i] = topClass(p[i*h.Classes : (i+1)*h.Classes])
	}
	if h.Vote {
		voteWindows(owners, p, h.Window, h.Classes)
	}
}

// topClass returns the class with the largest probability, the first of equal
// ones.
func topClass(p []float32) attacks.Owner {
	best := 0
	for c, x := range p {
		if x > p[best] {
			best = c
		}
	}
	return attacks.Owner{Class: int32(best), P: p[best]}
}
