package table

import (
	"strings"
	"testing"
)

// headline is as wide as that of a usual run: 123 columns.
func headline() Table {
	t := Table{
		Title: "What an observer outside the home still learns from the best attack that knows the defense, and what it costs",
		Columns: append(Columns("defense"), append([]Column{
			{Head: "events", Num: true, Interval: true},
			{Head: "devices", Num: true, Interval: true},
			{Head: "commands", Num: true, Interval: true},
			{Head: "clips", Num: true, Interval: true},
		}, Columns("#bytes", "#delay p95", "#GB/month")...)...),
	}
	for _, d := range []string{"none", "vpn kind=openvpn-udp", "constant-rate per=home"} {
		v := Number(0.96, Score).Within(0.89, 0.99, "[.89 .99]")
		v.Text += " ¹"
		w := Number(0, Score).Within(0, 0, "[≤0]")
		w.Text += " ² ³ ¹"
		t.Rows = append(t.Rows, []Value{Word(d), v, v, w, v, Number(141.55, Percent), Number(0.1, Seconds), Number(52, Volume)})
	}
	t.Rows[2][4] = Word("no evidence ²")
	t.Notes = []string{"¹ few groups, and nearly all alike: were groups to differ widely, this interval would miss more often than 1 in 20", InFull + "vpn = vpn:control=true,delay=uniform,delay_s=0.005,kind=wireguard,mtu_bytes=0,outer=ipv4."}
	return t
}

// No line of a headline is wider than the terminal, and every word is whole.
func TestTextFitsTheWidth(t *testing.T) {
	for _, width := range []int{60, 72, 80, 100, 120, 200} {
		var b strings.Builder
		if err := WriteText(&b, []Table{headline()}, Layout{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); columns(line) > width || strings.HasSuffix(line, " ") {
				t.Errorf("width %d: %d columns in %q", width, columns(line), line)
			}
		}
		for _, word := range []string{"constant-rate", "kind=openvpn-udp", "[.89 .99]", "evidence ²", "+14,155 %", "100 ms", "commands"} {
			if width < 120 && !strings.Contains(b.String(), word) {
				t.Errorf("width %d: no whole %q in\n%s", width, word, b.String())
			}
		}

		// Cells of two lines make it one table at 100 columns; at 80 it is two blocks.
		want := 1
		if width < 100 {
			want = 2
		}
		if n := strings.Count(b.String(), "defense  "); width >= 80 && n != want {
			t.Errorf("width %d: %d blocks, want %d:\n%s", width, n, want, b.String())
		}
	}
}

// Escape sequences come with Style alone and do not move a column.
func TestStyleMovesNothing(t *testing.T) {
	tb := headline()
	tb.Rows[1][5] = Failed("failed")
	var plain, styled strings.Builder
	for _, width := range []int{80, 120} {
		if err := WriteText(&plain, []Table{tb}, Layout{Width: width, Brief: true}); err != nil {
			t.Fatal(err)
		}
		if err := WriteText(&styled, []Table{tb}, Layout{Width: width, Brief: true, Style: true}); err != nil {
			t.Fatal(err)
		}
	}
	bare := strings.NewReplacer(bold, "", red, "", reset, "").Replace(styled.String())
	if bare != plain.String() || strings.Contains(plain.String(), "\x1b") {
		t.Errorf("styled:\n%s\nplain:\n%s", styled.String(), plain.String())
	}
	if !strings.Contains(styled.String(), red+"failed"+reset) || !strings.Contains(styled.String(), bold+"defense"+reset) {
		t.Errorf("no style:\n%s", styled.String())
	}
	if strings.Contains(plain.String(), "In full") {
		t.Errorf("brief text has names in full:\n%s", plain.String())
	}
}

// Columns that no break can save stand in a block of their own, with the names of
// rows again.
func TestBlocks(t *testing.T) {
	tb := Table{Columns: Columns("defense", "attack", "#a", "#b", "#c", "#d")}
	tb.Rows = [][]Value{{Word("none"), Word("guess"), Word("111111111"), Word("222222222"), Word("333333333"), Word("444444444")}}
	var b strings.Builder
	if err := WriteText(&b, []Table{tb}, Layout{Width: 38}); err != nil {
		t.Fatal(err)
	}
	const want = "defense  attack          a          b\nnone     guess   111111111  222222222\n\ndefense  attack          c          d\nnone     guess   333333333  444444444\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
