package lstm

import "fmt"

// TooLarge says that data does not fit the memory allowed.
type TooLarge struct {
	// Windows is how many windows there are, Fit how many would fit.
	Windows, Fit int64
	// Bytes is what they need, Limit what is allowed.
	Bytes, Limit int64
}

// Error names both numbers.
func (e *TooLarge) Error() string {
	return fmt.Sprintf("lstm: training on %d windows needs %d MB, allowed are %d MB: at most %d windows fit",
		e.Windows, e.Bytes>>20, e.Limit>>20, e.Fit)
}

// Memory returns an upper limit of the bytes training needs: fixed for the
// network, the optimizer and the batch on its way, and perWindow for each
// window of the data, which is all that grows with it: two bytes per feature
// and label, and the order of the windows.
func Memory(c Config, steps, batch int, dropout bool) (fixed, perWindow int64) {
	params, rows := c.params(), 0
	for _, v := range c.Vocab {
		rows += v
	}
	table := rows * 4 * c.Hidden * c.dirs()
	arrays := 2 // outputs and their gradient
	if dropout {
		arrays = 4
	}
	perStep := c.Layers*(arrays*c.width()+6*c.width()) + c.Classes + len(c.Vocab)
	windows := (batch + batchSlices - 1) / batchSlices * batchSlices
	// Parameters: themselves, two moments, the best so far, packed twice, one
	// gradient per slice. Tables: one, one gradient per slice, one packed.
	floats := (6+batchSlices)*params + (2+batchSlices)*table + (steps+2)*windows*perStep + batchSlices*c.dirs()*chunkK*4*c.Hidden
	return int64(4 * floats), int64(steps*(2*len(c.Vocab)+4) + 4)
}
