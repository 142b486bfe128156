package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/reports/table"
)

// Sequences draws lanes of packets below each other, what is sent above the
// line and what is received below it. All lanes have one scale, so that padding is
// seen as what it is.
type Sequences struct {
	Lanes []Lane
	// Tall gives lanes more than twice the height, for pictures as wide as a page.
	Tall bool
	// InOrder draws the first so many packets of each lane side by side; 0 draws
	// all of them over the time that the lanes share.
	InOrder int
}

// Lane is one line of packets.
type Lane struct {
	Title string
	// Note stands at the right; empty is how many packets there are and their bytes.
	Note string
	// Packets are in order of time.
	Packets []Packet
	// Cut is how many packets there were beyond these.
	Cut int
}

// Packet is a packet of a lane.
type Packet struct {
	Seconds float64
	// Size is in bytes, negative for what is received.
	Size int32
	Kind PacketKind
}

// PacketKind says whose packet it is.
type PacketKind int

// Packets are of what the lane is about, other traffic, or cover.
const (
	Original PacketKind = iota
	Other
	Cover
)

// Figure draws the lanes.
func (g Sequences) Figure(title, caption string) Figure { return of(g, title, caption) }

// Sizes in points.
const (
	laneLeft    = 34 // the scale of sizes and its name
	laneRight   = 8  // half of the last label of the axis
	laneTitle   = 9
	laneMiddle  = 4 // from the top of a title to the middle of its letters
	laneData    = 27
	laneTall    = 70 // laneData of tall ones
	laneGap     = 4
	laneTimes   = 22  // the time axis
	laneOrder   = 13  // the axis of packets in order
	laneWide    = 10  // bars wider than that have their length beside them
	laneTick    = 6.7 // between numbers of the scale
	laneBar     = 0.9 // width of a packet over time
	laneBarPart = 0.7 // of its slot that a packet in order takes
)

// color differs in lightness too.
func (p Packet) color() color.Color {
	switch p.Kind {
	case Cover:
		return color.Gray{190}
	case Other:
		return color.Gray{105}
	}
	return directionColor(p.Size > 0)
}

// key names the colors that occur.
func (g Sequences) key() legend {
	out := legend{swatch("sent", directionColor(true), 4), swatch("received", directionColor(false), 4)}
	for _, k := range []struct {
		kind PacketKind
		name string
	}{{Other, "other traffic"}, {Cover, "cover"}} {
		if slices.ContainsFunc(g.Lanes, func(l Lane) bool {
			return slices.ContainsFunc(l.Packets, func(p Packet) bool { return p.Kind == k.kind })
		}) {
			out = append(out, swatch(k.name, Packet{Kind: k.kind}.color(), 4))
		}
	}
	return out
}

func (g Sequences) height(width vg.Length) vg.Length {
	foot := vg.Length(laneTimes)
	if g.InOrder > 0 {
		foot = laneOrder
	}
	return g.key().height(width) + vg.Length(len(g.Lanes))*(laneTitle+g.data()+laneGap) + foot
}

// data is the height of a lane's packets.
func (g Sequences) data() vg.Length {
	if g.Tall {
		return laneTall
	}
	return laneData
}

// scale is the largest packet each way of all that are drawn, each at least a
// quarter of the other.
func (g Sequences) scale() (up, down int32) {
	up, down = 1, 1
	for _, l := range g.Lanes {
		for i, p := range l.Packets {
			if g.InOrder == 0 || i < g.InOrder {
				up, down = max(up, p.Size), max(down, -p.Size)
			}
		}
	}
	return max(up, down/4), max(down, up/4)
}

// note says how many packets a lane has, and how large they are together if that
// is known.
func (l Lane) note(drawn int) string {
	switch total := len(l.Packets) + l.Cut; {
	case l.Note != "":
		return l.Note
	case l.Cut > 0 || drawn < len(l.Packets):
		return fmt.Sprintf("first %d of %d packets", drawn, total)
	case total == 1:
		return fmt.Sprintf("1 packet, %d bytes", max(l.Packets[0].Size, -l.Packets[0].Size))
	}
	var bytes int64
	for _, p := range l.Packets {
		bytes += int64(max(p.Size, -p.Size))
	}
	return fmt.Sprintf("%d packets, %s kB", len(l.Packets), table.Fixed(float64(bytes)/1000, 1))
}

// span is the time that all lanes show, in seconds; that of a lane with few
// packets may end earlier.
func (g Sequences) span() (from, to float64) {
	for _, l := range g.Lanes {
		if n := len(l.Packets); n > 0 {
			from = min(from, l.Packets[0].Seconds)
			to = max(to, l.Packets[n-1].Seconds)
		}
	}
	return from, max(to, from+1e-3)
}

// longest is how many packets the longest lane shows in order.
func (g Sequences) longest() int {
	n := 1
	for _, l := range g.Lanes {
		n = max(n, min(g.InOrder, len(l.Packets)))
	}
	return n
}

func (g Sequences) draw(c draw.Canvas) {
	key := g.key()
	key.draw(c)
	y := c.Max.Y - key.height(c.Max.X-c.Min.X)
	x0, x1 := c.Min.X+laneLeft, c.Max.X-laneRight
	from, to := g.span()
	up, down := g.scale()
	high := y
	slot := (x1 - x0) / vg.Length(g.longest())

	// Packets in order have a slot each, so that lanes can be compared by their
	// lengths; over time they stand where they were, and may lie on each other.
	for _, l := range g.Lanes {
		note := l.note(len(l.Packets))
		var x func(i int) vg.Length
		var width vg.Length
		if g.InOrder > 0 {
			x = func(i int) vg.Length { return x0 + (vg.Length(i)+0.5)*slot }
			width = min(laneBarPart*slot, laneWide+1)
			first := min(len(l.Packets), g.InOrder)
			note = l.note(first)
			l.Packets = l.Packets[:first]
		} else {
			x = func(i int) vg.Length { return x0 + (x1-x0)*vg.Length((l.Packets[i].Seconds-from)/(to-from)) }
			width = laneBar
		}
		laneHead(c, l.Title, note, x0, x1, y-laneMiddle)
		y -= laneTitle
		l.draw(c, width, x, vg.Rectangle{Min: vg.Point{X: x0, Y: y - g.data()}, Max: vg.Point{X: x1, Y: y}}, up, down)
		y -= g.data() + laneGap
	}
	c.FillText(upright(smallType), vg.Point{X: c.Min.X + edge, Y: (y + high) / 2}, "bytes")

	if g.InOrder == 0 {
		secondsAxis(c, from, to, x0, x1, y)
		return
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: c.Min.Y + 3}, "packets in order")
}

// draw draws the packets of l as bars of a width into box, which has room for up
// bytes sent and down received; x is where the i-th stands.
func (l Lane) draw(c draw.Canvas, width vg.Length, x func(int) vg.Length, box vg.Rectangle, up, down int32) {
	per := (box.Max.Y - box.Min.Y) / vg.Length(up+down)
	mid := box.Min.Y + per*vg.Length(down)

	// Cover lies below what it covers.
	for _, cover := range []bool{true, false} {
		for i, p := range l.Packets {
			if (p.Kind == Cover) == cover {
				fillRect(c, p.color(), x(i)-width/2, mid, x(i)+width/2, mid+per*vg.Length(p.Size))
			}
		}
	}

	// The number of a bar stands across the line, where there is room.
	if width > laneWide {
		for i, p := range l.Packets {
			sty, at := aligned(smallType-1, center, top), vg.Point{X: x(i), Y: mid - 1.5}
			if p.Size < 0 {
				sty, at = aligned(smallType-1, center, bottom), vg.Point{X: x(i), Y: mid + 1.5}
			}
			c.FillText(sty, at, strconv.Itoa(int(max(p.Size, -p.Size))))
		}
	}

	axis := line(color.Black, 0.4)
	c.StrokeLine2(axis, box.Min.X, mid, box.Max.X, mid)
	c.StrokeLine2(axis, box.Min.X, box.Min.Y, box.Min.X, box.Max.Y)

	// Round numbers, as many as have room.
	ticks := int((box.Max.Y - box.Min.Y) / laneTick)
	step := roundStep(float64(up+down), ticks)
	for v := -math.Floor(float64(down)/step) * step; v <= float64(up); v += step {
		at := mid + per*vg.Length(v)
		c.StrokeLine2(axis, box.Min.X-2, at, box.Min.X, at)
		at = min(max(at, box.Min.Y+2.5), box.Max.Y-2.5) // half of a number sticks out of no lane
		c.FillText(aligned(smallType-1, right, center), vg.Point{X: box.Min.X - 3, Y: at}, table.Full(math.Abs(v)))
	}
}

// secondsAxis is the time axis that lanes share, in a unit that fits; 0 is when it
// happened.
func secondsAxis(c draw.Canvas, from, to float64, x0, x1, y vg.Length) {
	unit, per := timeUnit(time.Duration((to - from) * float64(time.Second)))
	from, to = from/per.Seconds(), to/per.Seconds()
	step := roundStep(to-from, 7)
	c.StrokeLine2(axisLine(), x0, y, x1, y)
	for k := math.Ceil(from/step) + 0; k*step <= to; k++ { // + 0: no minus before zero
		x := x0 + (x1-x0)*vg.Length((k*step-from)/(to-from))
		c.StrokeLine2(axisLine(), x, y, x, y-tick)
		c.FillText(aligned(smallType, center, top), vg.Point{X: x, Y: y - tick - 1}, strconv.FormatFloat(k*step, 'g', 6, 64))
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: y - laneTimes + edge}, "time ("+unit+")")
}
