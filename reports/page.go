package reports

import "io"

// WritePage writes the page.
func (s *Set) WritePage(w io.Writer) error {
	_, err := io.WriteString(w, "<!doctype html>")
	return err
}
