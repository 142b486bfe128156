package results

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Fingerprint is what two people compare to know that they have the same results.
type Fingerprint struct {
	// Hash is SHA-256 over the digests of all results in canonical order, in hex.
	Hash string
	// Cells counts the results.
	Cells int
	// Kernel is the class of machine code that networks were computed with, "" where no
	// manifest tells. Results of two classes differ in the last digits.
	Kernel string
}

// fingerprintDigits is how many digits String writes: too many for a chance.
const fingerprintDigits = 16

// FingerprintOf takes that of results in any order; rs is not modified. Every figure of
// every cell counts, what data it rests on and why it failed, but no label.
func FingerprintOf(rs []Result, m *Manifest) (Fingerprint, error) {
	f := Fingerprint{Cells: len(rs)}
	if m != nil {
		f.Kernel = m.Kernel
	}
	type one struct {
		cell Cell
		sum  [sha256.Size]byte
	}
	all := make([]one, len(rs))
	for i, r := range rs {
		// Labels are for people, and hang on what else a program has.
		r.DefenseLabel, r.AttackLabel = "", ""

		// Audits came later than results; they hang on the defense, which is in the cell.
		r.Audits = nil
		b, err := json.Marshal(r)
		if err != nil {
			return f, fmt.Errorf("%s, %s, %s: %w", r.Cell.Dataset, r.Cell.Defense, r.Cell.Attack, err)
		}
		all[i] = one{r.Cell, sha256.Sum256(b)}
	}

	// Folders without a manifest may hold a cell of two runs.
	slices.SortFunc(all, func(a, b one) int {
		return cmp.Or(compareCells(a.cell, b.cell), bytes.Compare(a.sum[:], b.sum[:]))
	})
	h := sha256.New()
	for _, x := range all {
		h.Write(x.sum[:]) //nolint:errcheck // a hash takes all
	}
	f.Hash = hex.EncodeToString(h.Sum(nil))
	return f, nil
}

// String is the line that stands under tables, such as
// "results sha256:0123456789abcdef (1800 cells, avx512 kernels)".
func (f Fingerprint) String() string { return f.line(fingerprintDigits) }

// Full is String with every digit.
func (f Fingerprint) Full() string { return f.line(len(f.Hash)) }

func (f Fingerprint) line(digits int) string {
	kernel := ""
	if f.Kernel != "" {
		kernel = ", " + f.Kernel + " kernels"
	}
	return fmt.Sprintf("results sha256:%s (%d cells%s)", f.Hash[:min(digits, len(f.Hash))], f.Cells, kernel)
}

var (
	hashWritten   = regexp.MustCompile(`^(?:results )?(?:sha256:)?([0-9a-f]{16,64})\b`)
	kernelWritten = regexp.MustCompile(`(\w+) kernels\)`)
)

// Against compares f with a fingerprint as it is written under a table, whole or only
// its digits, at least 16 of them. same is false with a sentence that says what
// differs; an error is about what is no fingerprint.
func (f Fingerprint) Against(written string) (same bool, why string, err error) {
	m := hashWritten.FindStringSubmatch(strings.TrimSpace(written))
	if m == nil {
		return false, "", fmt.Errorf("%q is no fingerprint: want at least %d digits as they stand under a table, such as sha256:%s", written, fingerprintDigits, f.Hash[:min(fingerprintDigits, len(f.Hash))])
	}
	if strings.HasPrefix(f.Hash, m[1]) {
		return true, "", nil
	}

	why = fmt.Sprintf("the results differ: theirs are sha256:%s, these are sha256:%s", m[1], f.Hash[:min(len(m[1]), len(f.Hash))])
	if k := kernelWritten.FindStringSubmatch(written); k != nil && f.Kernel != "" && k[1] != f.Kernel {
		why += fmt.Sprintf("; theirs were computed with %s kernels and these with %s, which alone changes last digits: run with --kernel %s", k[1], f.Kernel, k[1])
	}
	return false, why, nil
}
