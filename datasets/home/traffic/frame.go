package traffic

import (
	"veilbench/datasets"
	"veilbench/datasets/home/draw"
)

// sendMessage sends one message, cut at the path's longest frame. size is that
// of the frame the message would fill alone; one without payload is a bare frame.
func (s *Script) sendMessage(c *Conn, dir string, size int64, acked bool) {
	h := c.Header()
	limit := s.device.maxFrame - h
	for left := max(size-h, 0); ; {
		n := min(left, limit)
		s.sendFrame(c, direction(dir), h+n, n, acked)
		if left -= n; left <= 0 {
			return
		}
	}
}

// Frame sends one frame of a bulk transfer, of the given size but no longer
// than the path allows. acked says that the other side owes no ACK for it; UDP
// never does.
func (s *Script) Frame(c *Conn, dir datasets.Dir, size int64, acked bool) {
	h := c.Header()
	size = max(min(size, s.device.maxFrame), h)
	s.sendFrame(c, dir, size, size-h, acked)
}

// sendFrame sends one frame with the jitter of the access network. A segment
// that gets lost is in the recording twice: both copies pass the capture point.
func (s *Script) sendFrame(c *Conn, dir datasets.Dir, size, payload int64, acked bool) {
	// Packets of a script queue behind each other, but for one in two thousand,
	// which is late and may be overtaken.
	t := max(s.Clock+accessJitter(s), s.Last+draw.Between(s.r, 12*microsecond, 60*microsecond))
	s.Last = t
	if draw.Chance(s.r, 0.0005) {
		t += draw.Between(s.r, millisecond, 6*millisecond)
	}

	p := packet{
		time: t, size: int32(size), payload: int32(payload), flow: c.flow,
		owner: s.device.owner, cause: s.cause, dir: dir, acked: acked || c.Proto == "udp",
	}
	h := s.device.Home
	left := s.mute > 0 && t > s.mute
	if !left {
		h.addPacket(p)
	}
	if payload > 0 && !p.acked && draw.Chance(s.r, s.device.loss) {
		p.time += retransmission(s)
		if !left {
			h.addPacket(p)
		}
	}
}

// accessJitter draws the contention of the wireless link: median 0.8 ms, 4 ms
// at the 90th percentile (assumed).
func accessJitter(s *Script) int64 {
	return draw.Lognormal(800*microsecond, 118_734, 60*millisecond).Draw(s.r)
}

// retransmission draws the time until a lost segment is sent again: median
// 0.3 s, 1 s at the 90th percentile (cited).
func retransmission(s *Script) int64 {
	return draw.Lognormal(300*millisecond, 88_822, 5*second).Draw(s.r)
}

// direction is how profiles write directions: S from the server, C to it.
func direction(d string) datasets.Dir {
	if d == "S" {
		return datasets.Down
	}
	return datasets.Up
}

// opposite is the direction of answers.
func opposite(d datasets.Dir) datasets.Dir {
	if d == datasets.Up {
		return datasets.Down
	}
	return datasets.Up
}
