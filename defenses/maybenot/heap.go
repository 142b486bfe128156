package maybenot

// before orders what is in a heap.
type before[T any] interface{ before(T) bool }

// heap is a binary heap that hands out equal elements in the order in which the
// heap of Rust's standard library does, which is neither first-in first-out nor
// last-in first-out: a fifth of all runs with events at one time depends on it.
type heap[T before[T]] []T

// push adds x: it rises until what is above it is not later.
func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	h.up(len(*h) - 1)
}

// up lets the element at p rise.
func (h *heap[T]) up(p int) {
	a := *h
	x := a[p]
	for p > 0 {
		q := (p - 1) / 2
		if !x.before(a[q]) {
			break
		}
		a[p] = a[q]
		p = q
	}
	a[p] = x
}

// pop takes the first element, of which there must be one. The last of the array
// takes its place, sinks to the bottom whatever it meets, and rises from there.
func (h *heap[T]) pop() T {
	a := *h
	n := len(a) - 1
	x := a[n]
	a = a[:n]
	*h = a
	if n == 0 {
		return x
	}

	first := a[0]
	p, c := 0, 1
	for c <= n-2 {
		if !a[c].before(a[c+1]) {
			c++ // of equal children the right one rises
		}
		a[p] = a[c]
		p, c = c, 2*c+1
	}
	if c == n-1 {
		a[p] = a[c]
		p = c
	}
	a[p] = x
	h.up(p)
	return first
}
