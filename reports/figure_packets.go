package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench/results"
)

const (
	packetLanes = 12  // lanes of a figure
	packetFirst = 32  // packets of a lane that is in order, not in time
	packetShort = 5e6 // microseconds of an event of which each packet can be seen
)

// packetFigures draws the packets of single events, clips or commands: of one
// of them behind every defense over time, and undefended in order, in the
// manner of the IoTEvent paper, figure 4: one activity of each device, and all
// of the device that has most.
func (s *Set) packetFigures() []Figure {
	var out []Figure
	for _, p := range s.panels {
		ds := s.sampled(p)
		if len(ds) == 0 {
			continue
		}
		var first []results.Sequence
		for _, q := range s.sample(p, ds[0]).Sequences {
			if s.picked(q.Class) && (len(first) == 0 || first[len(first)-1].Class != q.Class) {
				first = append(first, q)
			}
		}
		if len(first) == 0 {
			continue
		}
		if len(ds) > 1 {
			out = append(out, s.packetsBehind(p, ds, first))
		}
		overview, most := spread(first)
		out = append(out, s.packetsInOrder(p, ds[0], overview))
		if len(most) > 0 && len(overview) < len(first) {
			out = append(out, s.packetsInOrder(p, ds[0], most))
		}
	}
	return out
}

// spread picks activities evenly from all devices, and those of the device
// that has most, each at most packetLanes.
func spread(all []results.Sequence) (even, most []results.Sequence) {
	byDevice := map[string][]results.Sequence{}
	var devices []string
	for _, q := range all {
		d := deviceOf(q.Class)
		if byDevice[d] == nil {
			devices = append(devices, d)
		}
		byDevice[d] = append(byDevice[d], q)
		if len(byDevice[d]) > len(most) {
			most = byDevice[d]
		}
	}
	for round := 0; len(even) < min(len(all), packetLanes); round++ {
		for _, d := range devices {
			if round < len(byDevice[d]) && len(even) < packetLanes {
				even = append(even, byDevice[d][round])
			}
		}
	}
	slices.SortStableFunc(even, func(a, b results.Sequence) int { return strings.Compare(a.Class, b.Class) })
	return even, most[:min(len(most), packetLanes)]
}

func (s *Set) packetsInOrder(p Panel, d string, qs []results.Sequence) Figure {
	g := packetDrawing{first: packetFirst}
	for _, q := range qs {
		g.lanes = append(g.lanes, packetLane{q.Class, q})
	}
	title := fmt.Sprintf("Packets of activities under %s: %s", s.defenseLabel(d).Text, p.about())
	what := fmt.Sprintf("Packets of one event of each activity in order, sent above the line and received below it, with their lengths in bytes (whole frame); at most the first %d.", packetFirst)
	return Figure{Title: title, Caption: s.caption(p, what, []string{d}, nil), height: g.height, draw: g.draw}
}

// packetsBehind shows one event behind each defense.
func (s *Set) packetsBehind(p Panel, ds []string, first []results.Sequence) Figure {
	left := max(0, len(ds)-packetLanes)
	ds = ds[:len(ds)-left]
	want := typical(first)
	g := packetDrawing{}
	for _, d := range ds {
		for _, q := range s.sample(p, d).Sequences {
			if q.Class == want.Class && q.Recording == want.Recording && q.AtS == want.AtS {
				g.lanes = append(g.lanes, packetLane{s.defenseLabel(d).Text, q})
			}
		}
	}
	title := "Packets of " + want.Class + " before and after defenses: " + p.about()
	what := fmt.Sprintf("Packets on the flows that carry the device's traffic around %s in %s, by time and length in bytes (whole frame), sent above the line and received below it, until half a second after its last original byte or %d packets. Whose packet it is, is drawn from the truth; no attack sees it.", want.Class, want.Recording, results.SamplePackets)
	if left > 0 {
		what += fmt.Sprintf(" %d more defenses are not drawn.", left)
	}
	return Figure{Title: title, Caption: s.caption(p, what, ds, nil), height: g.height, draw: g.draw}
}

// typical is the short sequence with most packets that can still be told apart.
func typical(qs []results.Sequence) results.Sequence {
	best, most := qs[0], 0
	for _, q := range qs {
		if n := len(q.Sizes); n > most && n <= 2*packetFirst && q.TimesUS[n-1] <= packetShort {
			best, most = q, n
		}
	}
	return best
}

// packetLane is one line of packets.
type packetLane struct {
	title string
	seq   results.Sequence
}

// packetDrawing draws lanes below each other: over time, or in order if first
// is set, and then no more packets than that.
type packetDrawing struct {
	lanes []packetLane
	first int
}

// Sizes in points.
const (
	packetLeft = 26
	packetHead = 9
	packetData = 27
	packetGap  = 4
	packetFoot = 22 // the time axis
	packetRank = 13 // the axis of packets in order
	packetWide = 10 // bars wider than that have their length beside them
)

func (g packetDrawing) key() []keyEntry {
	out := []keyEntry{}
	add := func(text string, c color.Color) {
		out = append(out, keyEntry{text, func(cv draw.Canvas, at vg.Point) { fillRect(cv, c, at.X-4, at.Y-3, at.X+4, at.Y+3) }})
	}
	whose := ""
	for _, l := range g.lanes {
		whose += l.seq.Whose
	}
	add("sent", packetInk(results.WhoseEvent, true))
	add("received", packetInk(results.WhoseEvent, false))
	if strings.ContainsRune(whose, results.WhoseOther) {
		add("other traffic", packetInk(results.WhoseOther, true))
	}
	if strings.ContainsRune(whose, results.WhoseCover) {
		add("cover", packetInk(results.WhoseCover, true))
	}
	return out
}

// packetInk differs in lightness too.
func packetInk(whose byte, up bool) color.Color {
	switch {
	case whose == results.WhoseCover:
		return color.Gray{190}
	case whose == results.WhoseOther:
		return color.Gray{105}
	case up:
		return okabeIto(0)
	}
	return okabeIto(1)
}

func (g packetDrawing) height(width vg.Length) vg.Length {
	return keyHeight(g.key(), width) + vg.Length(len(g.lanes))*(packetHead+packetData+packetGap) + g.foot()
}

func (g packetDrawing) foot() vg.Length {
	if g.first > 0 {
		return packetRank
	}
	return packetFoot
}

// span is the time that all lanes show, in seconds; that of a lane with few
// packets may end earlier.
func (g packetDrawing) span() (from, to float64) {
	for _, l := range g.lanes {
		if n := len(l.seq.TimesUS); n > 0 {
			from = min(from, float64(l.seq.TimesUS[0])/1e6)
			to = max(to, float64(l.seq.TimesUS[n-1])/1e6)
		}
	}
	return from, max(to, from+1e-3)
}

// count is how many packets the longest lane shows.
func (g packetDrawing) count() int {
	n := 1
	for _, l := range g.lanes {
		n = max(n, min(g.first, len(l.seq.Sizes)))
	}
	return n
}

func (g packetDrawing) draw(c draw.Canvas) {
	key := g.key()
	drawKey(c, key)
	y := c.Max.Y - keyHeight(key, c.Max.X-c.Min.X)
	x0, x1 := c.Min.X+packetLeft, c.Max.X-6
	from, to := g.span()
	slot := (x1 - x0) / vg.Length(g.count())
	for _, l := range g.lanes {
		x := func(i int) vg.Length { return x0 + (vg.Length(i)+0.5)*slot }
		width, n := min(0.7*slot, packetWide+1), len(l.seq.Sizes)
		if g.first > 0 {
			n = min(n, g.first)
		} else {
			width = 0.9
			x = func(i int) vg.Length {
				return x0 + (x1-x0)*vg.Length((float64(l.seq.TimesUS[i])/1e6-from)/(to-from))
			}
		}
		note := strconv.Itoa(len(l.seq.Sizes)+l.seq.Cut) + " packets"
		sty := aligned(smallType, left, center)
		c.FillText(sty, vg.Point{X: x0, Y: y - packetHead/2}, fit(sty, l.title, x1-x0-sty.Width(note)-6))
		c.FillText(aligned(smallType, right, center), vg.Point{X: x1, Y: y - packetHead/2}, note)
		y -= packetHead
		drawLane(c, l.seq, n, width, x, x0, x1, y-packetData, y)
		y -= packetData + packetGap
	}
	if g.first == 0 {
		secondsAxis(c, from, to, x0, x1, y)
		return
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: c.Min.Y + 3}, "packets in order")
}

// drawLane draws the first n packets of q between y0 and y1.
func drawLane(c draw.Canvas, q results.Sequence, n int, width vg.Length, x func(int) vg.Length, x0, x1, y0, y1 vg.Length) {
	up, down := int32(1), int32(1)
	for _, v := range q.Sizes[:n] {
		up, down = max(up, v), max(down, -v)
	}
	up, down = max(up, down/4), max(down, up/4)
	per := (y1 - y0) / vg.Length(up+down)
	mid := y0 + per*vg.Length(down)
	// Cover lies below what it covers.
	for _, cover := range []bool{true, false} {
		for i, v := range q.Sizes[:n] {
			whose := byte(results.WhoseEvent)
			if i < len(q.Whose) {
				whose = q.Whose[i]
			}
			if (whose == results.WhoseCover) == cover {
				fillRect(c, packetInk(whose, v > 0), x(i)-width/2, mid, x(i)+width/2, mid+per*vg.Length(v))
			}
		}
	}
	if width > packetWide {
		for i, v := range q.Sizes[:n] { // across the line there is room
			sty, at := aligned(smallType-1, center, top), vg.Point{X: x(i), Y: mid - 1.5}
			if v < 0 {
				sty, at = aligned(smallType-1, center, bottom), vg.Point{X: x(i), Y: mid + 1.5}
			}
			c.FillText(sty, at, strconv.Itoa(int(max(v, -v))))
		}
	}
	axis := line(color.Black, 0.4)
	c.StrokeLine2(axis, x0, mid, x1, mid)
	c.StrokeLine2(axis, x0, y0, x0, y1)
	for _, v := range []int32{up, -down} {
		at := mid + per*vg.Length(v)
		c.StrokeLine2(axis, x0-2, at, x0, at)
		at = min(max(at, y0+2.5), y1-2.5)
		c.FillText(aligned(smallType-1, right, center), vg.Point{X: x0 - 3, Y: at}, strconv.Itoa(int(max(v, -v))))
	}
}

// secondsAxis is the time axis that lanes share; 0 is when it happened.
func secondsAxis(c draw.Canvas, from, to float64, x0, x1, y vg.Length) {
	step := roundStep(to-from, 7)
	axis := line(color.Black, 0.5)
	c.StrokeLine2(axis, x0, y, x1, y)
	for k := math.Ceil(from/step) + 0; k*step <= to; k++ { // + 0: no minus before zero
		x := x0 + (x1-x0)*vg.Length((k*step-from)/(to-from))
		c.StrokeLine2(axis, x, y, x, y-3)
		c.FillText(aligned(smallType, center, top), vg.Point{X: x, Y: y - 4}, strconv.FormatFloat(k*step, 'g', 6, 64))
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: y - packetFoot + 1}, "time (s)")
}
