package main

import (
	"errors"
	"io"
	"math/rand"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

const port = 7946

// gate is what a slow node stands before: whoever wants to send, or has just received, waits until it is open.
type gate struct {
	mu sync.Mutex
	// Closed while the gate is open.
	open chan struct{}
}

func openGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) block() {
	g.mu.Lock()
	g.open = make(chan struct{})
	g.mu.Unlock()
}

func (g *gate) release() {
	g.mu.Lock()
	close(g.open)
	g.mu.Unlock()
}

func (g *gate) wait() {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	<-open
}

// traffic counts what is sent while `counting`.
type traffic struct {
	counting, packets, packetBytes, streamBytes, dropped int64
}

func (t *traffic) add(packets, packetBytes, streamBytes int) {
	if atomic.LoadInt64(&t.counting) == 1 {
		atomic.AddInt64(&t.packets, int64(packets))
		atomic.AddInt64(&t.packetBytes, int64(packetBytes))
		atomic.AddInt64(&t.streamBytes, int64(streamBytes))
	}
}

// network joins transports in memory: every packet takes a time of its own from the delays, a stream keeps its order.
type network struct {
	delayMinMs, delayMaxMs float64
	queueBytesMax          int
	byAddress              map[string]*transport
	traffic                traffic
}

func (n *network) delay() time.Duration {
	ms := n.delayMinMs + rand.Float64()*(n.delayMaxMs-n.delayMinMs)
	return time.Duration(ms * float64(time.Millisecond))
}

type transport struct {
	network  *network
	ip       net.IP
	address  *net.UDPAddr
	gate     *gate
	crashed  int32
	inbox    *inbox
	packetCh chan *memberlist.Packet
	streamCh chan net.Conn
}

func (n *network) add(ip net.IP) *transport {
	t := &transport{
		network:  n,
		ip:       ip,
		address:  &net.UDPAddr{IP: ip, Port: port},
		gate:     openGate(),
		inbox:    newInbox(n.queueBytesMax),
		packetCh: make(chan *memberlist.Packet),
		streamCh: make(chan net.Conn),
	}
	n.byAddress[t.address.String()] = t
	go t.receive()
	return t
}

func (t *transport) crash() { atomic.StoreInt32(&t.crashed, 1) }

func (t *transport) isCrashed() bool { return atomic.LoadInt32(&t.crashed) == 1 }

// receive hands packets over one by one, each after the gate.
func (t *transport) receive() {
	for {
		packet := t.inbox.take()
		t.gate.wait()
		if t.isCrashed() {
			return
		}
		packet.Timestamp = time.Now()
		t.packetCh <- packet
	}
}

func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) { return t.ip, port, nil }

func (t *transport) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, to.Addr)
}

func (t *transport) WriteTo(b []byte, address string) (time.Time, error) {
	t.gate.wait()
	now := time.Now()
	if t.isCrashed() {
		return now, nil
	}
	t.network.traffic.add(1, len(b), 0)
	if peer := t.network.byAddress[address]; peer != nil && !peer.isCrashed() {
		packet := &memberlist.Packet{Buf: append([]byte(nil), b...), From: t.address}
		time.AfterFunc(t.network.delay(), func() {
			if !peer.inbox.put(packet) {
				atomic.AddInt64(&t.network.traffic.dropped, 1)
			}
		})
	}
	return now, nil
}

func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packetCh }

func (t *transport) StreamCh() <-chan net.Conn { return t.streamCh }

func (t *transport) Shutdown() error { return nil }

func (t *transport) IngestPacket(net.Conn, net.Addr, time.Time, bool) error {
	return errors.New("packets come from the network")
}

func (t *transport) IngestStream(net.Conn) error { return errors.New("streams come from the network") }

func (t *transport) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: address}, timeout)
}

// DialAddressTimeout reaches a blocked node too, as the kernel accepts for it; only a crashed one does not answer.
func (t *transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	late := time.Now().Add(timeout)
	t.gate.wait()
	delay := t.network.delay()
	peer := t.network.byAddress[to.Addr]
	if peer == nil || peer.isCrashed() || t.isCrashed() || time.Now().Add(2*delay).After(late) {
		time.Sleep(time.Until(late))
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: t.address, Err: os.ErrDeadlineExceeded}
	}
	time.Sleep(2 * delay)
	here, there := newPipe(), newPipe()
	mine := &stream{from: t, to: peer, delay: delay, in: here, out: there}
	theirs := &stream{from: peer, to: t, delay: delay, in: there, out: here}
	go func() { peer.streamCh <- theirs }()
	return mine, nil
}

// inbox is a socket's receive buffer: past its bytes the newest is lost.
type inbox struct {
	mu       sync.Mutex
	filled   *sync.Cond
	packets  []*memberlist.Packet
	bytes    int
	bytesMax int
}

func newInbox(bytesMax int) *inbox {
	i := &inbox{bytesMax: bytesMax}
	i.filled = sync.NewCond(&i.mu)
	return i
}

func (i *inbox) put(packet *memberlist.Packet) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bytes+len(packet.Buf) > i.bytesMax {
		return false
	}
	i.bytes += len(packet.Buf)
	i.packets = append(i.packets, packet)
	i.filled.Signal()
	return true
}

func (i *inbox) take() *memberlist.Packet {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.packets) == 0 {
		i.filled.Wait()
	}
	packet := i.packets[0]
	i.packets = i.packets[1:]
	i.bytes -= len(packet.Buf)
	return packet
}

// pipe is one direction of a stream: chunks with the moment each arrives.
type pipe struct {
	mu      sync.Mutex
	changed chan struct{}
	chunks  []chunk
}

type chunk struct {
	at    time.Time
	bytes []byte
	end   bool
}

func newPipe() *pipe { return &pipe{changed: make(chan struct{}, 1)} }

func (p *pipe) put(c chunk) {
	p.mu.Lock()
	p.chunks = append(p.chunks, c)
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// take copies what has arrived; without any it says how long until the next, 0 for unknown.
func (p *pipe) take(into []byte) (n int, err error, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.chunks) == 0 {
		return 0, nil, 0
	}
	head := &p.chunks[0]
	if wait := time.Until(head.at); wait > 0 {
		return 0, nil, wait
	}
	if head.end {
		return 0, io.EOF, 0
	}
	n = copy(into, head.bytes)
	if head.bytes = head.bytes[n:]; len(head.bytes) == 0 {
		p.chunks = p.chunks[1:]
	}
	return n, nil, 0
}

type stream struct {
	from, to *transport
	delay    time.Duration
	in, out  *pipe
	mu       sync.Mutex
	deadline time.Time
}

func (s *stream) late() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deadline
}

const farAway = time.Hour

func (s *stream) Read(into []byte) (int, error) {
	for {
		n, err, wait := s.in.take(into)
		if n > 0 || err != nil {
			s.from.gate.wait()
			return n, err
		}
		if wait == 0 {
			wait = farAway
		}
		if late := s.late(); !late.IsZero() {
			left := time.Until(late)
			if left <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
			if left < wait {
				wait = left
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.in.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *stream) Write(b []byte) (int, error) {
	s.from.gate.wait()
	if late := s.late(); !late.IsZero() && time.Now().After(late) {
		return 0, os.ErrDeadlineExceeded
	}
	if s.from.isCrashed() {
		return len(b), nil
	}
	s.from.network.traffic.add(0, 0, len(b))
	if !s.to.isCrashed() {
		s.out.put(chunk{at: time.Now().Add(s.delay), bytes: append([]byte(nil), b...)})
	}
	return len(b), nil
}

func (s *stream) Close() error {
	s.out.put(chunk{at: time.Now().Add(s.delay), end: true})
	return nil
}

func (s *stream) LocalAddr() net.Addr  { return s.from.address }
func (s *stream) RemoteAddr() net.Addr { return s.to.address }

func (s *stream) SetDeadline(at time.Time) error {
	s.mu.Lock()
	s.deadline = at
	s.mu.Unlock()
	return nil
}

func (s *stream) SetReadDeadline(at time.Time) error  { return s.SetDeadline(at) }
func (s *stream) SetWriteDeadline(at time.Time) error { return s.SetDeadline(at) }
