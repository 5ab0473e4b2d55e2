// The peer of bench/gossip: one cell of the schedule on HashiCorp's memberlist, all nodes in one process on a network in
// memory. Writes what each node believes as lines `MS AT ABOUT STATE` and ends with one line of JSON.
//
// Built with the tag `faketime`, Go's own clock stands while anything runs and jumps to the next timer when nothing does:
// a cell then takes as long as its work, and a busy machine changes nothing. Without the tag it is real time.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

type crash struct {
	Node int `json:"node"`
	At   int `json:"at"`
}

type cell struct {
	Name    string   `json:"name"`
	Nodes   int      `json:"nodes"`
	Blocked []int    `json:"blocked"`
	Windows [][2]int `json:"windows"`
	Crashes []crash  `json:"crashes"`
	TotalMs int      `json:"totalMs"`
}

type schedule struct {
	SettleMs      int        `json:"settleMs"`
	DelayMs       [2]float64 `json:"delayMs"`
	QueueBytesMax int        `json:"queueBytesMax"`
	Cells         []cell     `json:"cells"`
}

type summary struct {
	Ms          int64 `json:"ms"`
	Packets     int64 `json:"packets"`
	PacketBytes int64 `json:"packetBytes"`
	StreamBytes int64 `json:"streamBytes"`
	Dropped     int64 `json:"dropped"`
}

func main() {
	file := flag.String("schedule", "", "the schedule's file")
	name := flag.String("cell", "", "which of its cells")
	mode := flag.String("mode", "lifeguard", "lifeguard, or swim: no health, no longer suspicion")
	seed := flag.Int64("seed", 1, "of the delays")
	out := flag.String("out", "", "the file to write")
	flag.Parse()
	rand.Seed(*seed)
	if err := run(*file, *name, *mode, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, name, mode, out string) error {
	plan, todo, err := readCell(file, name)
	if err != nil {
		return err
	}
	written, err := os.Create(out)
	if err != nil {
		return err
	}
	defer written.Close()
	world := &world{cell: todo, journal: &journal{out: bufio.NewWriterSize(written, 1<<16)}}
	world.network = &network{
		delayMinMs:    plan.DelayMs[0],
		delayMaxMs:    plan.DelayMs[1],
		queueBytesMax: plan.QueueBytesMax,
		byAddress:     map[string]*transport{},
	}
	if err := world.join(mode); err != nil {
		return err
	}
	time.Sleep(time.Duration(plan.SettleMs) * time.Millisecond)
	return world.play()
}

func readCell(file, name string) (plan schedule, found cell, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if err = json.Unmarshal(text, &plan); err != nil {
		return
	}
	for _, one := range plan.Cells {
		if one.Name == name {
			return plan, one, nil
		}
	}
	return plan, found, fmt.Errorf("no cell is called %q", name)
}

type world struct {
	cell       cell
	network    *network
	transports []*transport
	members    []*memberlist.Memberlist
	journal    *journal
}

const (
	joinLimit = 60 * time.Second
	joinAgain = 2 * time.Second
)

// join starts all nodes and waits until each knows every other.
func (w *world) join(mode string) error {
	for index := 0; index < w.cell.Nodes; index++ {
		t := w.network.add(net.IPv4(10, 0, byte(index/250), byte(1+index%250)).To4())
		conf := memberlist.DefaultLANConfig()
		conf.Name = nameOf(index)
		conf.Transport = t
		conf.BindPort, conf.AdvertisePort = port, port
		conf.LogOutput = &suspicions{at: index, journal: w.journal}
		conf.Events = &beliefs{at: index, journal: w.journal}
		if mode == "swim" {
			conf.SuspicionMaxTimeoutMult, conf.AwarenessMaxMultiplier = 1, 1
		}
		m, err := memberlist.Create(conf)
		if err != nil {
			return err
		}
		w.transports = append(w.transports, t)
		w.members = append(w.members, m)
		if index > 0 {
			if _, err := m.Join([]string{w.transports[rand.Intn(index)].address.String()}); err != nil {
				return err
			}
		}
	}
	for late := time.Now().Add(joinLimit); ; {
		missing := w.unaware()
		if len(missing) == 0 {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("%d of %d nodes do not know all", len(missing), w.cell.Nodes)
		}
		time.Sleep(joinAgain)
		for _, m := range w.unaware() {
			if _, err := m.Join([]string{w.transports[rand.Intn(w.cell.Nodes)].address.String()}); err != nil {
				return err
			}
		}
	}
}

// unaware are those that gossip has not told of everybody; left to themselves they would wait for a push/pull.
func (w *world) unaware() (found []*memberlist.Memberlist) {
	for _, m := range w.members {
		if m.NumMembers() < w.cell.Nodes {
			found = append(found, m)
		}
	}
	return
}

// play follows the cell and writes what it cost.
func (w *world) play() error {
	begin := time.Now()
	w.journal.start(begin)
	atomic.StoreInt64(&w.network.traffic.counting, 1)
	at := func(ms int, do func()) {
		time.AfterFunc(time.Until(begin.Add(time.Duration(ms)*time.Millisecond)), do)
	}
	for _, c := range w.cell.Crashes {
		node := c.Node
		at(c.At, func() {
			w.transports[node].crash()
			w.members[node].Shutdown()
		})
	}
	go w.block(begin)
	time.Sleep(time.Until(begin.Add(time.Duration(w.cell.TotalMs) * time.Millisecond)))
	t := &w.network.traffic
	return w.journal.end(summary{
		Ms:          time.Since(begin).Milliseconds(),
		Packets:     atomic.LoadInt64(&t.packets),
		PacketBytes: atomic.LoadInt64(&t.packetBytes),
		StreamBytes: atomic.LoadInt64(&t.streamBytes),
		Dropped:     atomic.LoadInt64(&t.dropped),
	})
}

// block closes and opens the gates of the slow nodes together.
func (w *world) block(begin time.Time) {
	for _, window := range w.cell.Windows {
		time.Sleep(time.Until(begin.Add(time.Duration(window[0]) * time.Millisecond)))
		for _, node := range w.cell.Blocked {
			w.transports[node].gate.block()
		}
		time.Sleep(time.Until(begin.Add(time.Duration(window[1]) * time.Millisecond)))
		for _, node := range w.cell.Blocked {
			w.transports[node].gate.release()
		}
	}
}

func nameOf(index int) string { return "n" + strconv.Itoa(index) }

// journal writes one line for each belief, in the order they came.
type journal struct {
	mu    sync.Mutex
	begin time.Time
	out   *bufio.Writer
}

func (j *journal) start(begin time.Time) {
	j.mu.Lock()
	j.begin = begin
	j.mu.Unlock()
}

func (j *journal) say(at int, about, state string) {
	j.mu.Lock()
	if !j.begin.IsZero() {
		fmt.Fprintf(j.out, "%d %d %s %s\n", time.Since(j.begin).Milliseconds(), at, about[1:], state)
	}
	j.mu.Unlock()
}

// end holds the journal for good: whatever comes later is not said.
func (j *journal) end(s summary) error {
	j.mu.Lock()
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	j.out.Write(append(text, '\n'))
	return j.out.Flush()
}

// beliefs hears of the dead and of those alive again.
type beliefs struct {
	at      int
	journal *journal
}

func (b *beliefs) NotifyJoin(n *memberlist.Node)   { b.journal.say(b.at, n.Name, "alive") }
func (b *beliefs) NotifyLeave(n *memberlist.Node)  { b.journal.say(b.at, n.Name, "dead") }
func (b *beliefs) NotifyUpdate(_ *memberlist.Node) {}

// suspicions reads the log, as memberlist tells nobody else whom its own probe suspects.
type suspicions struct {
	at      int
	journal *journal
}

func (s *suspicions) Write(line []byte) (int, error) {
	if i := bytes.Index(line, []byte("memberlist: Suspect ")); i >= 0 {
		words := bytes.Fields(line[i:])
		s.journal.say(s.at, string(words[2]), "suspect")
	}
	return len(line), nil
}
