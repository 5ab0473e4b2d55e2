// The peer of bench/gossip: one cell of the schedule on HashiCorp's memberlist, in real time, all nodes in one process
// on a network in memory. Says what each node believes as lines `MS AT ABOUT STATE` and ends with one line of JSON.
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
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
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
	Ms          int64   `json:"ms"`
	Packets     int64   `json:"packets"`
	PacketBytes int64   `json:"packetBytes"`
	StreamBytes int64   `json:"streamBytes"`
	Dropped     int64   `json:"dropped"`
	LagP99Ms    float64 `json:"lagP99Ms"`
	LagMaxMs    float64 `json:"lagMaxMs"`
	CpuMs       int64   `json:"cpuMs"`
}

func main() {
	file := flag.String("schedule", "", "the schedule's file")
	name := flag.String("cell", "", "which of its cells")
	mode := flag.String("mode", "lifeguard", "lifeguard, or swim: no health, no longer suspicion")
	flag.Parse()
	if err := run(*file, *name, *mode); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, name, mode string) error {
	plan, todo, err := readCell(file, name)
	if err != nil {
		return err
	}
	rand.Seed(time.Now().UnixNano())
	world := &world{cell: todo, journal: &journal{out: bufio.NewWriterSize(os.Stdout, 1<<16)}}
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

// play follows the cell and prints what it cost.
func (w *world) play() error {
	lag := watchLag()
	begin := time.Now()
	w.journal.start(begin)
	atomic.StoreInt64(&w.network.traffic.counting, 1)
	cpuBefore := cpuMs()
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
	p99, max := lag.stop()
	return w.journal.end(summary{
		Ms:          time.Since(begin).Milliseconds(),
		Packets:     atomic.LoadInt64(&t.packets),
		PacketBytes: atomic.LoadInt64(&t.packetBytes),
		StreamBytes: atomic.LoadInt64(&t.streamBytes),
		Dropped:     atomic.LoadInt64(&t.dropped),
		LagP99Ms:    p99,
		LagMaxMs:    max,
		CpuMs:       cpuMs() - cpuBefore,
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

const lagTick = 5 * time.Millisecond

// lag is how late this process's own timers are: past some milliseconds the machine is too busy for real time.
type lag struct {
	mu      sync.Mutex
	samples []float64
	stopped bool
}

func watchLag() *lag {
	l := &lag{}
	go func() {
		for {
			before := time.Now()
			time.Sleep(lagTick)
			late := time.Since(before) - lagTick
			l.mu.Lock()
			if l.stopped {
				l.mu.Unlock()
				return
			}
			l.samples = append(l.samples, float64(late.Microseconds())/1000)
			l.mu.Unlock()
		}
	}()
	return l
}

func (l *lag) stop() (p99, max float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	sort.Float64s(l.samples)
	if len(l.samples) == 0 {
		return 0, 0
	}
	return l.samples[len(l.samples)*99/100], l.samples[len(l.samples)-1]
}

func cpuMs() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return (syscall.TimevalToNsec(usage.Utime) + syscall.TimevalToNsec(usage.Stime)) / 1e6
}
