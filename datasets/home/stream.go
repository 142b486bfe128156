package home

import "veilbench/datasets"

// stream plays a state with a duration, such as a camera that is watched.
func (s *script) stream(st *stream) error {
	c, err := s.connection(st.Flow)
	if err != nil {
		return err
	}
	if c.Mode == "per_event" && c.Proto == "tcp" && c.Handshake == "" && st.Chunk > 0 {
		s.syn(c)
	}
	from := s.clock
	length := st.Duration.draw(s.r)
	if most := s.d.home.longest; most > 0 {
		length = min(length, most)
	}
	s.until = from + length
	stop := s.until
	if st.LingerS.form != fixed {
		stop += st.LingerS.draw(s.r)
	}
	if st.Chunk > 0 {
		s.chunks(c, st, stop)
	} else {
		start := s.last
		s.train(c, datasets.Up, &st.UpLen, ppm(st.UpPPS), stop, false, st.ACKs)
		up := s.last
		s.clock, s.last = from, start
		s.train(c, datasets.Down, &st.DownLen, ppm(st.DownPPS), stop, st.ACKs, true)
		s.last = max(s.last, up)
	}
	s.clock = stop
	return nil
}

// train sends frames at a rate in millionths per second until stop; the gaps
// are half to one and a half times the mean.
func (s *script) train(c *conn, dir datasets.Dir, l *length, rate, stop int64, pure, acked bool) {
	if rate <= 0 {
		return
	}
	mean := second * million / rate
	name := "C"
	if dir == datasets.Down {
		name = "S"
	}
	for s.clock += between(s.r, 0, mean); s.clock < stop; s.clock += between(s.r, mean/2, mean+mean/2) {
		if pure {
			s.put(c, dir, c.header(), 0, true)
			continue
		}
		s.full(c, dir, s.d.shifted(c.ID, name, l.draw(s.r)), acked)
	}
}

// chunks fetches media piece by piece, as fast as it is played.
func (s *script) chunks(c *conn, st *stream, stop int64) {
	every := ppm(st.Chunk) / ppm(st.DownBPS) * second
	if rest := ppm(st.Chunk) % ppm(st.DownBPS); rest > 0 {
		every += rest * 1000 / ppm(st.DownBPS) * (second / 1000)
	}
	for at := s.clock; at < stop && at < s.d.home.end; at += every {
		s.clock = max(at, s.last)
		s.fetch(c, between(s.r, 380, 460), int64(st.Chunk), st.Frame)
	}
}

// fetch asks for bytes with a request of the given frame length and receives
// them as a train of full frames.
func (s *script) fetch(c *conn, request, bytes, frame int64) {
	s.full(c, datasets.Up, request, false)
	s.clock += c.rtt + between(s.r, 2_000_000, 15_000_000)
	size := min(frame, s.d.maxFrame)
	for left := bytes; left > 0; left -= size - c.header() {
		s.full(c, datasets.Down, min(size, left+c.header()), false)
		s.clock += between(s.r, 100_000, 900_000)
	}
	s.prev = "S"
}
