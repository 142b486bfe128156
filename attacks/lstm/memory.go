package lstm

import "fmt"

// tooLarge says that data does not fit the memory allowed.
type tooLarge struct {
	// Windows is how many windows there are, Fit how many would fit.
	Windows, Fit int64
	// Bytes is what they need, Limit what is allowed.
	Bytes, Limit int64
	// PerWindow is the part of Bytes that each window adds.
	PerWindow int64
}

// Error says what is needed, what is allowed and how many windows would fit.
func (e *tooLarge) Error() string {
	return fmt.Sprintf("lstm: training on %d windows needs %d MB, %d bytes of it per window, allowed are %d MB: at most %d windows fit",
		e.Windows, e.Bytes>>20, e.PerWindow, e.Limit>>20, e.Fit)
}

// Fits refuses to train on so many windows, those for validation included, if
// that needs more than limit bytes as memory reckons them. The error says how many
// windows would fit. Whoever makes the data asks before.
func Fits(c Config, steps, batch int, dropout bool, windows, limit int64) error {
	fixed, per := memory(c, steps, batch, dropout)
	if fixed+per*windows <= limit {
		return nil
	}
	return &tooLarge{Windows: windows, Fit: max(0, (limit-fixed)/per), Bytes: fixed + per*windows, Limit: limit, PerWindow: per}
}

// overhead bounds what memory does not count one by one: goroutines, the order of
// work, the buffer that data is hashed through.
const overhead = 1 << 20

// memory returns an upper limit of the bytes that training keeps in use, its
// data included: fixed for the network, the optimizer, the batch on its way,
// validation, a checkpoint and packed matrices, and perWindow for each window,
// which is all that grows with the data: two bytes per feature, label and
// answer, and the order of the windows. It is the same for any number of
// workers. What is no longer in use waits for the garbage collector, which by
// default lets the heap grow to twice of what is in use.
func memory(c Config, steps, batch int, dropout bool) (fixed, perWindow int64) {
	params, h4, w := c.paramCount(), 4*c.Hidden, c.width()

	rows, in, inPadded := 0, 0, 0 // of tables, of the first layer, of its panels
	for f, v := range c.Vocab {
		rows += v
		in += c.Dim[f]
		inPadded += padded(c.Dim[f])
	}
	table := rows * h4 * c.dirs()

	// One step of one window in newPart: gates, cell states and their tanh (six
	// widths), the arrays of the width, logits and labels, features.
	arrays := 2 // outputs and their gradient
	if dropout {
		arrays = 4
	}
	perStep := c.Layers*(arrays+6)*w + padded(c.Classes) + len(c.Vocab)
	windows := (batch + batchParts - 1) / batchParts * batchParts

	// Parameters: themselves, two moments, the best so far, one gradient per
	// part with the sums it comes from, and embeddings twice beside tables. Tables:
	// that of all values and that of a batch, one gradient per part, their sum packed.
	floats := (6+batchParts)*params + (3+batchParts)*table + 8*rows + c.packedValues() +
		(steps+2)*windows*perStep + batchParts*(c.dirs()*(chunkK*max(padded(w), padded(c.Classes))+h4*(padded(c.Hidden)+padded(w)))+w*padded(c.Classes))

	// Not all at once, but nothing is freed between them for certain.
	validation := recallParts * guessRows * (c.Layers*(steps+9)*w + steps*(padded(c.Classes)+len(c.Vocab)))
	checkpoint := checkpointArrays * params
	floats += validation + checkpoint + max(2*c.dirs()*in*h4, 2*inPadded*h4) // matrices packed for one product
	return int64(4*floats) + overhead, int64(steps*(2*len(c.Vocab)+4) + 4)
}

// packedValues is the number of values in the matrices of type packed.
func (c Config) packedValues() int {
	h, w := c.Hidden, c.width()
	n := c.Layers * c.dirs() * 4 * h * (h + padded(h))
	n += (c.Layers - 1) * c.dirs() * 4 * h * (w + padded(w))
	return n + w*padded(c.Classes) + c.Classes*padded(w)
}
