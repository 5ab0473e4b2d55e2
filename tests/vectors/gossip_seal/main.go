// Vectors of memberlist's encryption, by memberlist 0.2.2 itself through its public face.
//
//	go run main.go make > memberlist.json   writes what it sends, in both versions of its encryption
//	go run main.go open < ours.json         takes what we send; fails unless every message arrives
//
// Needs Debian's golang-github-hashicorp-memberlist-dev: GO111MODULE=off GOPATH=/usr/share/gocode
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/hashicorp/memberlist"
)

// Sizes around the padding of version 0, and one that needs several reads.
var sizes = []int{1, 14, 15, 16, 31, 1000}

type vector struct {
	Version int    `json:"version"`
	Key     string `json:"key"`
	// As it would be sent without a key.
	PlainPacket string `json:"plainPacket"`
	PlainStream string `json:"plainStream"`
	Packet      string `json:"packet"`
	Stream      string `json:"stream"`
}

// What we sent: a user message in a packet and one on a stream.
type sent struct {
	Keys    []string `json:"keys"`
	Message string   `json:"message"`
	Packet  string   `json:"packet"`
	Stream  string   `json:"stream"`
}

// A network that keeps what is sent, and hands in what is to be heard.
type tap struct {
	written chan []byte
	packets chan *memberlist.Packet
	streams chan net.Conn
}

func newTap() *tap {
	return &tap{make(chan []byte, 16), make(chan *memberlist.Packet), make(chan net.Conn)}
}

func (t *tap) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1), 7946, nil
}
func (t *tap) WriteTo(b []byte, _ string) (time.Time, error) {
	t.written <- append([]byte{}, b...)
	return time.Now(), nil
}
func (t *tap) PacketCh() <-chan *memberlist.Packet { return t.packets }
func (t *tap) DialTimeout(string, time.Duration) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		all, _ := io.ReadAll(far)
		t.written <- all
	}()
	return near, nil
}
func (t *tap) StreamCh() <-chan net.Conn { return t.streams }
func (t *tap) Shutdown() error           { return nil }

type ears struct{ heard chan []byte }

func (e *ears) NodeMeta(int) []byte             { return nil }
func (e *ears) NotifyMsg(b []byte)              { e.heard <- append([]byte{}, b...) }
func (e *ears) GetBroadcasts(_, _ int) [][]byte { return nil }
func (e *ears) LocalState(bool) []byte          { return nil }
func (e *ears) MergeRemoteState([]byte, bool)   {}

func member(version int, keys [][]byte, delegate memberlist.Delegate) (*memberlist.Memberlist, *tap) {
	t := newTap()
	config := memberlist.DefaultLocalConfig()
	config.Name = "oracle"
	config.Transport = t
	config.Delegate = delegate
	config.ProtocolVersion = 2
	if version == 0 {
		config.ProtocolVersion = 1
	}
	config.EnableCompression = false
	config.Logger = log.New(io.Discard, "", 0)
	if len(keys) > 0 {
		ring, err := memberlist.NewKeyring(keys, keys[0])
		check(err)
		config.Keyring = ring
	}
	list, err := memberlist.Create(config)
	check(err)
	return list, t
}

func sendBoth(list *memberlist.Memberlist, t *tap, message []byte) (packet, stream string) {
	to := &memberlist.Node{Name: "ours", Addr: net.IPv4(127, 0, 0, 1), Port: 7947}
	check(list.SendBestEffort(to, message))
	packet = hex.EncodeToString(<-t.written)
	check(list.SendReliable(to, message))
	stream = hex.EncodeToString(<-t.written)
	return
}

func makeAll() {
	vectors := []vector{}
	for _, version := range []int{0, 1} {
		for _, keySize := range []int{16, 24, 32} {
			key := bytes.Repeat([]byte{byte(keySize)}, keySize)
			plain, plainTap := member(version, nil, nil)
			sealed, sealedTap := member(version, [][]byte{key}, nil)
			for _, size := range sizes {
				message := bytes.Repeat([]byte{'m'}, size)
				v := vector{Version: version, Key: base64.StdEncoding.EncodeToString(key)}
				v.PlainPacket, v.PlainStream = sendBoth(plain, plainTap, message)
				v.Packet, v.Stream = sendBoth(sealed, sealedTap, message)
				vectors = append(vectors, v)
			}
			check(plain.Shutdown())
			check(sealed.Shutdown())
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	check(out.Encode(vectors))
}

func openAll() {
	var all []sent
	check(json.NewDecoder(os.Stdin).Decode(&all))
	for i, each := range all {
		keys := [][]byte{}
		for _, text := range each.Keys {
			key, err := base64.StdEncoding.DecodeString(text)
			check(err)
			keys = append(keys, key)
		}
		e := &ears{make(chan []byte, 4)}
		list, t := member(1, keys, e)
		message := unhex(each.Message)
		from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7947}
		t.packets <- &memberlist.Packet{Buf: unhex(each.Packet), From: from, Timestamp: time.Now()}
		expect(e, message, i, "packet")
		near, far := net.Pipe()
		t.streams <- far
		_, err := near.Write(unhex(each.Stream))
		check(err)
		expect(e, message, i, "stream")
		check(list.Shutdown())
	}
	fmt.Printf("%d opened\n", len(all))
}

func expect(e *ears, message []byte, i int, what string) {
	select {
	case heard := <-e.heard:
		if !bytes.Equal(heard, message) {
			log.Fatalf("%s %d: another message", what, i)
		}
	case <-time.After(10 * time.Second):
		log.Fatalf("%s %d: refused", what, i)
	}
}

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	check(err)
	return data
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "make" {
		makeAll()
	} else if len(os.Args) == 2 && os.Args[1] == "open" {
		openAll()
	} else {
		log.Fatal("usage: main.go make | open")
	}
}
