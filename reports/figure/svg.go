package figure

import (
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/reports/fontsubset"
	"veilbench/reports/table"
)

// FontName is the family that SVG names first for its text. A page with figures
// of the format Inline loads Font under this name.
const FontName = "figure-sans"

// typeface is the font of all figures: text is placed by its widths.
var typeface = sync.OnceValue(func() *opentype.Font {
	return font.DefaultCache.Lookup(liberation(smallType), smallType).Face
})

// Font is a TrueType font of the characters of some texts, in the typeface of
// figures.
func Font(texts ...string) ([]byte, error) {
	return fontsubset.Cut(typeface(), strings.Join(texts, ""), FontName)
}

// svgCanvas draws SVG. The library's would do, but for three things: it writes
// style attributes, which the policy of a page stops and no style sheet of it
// can turn dark; groups for each turn of the axes, which make files twice as
// long; and it has no place for tooltips.
type svgCanvas struct {
	width, height vg.Length
	body          strings.Builder
	text          strings.Builder // all characters, for the font
	stack         []svgState
}

// svgState is what Push keeps. A point of the drawing is at a*x+c*y+e, b*x+d*y+f
// of the file, whose y goes down.
type svgState struct {
	a, b, c, d, e, f float64
	color            color.Color
	width            vg.Length
	dashes           []vg.Length
}

func newSVG(width, height vg.Length) *svgCanvas {
	return &svgCanvas{width: width, height: height, stack: []svgState{{a: 1, d: -1, f: float64(height), color: color.Black, width: 1}}}
}

func (s *svgCanvas) now() *svgState { return &s.stack[len(s.stack)-1] }

// SetLineWidth sets the width of strokes.
func (s *svgCanvas) SetLineWidth(w vg.Length) { s.now().width = w }

// SetLineDash sets the dashes of strokes; none of ours has an offset.
func (s *svgCanvas) SetLineDash(dashes []vg.Length, _ vg.Length) { s.now().dashes = dashes }

// SetColor sets the color of what follows.
func (s *svgCanvas) SetColor(c color.Color) { s.now().color = c }

// Rotate turns the axes by an angle.
func (s *svgCanvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	n := s.now()
	n.a, n.b, n.c, n.d = n.a*cos+n.c*sin, n.b*cos+n.d*sin, n.c*cos-n.a*sin, n.d*cos-n.b*sin
}

// Translate moves the origin.
func (s *svgCanvas) Translate(p vg.Point) {
	n := s.now()
	n.e, n.f = n.at(p)
}

// Scale stretches the axes.
func (s *svgCanvas) Scale(x, y float64) {
	n := s.now()
	n.a, n.b, n.c, n.d = n.a*x, n.b*x, n.c*y, n.d*y
}

// Push keeps the state for Pop.
func (s *svgCanvas) Push() { s.stack = append(s.stack, *s.now()) }

// Pop restores the state of the last Push.
func (s *svgCanvas) Pop() { s.stack = s.stack[:len(s.stack)-1] }

func (n *svgState) at(p vg.Point) (x, y float64) {
	return n.a*float64(p.X) + n.c*float64(p.Y) + n.e, n.b*float64(p.X) + n.d*float64(p.Y) + n.f
}

// Stroke draws the line of a path.
func (s *svgCanvas) Stroke(p vg.Path) {
	n := s.now()
	if n.width <= 0 {
		return
	}
	fmt.Fprintf(&s.body, `<path stroke="%s"%s stroke-width="%s"`, paint(n.color), opacity("stroke", n.color), short(float64(n.width)))
	if len(n.dashes) > 0 {
		var each []string
		for _, d := range n.dashes {
			each = append(each, short(float64(d)))
		}
		fmt.Fprintf(&s.body, ` stroke-dasharray="%s"`, strings.Join(each, " "))
	}
	fmt.Fprintf(&s.body, ` d="%s"/>`+"\n", s.path(p))
}

// Fill paints the inside of a path.
func (s *svgCanvas) Fill(p vg.Path) {
	c := s.now().color
	fmt.Fprintf(&s.body, `<path fill="%s"%s d="%s"/>`+"\n", paint(c), opacity("fill", c), s.path(p))
}

// FillString writes text. Its length goes along, so that readers without the
// font squeeze what they have into the same room.
func (s *svgCanvas) FillString(f font.Face, p vg.Point, text string) {
	text = table.Plain(text)
	if f.Font.Size == 0 || text == "" {
		return
	}
	n := s.now()
	x, y := n.at(p)
	s.text.WriteString(text)
	fmt.Fprintf(&s.body, `<text fill="%s" font-size="%s" x="%s" y="%s"`, paint(n.color), short(float64(f.Font.Size)), short(x), short(y))
	if turn := math.Atan2(n.b, n.a) * 180 / math.Pi; math.Abs(turn) > 0.01 {
		fmt.Fprintf(&s.body, ` transform="rotate(%s %s %s)"`, short(turn), short(x), short(y))
	}
	fmt.Fprintf(&s.body, ` textLength="%s" lengthAdjust="spacingAndGlyphs">%s</text>`+"\n", short(float64(f.Width(text))), html.EscapeString(text))
}

// DrawImage is not supported: no figure has an image.
func (s *svgCanvas) DrawImage(vg.Rectangle, image.Image) {}

// tip draws what readers of a page see a text of when they point at it; files of
// other formats have no such texts.
func tip(c draw.Canvas, text string, marks func()) {
	// Crops are canvases around canvases.
	under := c.Canvas
	for {
		inner, ok := under.(draw.Canvas)
		if !ok {
			break
		}
		under = inner.Canvas
	}
	s, ok := under.(*svgCanvas)
	if !ok || text == "" {
		marks()
		return
	}
	fmt.Fprintf(&s.body, "<g><title>%s</title>\n", escapeXML(text))
	marks()
	s.body.WriteString("</g>\n")
}

// paint is black as the color of text around it, so that it turns light on
// dark pages; colors that stand on colors are no color.Gray16 and stay.
func paint(c color.Color) string {
	if c == nil || c == color.Black {
		return "currentColor"
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	if n.R>>4 == n.R&15 && n.G>>4 == n.G&15 && n.B>>4 == n.B&15 {
		return fmt.Sprintf("#%x%x%x", n.R&15, n.G&15, n.B&15)
	}
	return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B)
}

func opacity(what string, c color.Color) string {
	if c == nil {
		return ""
	}
	if n := color.NRGBAModel.Convert(c).(color.NRGBA); n.A < 255 {
		return fmt.Sprintf(` %s-opacity="%s"`, what, short(float64(n.A)/255))
	}
	return ""
}

// short is v to a hundredth of a point, which no eye tells from v.
func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64) // + 0: no minus before zero
}

// path is the data of a path: points with the letters H and V where only one
// coordinate changes, which most lines of figures are.
func (s *svgCanvas) path(p vg.Path) string {
	n := s.now()
	var b strings.Builder
	var lastX, lastY string
	to := func(letter string, px vg.Point) {
		x, y := n.at(px)
		sx, sy := short(x), short(y)
		switch {
		case letter == "L" && sx == lastX && sy == lastY:
		case letter == "L" && sy == lastY:
			b.WriteString("H" + sx)
		case letter == "L" && sx == lastX:
			b.WriteString("V" + sy)
		default:
			b.WriteString(letter + sx + " " + sy)
		}
		lastX, lastY = sx, sy
	}
	for i, comp := range p {
		switch comp.Type {
		case vg.MoveComp:
			to("M", comp.Pos)
		case vg.LineComp:
			to("L", comp.Pos)
		case vg.ArcComp:
			s.arc(to, comp, i == 0)
		case vg.CurveComp:
			// All control points stand before the end; two make it cubic.
			letter := map[int]string{1: "Q", 2: "C"}[len(comp.Control)]
			for _, q := range comp.Control {
				to(letter, q)
				letter = " "
			}
			to(letter, comp.Pos)
		case vg.CloseComp:
			b.WriteString("Z")
			lastX, lastY = "", ""
		}
	}
	return b.String()
}

// arc draws an arc in two halves: the ends of a full circle are one point, and
// no arc between them would be drawn.
func (s *svgCanvas) arc(to func(string, vg.Point), a vg.PathComp, first bool) {
	on := func(angle float64) vg.Point {
		sin, cos := math.Sincos(angle)
		return vg.Point{X: a.Pos.X + a.Radius*vg.Length(cos), Y: a.Pos.Y + a.Radius*vg.Length(sin)}
	}
	letter := "L"
	if first {
		letter = "M"
	}
	to(letter, on(a.Start))
	sweep := 0 // against the clock in the drawing is so in the file, for y was turned
	if a.Angle < 0 {
		sweep = 1
	}
	r := short(float64(a.Radius))
	half := fmt.Sprintf("A%s %s 0 0 %d ", r, r, sweep)
	to(half, on(a.Start+a.Angle/2))
	to(half, on(a.Start+a.Angle))
}

// write writes the file, with title and description for those who cannot see
// it. embed puts the font in.
func (s *svgCanvas) write(w io.Writer, f Figure, embed bool) error {
	width, height := short(float64(s.width)), short(float64(s.height))
	style := ""
	if embed {
		// A file stands on any ground: black on the dark one of a viewer is lost.
		ttf, err := Font(s.text.String())
		if err != nil {
			return err
		}
		style = fmt.Sprintf("<style>@font-face{font-family:%s;src:url(data:font/ttf;base64,%s)}</style>\n<path fill=\"#fff\" d=\"M0 0H%sV%sH0Z\"/>\n", FontName, base64.StdEncoding.EncodeToString(ttf), width, height)
	}
	about := ""
	if f.Title != "" { // an empty title would be an empty tooltip
		about = fmt.Sprintf("<title>%s</title>\n<desc>%s</desc>\n", escapeXML(f.Title), escapeXML(f.Caption))
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %s %s" fill="none" color="#000" font-family="%s,'Liberation Sans',Arial,Helvetica,sans-serif" xml:space="preserve">
%s%s%s</svg>
`, width, height, width, height, FontName, about, style, s.body.String())
	return err
}
