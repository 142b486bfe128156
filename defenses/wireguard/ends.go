package wireguard

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/tun"
)

// tunDevice is where inner packets go in and come out.
type tunDevice struct {
	in      chan []byte
	arrived func(id uint32)
	events  chan tun.Event
	closed  chan struct{}
	once    sync.Once
}

func newTun(arrived func(uint32)) *tunDevice {
	t := &tunDevice{in: make(chan []byte), arrived: arrived, events: make(chan tun.Event, 1), closed: make(chan struct{})}
	t.events <- tun.EventUp
	return t
}

func (t *tunDevice) File() *os.File           { return nil }
func (t *tunDevice) MTU() (int, error)        { return MTU, nil }
func (t *tunDevice) Name() (string, error)    { return "veilbench", nil }
func (t *tunDevice) Events() <-chan tun.Event { return t.events }
func (t *tunDevice) BatchSize() int           { return 1 }

func (t *tunDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case b := <-t.in:
		sizes[0] = copy(bufs[0][offset:], b)
		return 1, nil
	case <-t.closed:
		return 0, os.ErrClosed
	}
}

func (t *tunDevice) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		if b = b[offset:]; len(b) >= Smallest {
			t.arrived(binary.BigEndian.Uint32(b[20:]))
		}
	}
	return len(bufs), nil
}

func (t *tunDevice) Close() error {
	t.once.Do(func() { close(t.closed); close(t.events) })
	return nil
}

// tap is a bind that tells what it sends.
type tap struct {
	conn.Bind
	sent func([]byte)
}

func (t *tap) Send(bufs [][]byte, ep conn.Endpoint) error {
	for _, b := range bufs {
		t.sent(b)
	}
	return t.Bind.Send(bufs, ep)
}

// line carries datagrams one way in order, each for delay and no two at once: what the
// other end does with one is done when the next comes, in a bubble of fake time too.
type line struct {
	delay  time.Duration
	queue  chan parcel
	closed chan struct{}

	mu   sync.Mutex
	last time.Time // when the last one is due
}

// apart is how far behind each other datagrams are on a line.
const apart = 10 * time.Microsecond

// send puts a copy of b on the line.
func (l *line) send(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := time.Now().Add(l.delay)
	if next := l.last.Add(apart); due.Before(next) {
		due = next
	}
	l.last = due
	select {
	case l.queue <- parcel{due, slices.Clone(b)}:
		return nil
	case <-l.closed:
		return net.ErrClosed
	}
}

type parcel struct {
	due time.Time
	b   []byte
}

func newLine(delay time.Duration) *line {
	return &line{delay: delay, queue: make(chan parcel, 1<<12), closed: make(chan struct{})}
}

// memory is a bind over two lines.
type memory struct {
	out, in *line
	sent    func([]byte) // of what goes out, nil: nobody asks
	got     func([]byte) // of what has come in
	mu      sync.Mutex
	closed  chan struct{}
}

// Open begins to receive. A device opens its bind anew when it is set up again.
func (m *memory) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	m.mu.Lock()
	m.closed = make(chan struct{})
	closed := m.closed
	m.mu.Unlock()

	receive := func(bufs [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		select {
		case p := <-m.in.queue:
			time.Sleep(time.Until(p.due)) // those behind it are due later
			if m.got != nil {
				m.got(p.b)
			}
			sizes[0], eps[0] = copy(bufs[0], p.b), endpoint{}
			return 1, nil
		case <-closed:
			return 0, net.ErrClosed
		case <-m.in.closed:
			return 0, net.ErrClosed
		}
	}
	return []conn.ReceiveFunc{receive}, 1, nil
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed != nil {
		close(m.closed)
		m.closed = nil
	}
	return nil
}

func (m *memory) Send(bufs [][]byte, _ conn.Endpoint) error {
	for _, b := range bufs {
		if m.sent != nil {
			m.sent(b)
		}
		if err := m.out.send(b); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) SetMark(uint32) error                        { return nil }
func (m *memory) BatchSize() int                              { return 1 }
func (m *memory) ParseEndpoint(string) (conn.Endpoint, error) { return endpoint{}, nil }

// endpoint is the other end, of which a line has one.
type endpoint struct{}

func (endpoint) ClearSrc()           {}
func (endpoint) SrcToString() string { return "" }
func (endpoint) DstToString() string { return "127.0.0.1:1" }
func (endpoint) DstToBytes() []byte  { return []byte{127, 0, 0, 1, 1, 0} }
func (endpoint) DstIP() netip.Addr   { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
func (endpoint) SrcIP() netip.Addr   { return netip.Addr{} }
