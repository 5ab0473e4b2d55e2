// Prints vectors of gossip: `vectors` what memberlist writes (see inside/), `serf` what a stock serf agent says to a
// member that it joins. Built and run by tests/vectors/gossip/generate.ts.

package main

import (
	"fmt"
	"io/ioutil"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// listener prints everything that a delegate hears, each different thing once.
type listener struct {
	lock sync.Mutex
	seen map[string]bool
}

func (l *listener) say(name string, b []byte) {
	l.lock.Lock()
	defer l.lock.Unlock()
	line := fmt.Sprintf("%s %x", name, b)
	if !l.seen[line] {
		l.seen[line] = true
		fmt.Println(line)
	}
}

func (l *listener) NodeMeta(int) []byte               { return nil }
func (l *listener) NotifyMsg(b []byte)                { l.say("serf.user", b) }
func (l *listener) GetBroadcasts(int, int) [][]byte   { return nil }
func (l *listener) LocalState(bool) []byte            { return nil }
func (l *listener) MergeRemoteState(b []byte, _ bool) { l.say("serf.state", b) }
func (l *listener) NotifyJoin(n *memberlist.Node)     { l.heard("join", n) }
func (l *listener) NotifyUpdate(n *memberlist.Node)   { l.heard("update", n) }
func (l *listener) NotifyLeave(n *memberlist.Node)    { l.heard("leave", n) }

func (l *listener) heard(what string, n *memberlist.Node) {
	if n.Name == "stock" {
		l.say("serf.meta", n.Meta)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// listenToSerf starts an agent, lets it join, send an event and leave, and listens.
func listenToSerf() {
	l := &listener{seen: map[string]bool{}}
	config := memberlist.DefaultLocalConfig()
	config.Name = "oracle"
	config.BindAddr = "127.0.0.1"
	config.BindPort = 0
	config.Delegate = l
	config.Events = l
	config.DelegateProtocolVersion, config.DelegateProtocolMin, config.DelegateProtocolMax = 4, 2, 5
	config.LogOutput = ioutil.Discard
	list, err := memberlist.Create(config)
	must(err)
	rpc := "127.0.0.1:17373"
	agent := exec.Command("serf", "agent", "-node=stock", "-bind=127.0.0.1:17946", "-rpc-addr="+rpc,
		"-tag", "role=web", "-tag", "dc=north", "-join", fmt.Sprintf("127.0.0.1:%d", list.LocalNode().Port))
	must(agent.Start())
	defer agent.Process.Kill()
	for i := 0; i < 100 && list.NumMembers() < 2; i++ {
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
	must(exec.Command("serf", "event", "-rpc-addr="+rpc, "deploy", "version 7").Run())
	must(exec.Command("serf", "event", "-rpc-addr="+rpc, "-coalesce=false", "single").Run())
	// A push/pull that tells of the events.
	_, err = list.Join([]string{"127.0.0.1:17946"})
	must(err)
	must(exec.Command("serf", "query", "-rpc-addr="+rpc, "-timeout=1s", "load").Run())
	must(exec.Command("serf", "leave", "-rpc-addr="+rpc).Run())
	must(agent.Wait())
	time.Sleep(time.Second)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serf" {
		listenToSerf()
		return
	}
	memberlist.PrintVectors()
}
