package traffic

import (
	"cmp"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// playBurst plays a train of frames.
func (s *Script) playBurst(b *profile.Burst) {
	c, dir := s.connection(b.Flow), direction(b.D)
	n := b.Count.Draw(s.r)
	if s.event != nil && s.event.Scale > 0 {
		n = n * draw.PPM(s.event.Scale) / draw.Million
	}
	every := cmp.Or(b.ACKEvery, 2)
	for i := range n {
		// The first packet of an event is its trigger and waits for nothing.
		if i > 0 || s.prev != "" {
			s.Clock += s.drawGap(&b.G, c, b.D)
		}
		s.Frame(c, dir, s.device.shifted(c.ID, b.D, b.L.Draw(s.r)), b.PureACK || b.ACKFrame > 0)

		if b.ACKFrame > 0 && (i+1)%every == 0 {
			s.sendFrame(c, opposite(dir), b.ACKFrame, 0, true)
		}
	}
	s.prev = b.D
}

// playStream plays a state with a duration, such as a camera that is watched.
func (s *Script) playStream(st *profile.Stream) {
	c := s.connection(st.Flow)
	if c.Mode == "per_event" && c.Proto == "tcp" && c.Handshake == "" && st.Chunk > 0 {
		s.OpenTCP(c)
	}

	// The state ends when the user stops it, the packets when the server notices.
	from := s.Clock
	length := st.Duration.Draw(s.r)
	if most := s.device.Home.LongestStream; most > 0 {
		length = min(length, most)
	}
	if n := s.device.Home.StreamFor; n > 0 {
		length = n
	}
	s.until = from + length
	stop := s.until + st.LingerS.Draw(s.r)

	// What is left out is drawn all the same: the device's next event must not
	// hang on it.
	if part := s.device.Home.Thin.Stream; part > 0 {
		s.mute = from + part
		defer func() { s.mute = 0 }()
	}
	if st.Chunk > 0 {
		s.fetchChunks(c, st, stop)
	} else {
		s.BothWays(c, st, from, stop)
	}
	s.Clock = stop
}

// BothWays plays the stream's frames in both directions until stop, up from the
// clock on and down from downFrom on. They run at once, so frames queue only
// behind those of their own direction.
func (s *Script) BothWays(c *Conn, st *profile.Stream, downFrom, stop int64) {
	start := s.Last
	s.atRate(st.UpPPS, stop, func() {
		s.Frame(c, datasets.Up, s.device.shifted(c.ID, "C", st.UpLen.Draw(s.r)), st.ACKs)
	})

	up := s.Last
	s.Clock, s.Last = downFrom, start
	s.atRate(st.DownPPS, stop, func() {
		if st.ACKs {
			s.sendFrame(c, datasets.Down, c.Header(), 0, true)
			return
		}
		s.Frame(c, datasets.Down, s.device.shifted(c.ID, "S", st.DownLen.Draw(s.r)), true)
	})
	s.Last = max(s.Last, up)
}

// atRate calls send so many times per second until stop; the gaps are half to
// one and a half times the mean.
func (s *Script) atRate(perSecond float64, stop int64, send func()) {
	rate := draw.PPM(perSecond)
	if rate <= 0 {
		return
	}
	mean := second * draw.Million / rate
	for s.Clock += draw.Between(s.r, 0, mean); s.Clock < stop; s.Clock += draw.Between(s.r, mean/2, mean+mean/2) {
		send()
	}
}

// fetchChunks fetches media piece by piece, as fast as it is played.
func (s *Script) fetchChunks(c *Conn, st *profile.Stream, stop int64) {
	// The quotient in nanoseconds, in two parts: bytes times 10^15 would leave
	// 63 bits from 9 KB on.
	bytes, rate := draw.PPM(st.Chunk), draw.PPM(st.DownBPS)
	every := bytes/rate*second + bytes%rate*1000/rate*millisecond

	for at := s.Clock; at < stop && at < s.device.Home.End; at += every {
		s.Clock = max(at, s.Last)
		s.Fetch(c, draw.Between(s.r, 380, 460), int64(st.Chunk), st.Frame)
	}
}

// Fetch asks for bytes with a request of the given frame length and receives
// them as a train of frames of the given length, or as long as the path allows.
func (s *Script) Fetch(c *Conn, request, bytes, frame int64) {
	s.Frame(c, datasets.Up, request, false)
	s.Clock += c.RTT + draw.Between(s.r, 2*millisecond, 15*millisecond)
	size := min(frame, s.device.maxFrame)
	for left := bytes; left > 0; left -= size - c.Header() {
		s.Frame(c, datasets.Down, min(size, left+c.Header()), false)
		s.Clock += draw.Between(s.r, 100*microsecond, 900*microsecond)
	}
	s.prev = "S"
}
