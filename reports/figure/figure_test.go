package figure

import "testing"

// Coordinates lose digits below a hundredth of a point; numbers in text do not.
func TestFinishSVGKeepsText(t *testing.T) {
	got := finishSVG(`<svg width="10.1239pt"><text x="1.0004" y="-2.5678">lr=0.001, 12.3456</text></svg>`, Figure{Title: "a < b", Caption: "0.0015"})
	want := "<svg width=\"10.12pt\">\n<title>a &lt; b</title>\n<desc>0.0015</desc><text x=\"1\" y=\"-2.57\">lr=0.001, 12.3456</text></svg>"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
