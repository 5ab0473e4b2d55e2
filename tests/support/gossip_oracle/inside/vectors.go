// Prints what HashiCorp's memberlist puts on the wire. This file is copied into a copy of that package, because the
// functions it calls are the package's own; see tests/vectors/gossip/generate.ts.

package memberlist

import (
	"bytes"
	"compress/lzw"
	"crypto/sha256"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

// capture is a connection that only remembers what is written to it.
type capture struct {
	net.Conn
	buf bytes.Buffer
}

func (c *capture) Write(b []byte) (int, error) { return c.buf.Write(b) }
func (c *capture) SetDeadline(time.Time) error { return nil }
func (c *capture) Close() error                { return nil }

// captureTransport sends to and dials such a connection.
type captureTransport struct {
	NodeAwareTransport
	out *capture
}

func (t *captureTransport) WriteToAddress(b []byte, a Address) (time.Time, error) {
	t.out.buf.Write(b)
	return time.Time{}, nil
}

func (t *captureTransport) DialAddressTimeout(a Address, timeout time.Duration) (net.Conn, error) {
	return t.out, nil
}

// userState is a delegate with a fixed state.
type userState struct{ state []byte }

func (u *userState) NodeMeta(int) []byte             { return nil }
func (u *userState) NotifyMsg([]byte)                {}
func (u *userState) GetBroadcasts(int, int) [][]byte { return nil }
func (u *userState) LocalState(bool) []byte          { return u.state }
func (u *userState) MergeRemoteState([]byte, bool)   {}

func printVector(name string, b []byte) { fmt.Printf("%s %x\n", name, b) }

func encoded(t messageType, v interface{}) []byte {
	buf, err := encode(t, v)
	if err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func newMember(compress bool, state []byte) (*Memberlist, *capture) {
	out := &capture{}
	config := &Config{ProtocolVersion: 5, EnableCompression: compress, TCPTimeout: time.Second}
	if state != nil {
		config.Delegate = &userState{state}
	}
	m := &Memberlist{
		config:    config,
		transport: &captureTransport{out: out},
		logger:    log.New(os.Stderr, "", 0),
	}
	return m, out
}

// PrintVectors prints one vector a line: its name and its bytes.
func PrintVectors() {
	printMessages()
	printPackets()
	printStreams()
	printLzw()
}

func printMessages() {
	vsn := []uint8{1, 5, 2, 2, 5, 4}
	ip6 := net.ParseIP("fd00::1:0:0:2")
	printVector("ping", encoded(pingMsg, &ping{SeqNo: 1, Node: "beta"}))
	printVector("ping.sourced", encoded(pingMsg, &ping{SeqNo: 300, Node: "beta", SourceAddr: []byte{127, 0, 0, 1}, SourcePort: 7946, SourceNode: "alpha"}))
	printVector("ping.ipv6", encoded(pingMsg, &ping{SeqNo: 70000, Node: "", SourceAddr: ip6, SourcePort: 65535}))
	printVector("indirectPing", encoded(indirectPingMsg, &indirectPingReq{SeqNo: 127, Target: []byte{10, 0, 0, 3}, Port: 7946, Node: "gamma"}))
	printVector("indirectPing.sourced", encoded(indirectPingMsg, &indirectPingReq{SeqNo: 128, Target: ip6, Port: 255, Node: "gamma", Nack: true, SourceAddr: []byte{127, 0, 0, 1}, SourcePort: 256, SourceNode: "alpha"}))
	printVector("ack", encoded(ackRespMsg, &ackResp{SeqNo: 255}))
	printVector("ack.payload", encoded(ackRespMsg, &ackResp{SeqNo: 256, Payload: []byte{0, 255, 128, 10}}))
	printVector("nack", encoded(nackRespMsg, &nackResp{SeqNo: 4294967295}))
	printVector("suspect", encoded(suspectMsg, &suspect{Incarnation: 65535, Node: "beta", From: "alpha"}))
	printVector("alive", encoded(aliveMsg, &alive{Incarnation: 65536, Node: "beta", Addr: []byte{192, 168, 7, 1}, Port: 7946, Meta: []byte("hello"), Vsn: vsn}))
	printVector("alive.bare", encoded(aliveMsg, &alive{Incarnation: 0, Node: "beta", Addr: []byte{192, 168, 7, 1}, Port: 80, Vsn: vsn}))
	printVector("alive.mapped", encoded(aliveMsg, &alive{Incarnation: 1, Node: "beta", Addr: net.ParseIP("10.1.2.3"), Port: 7946, Vsn: vsn}))
	printVector("alive.ipv6", encoded(aliveMsg, &alive{Incarnation: 1, Node: "beta", Addr: net.ParseIP("::1"), Port: 7946, Vsn: vsn}))
	printVector("alive.long", encoded(aliveMsg, &alive{Incarnation: 1, Node: strings.Repeat("nöde-", 10), Addr: ip6, Port: 7946, Meta: noise(1, 300, 256), Vsn: vsn}))
	printVector("alive.31", encoded(aliveMsg, &alive{Incarnation: 1, Node: strings.Repeat("x", 31), Addr: ip6, Port: 7946, Meta: noise(2, 32, 256), Vsn: vsn}))
	printVector("dead", encoded(deadMsg, &dead{Incarnation: 3, Node: "beta", From: "beta"}))
	printVector("user", append([]byte{byte(userMsg)}, noise(3, 20, 256)...))
}

func samples() [][]byte {
	return [][]byte{
		encoded(pingMsg, &ping{SeqNo: 9, Node: "beta", SourceAddr: []byte{127, 0, 0, 1}, SourcePort: 7946, SourceNode: "alpha"}),
		encoded(suspectMsg, &suspect{Incarnation: 2, Node: "gamma", From: "alpha"}),
		encoded(suspectMsg, &suspect{Incarnation: 4, Node: "delta", From: "alpha"}),
		append([]byte{byte(userMsg)}, bytes.Repeat([]byte("gossip "), 20)...),
	}
}

func printPackets() {
	parts := samples()
	compound := makeCompoundMessage(parts).Bytes()
	printVector("packet.compound", compound)
	printVector("packet.cut", compound[:len(compound)-150])
	peer := &Node{PMax: 5}
	old := &Node{PMax: 4}
	send := func(name string, compress bool, to *Node, b []byte) {
		m, out := newMember(compress, nil)
		if err := m.rawSendMsgPacket(Address{Addr: "127.0.0.1:1"}, to, b); err != nil {
			panic(err)
		}
		printVector(name, out.buf.Bytes())
	}
	send("packet.plain", false, old, parts[0])
	send("packet.crc", false, peer, parts[0])
	send("packet.compressed", true, old, compound)
	send("packet.compressed.crc", true, peer, compound)
	send("packet.incompressible.crc", true, peer, parts[1])
}

func printStreams() {
	members := []*nodeState{
		{Node: Node{Name: "alpha", Addr: []byte{10, 0, 0, 1}, Port: 7946, Meta: []byte{255, 129, 161, 97, 161, 98}, PMin: 1, PMax: 5, PCur: 2, DMin: 2, DMax: 5, DCur: 4}, Incarnation: 1, State: StateAlive},
		{Node: Node{Name: "beta", Addr: net.ParseIP("10.0.0.2"), Port: 7946, PMin: 1, PMax: 5, PCur: 2}, Incarnation: 70000, State: StateSuspect},
		{Node: Node{Name: "gamma", Addr: net.ParseIP("fd00::3"), Port: 1, PMin: 1, PMax: 5, PCur: 2}, Incarnation: 3, State: StateDead},
		{Node: Node{Name: "delta", Addr: []byte{10, 0, 0, 4}, Port: 7946, PMin: 1, PMax: 5, PCur: 2}, Incarnation: 4, State: StateLeft},
	}
	for i, m := range members {
		m.Node.State = members[i].State
	}
	push := func(name string, compress bool, nodes []*nodeState, join bool, state []byte) {
		m, out := newMember(compress, state)
		m.nodes = nodes
		if err := m.sendLocalState(out, join); err != nil {
			panic(err)
		}
		printVector(name, out.buf.Bytes())
	}
	push("stream.pushPull", false, members, false, []byte("state of the delegate"))
	push("stream.pushPull.join", false, members[:1], true, nil)
	push("stream.pushPull.compressed", true, members, true, noise(5, 300, 4))
	raw := func(name string, b []byte) {
		m, out := newMember(false, nil)
		if err := m.rawSendMsgStream(out, b); err != nil {
			panic(err)
		}
		printVector(name, out.buf.Bytes())
	}
	raw("stream.ping", encoded(pingMsg, &ping{SeqNo: 11, Node: "beta", SourceAddr: []byte{127, 0, 0, 1}, SourcePort: 7946, SourceNode: "alpha"}))
	raw("stream.ack", encoded(ackRespMsg, &ackResp{11, nil}))
	raw("stream.error", encoded(errMsg, &errResp{"Remote state is encrypted and encryption is not configured"}))
	for _, compress := range []bool{false, true} {
		m, out := newMember(compress, nil)
		if err := m.sendUserMsg(Address{Addr: "127.0.0.1:1"}, bytes.Repeat([]byte("abc"), 50)); err != nil {
			panic(err)
		}
		printVector(fmt.Sprintf("stream.user.compressed=%v", compress), out.buf.Bytes())
	}
}

// noise is bytes that the tests make in the same way.
func noise(seed uint32, length int, letters uint32) []byte {
	b := make([]byte, length)
	for i := range b {
		seed = seed*1664525 + 1013904223
		b[i] = byte((seed >> 24) % letters)
	}
	return b
}

// printLzw prints seed, letters, length, and of the compressed bytes their length and SHA-256.
func printLzw() {
	for _, letters := range []uint32{1, 2, 16, 256} {
		for _, length := range []int{0, 1, 2, 3, 254, 255, 256, 257, 3836, 3837, 3838, 3839, 3840, 7677, 20000, 200000} {
			var buf bytes.Buffer
			w := lzw.NewWriter(&buf, lzw.LSB, 8)
			w.Write(noise(letters, length, letters))
			w.Close()
			fmt.Printf("lzw %d %d %d %x\n", letters, length, buf.Len(), sha256.Sum256(buf.Bytes()))
		}
	}
}
