// Package serve is the loop that takes what the host has and answers it, the same for all building blocks: a goroutine for
// each request with the time that the request has, cancellation, and an orderly end.
package serve

import (
	"context"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"wit_component/logs"
)

// Kind says which of its fields an event has.
type Kind uint8

const (
	// Request is something to be done and answered.
	Request Kind = iota
	// Cancel says that nobody waits for an answer any more.
	Cancel
	// Stop says that nothing more comes.
	Stop
)

// Event is what the host has.
type Event[Call any] struct {
	Kind    Kind
	ID      uint64
	Timeout time.Duration
	Call    Call
}

// Block is a building block: how it hears of events and what it does with requests.
type Block[Call, Answer any] struct {
	// Pollable is a handle, ready while Next has something.
	Pollable uint32
	Next     func() (Event[Call], bool)
	Do       func(context.Context, Call) Answer
	// Panicked is the answer to a request in which the component panicked.
	Panicked func(Call) Answer
	// Busy is the answer where too many are under way.
	Busy    func() Answer
	Respond func(uint64, Answer)
}

// Requests under way at the same time. The host has given up those whose time is over, and here they may still wait for a
// server: so this is what keeps them from filling the memory.
const mostRunning = 1024

// Goroutines that wait for the next request, so that each does not grow its stack anew.
const idleWorkers = 64

type loop[Call, Answer any] struct {
	block   Block[Call, Answer]
	idle    chan chan Event[Call]
	mutex   sync.Mutex
	running map[uint64]context.CancelFunc
	count   atomic.Int32
	all     sync.WaitGroup
}

// Loop serves until the host says stop and what it has taken is answered.
func Loop[Call, Answer any](block Block[Call, Answer]) error {
	pollable, err := net.NewWasiPollable(block.Pollable)
	if err != nil {
		return err
	}
	defer pollable.Close()
	l := &loop[Call, Answer]{
		block:   block,
		idle:    make(chan chan Event[Call], idleWorkers),
		running: map[uint64]context.CancelFunc{},
	}
	for {
		event, some := block.Next()
		switch {
		case !some:
			if err := pollable.Wait(); err != nil {
				return err
			}
		case event.Kind == Request:
			l.begin(event)
		case event.Kind == Cancel:
			l.cancel(event.ID)
		default:
			l.all.Wait()
			return nil
		}
	}
}

func (l *loop[Call, Answer]) begin(event Event[Call]) {
	if l.count.Load() >= mostRunning {
		l.block.Respond(event.ID, l.block.Busy())
		return
	}
	l.count.Add(1)
	l.all.Add(1)
	select {
	case worker := <-l.idle:
		worker <- event
	default:
		go l.work(event)
	}
}

func (l *loop[Call, Answer]) work(event Event[Call]) {
	next := make(chan Event[Call], 1)
	for {
		l.answer(event)
		select {
		case l.idle <- next:
		default:
			return
		}
		event = <-next
	}
}

func (l *loop[Call, Answer]) answer(event Event[Call]) {
	defer l.all.Done()
	defer l.count.Add(-1)
	ctx, cancel := context.WithTimeout(context.Background(), event.Timeout)
	l.mutex.Lock()
	l.running[event.ID] = cancel
	l.mutex.Unlock()

	answer := l.do(ctx, event.Call)

	l.mutex.Lock()
	delete(l.running, event.ID)
	l.mutex.Unlock()
	cancel()
	l.block.Respond(event.ID, answer)
}

func (l *loop[Call, Answer]) do(ctx context.Context, call Call) (answer Answer) {
	defer func() {
		if value := recover(); value != nil {
			logs.Errorf("panic in a request: %v\n%s", value, debug.Stack())
			answer = l.block.Panicked(call)
		}
	}()
	return l.block.Do(ctx, call)
}

func (l *loop[Call, Answer]) cancel(id uint64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if cancel, found := l.running[id]; found {
		cancel()
	}
}
