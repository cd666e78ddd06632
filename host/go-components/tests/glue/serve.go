// Package serve takes the place of the loop in tests, which wait for no host.
package serve

import (
	"context"
	"time"
)

type Kind uint8

const (
	Request Kind = iota
	Cancel
	Stop
)

type Event[Call any] struct {
	Kind    Kind
	ID      uint64
	Timeout time.Duration
	Call    Call
}

type Block[Call, Answer any] struct {
	Pollable uint32
	Next     func() (Event[Call], bool)
	Do       func(context.Context, Call) Answer
	Panicked func(Call) Answer
	Busy     func() Answer
	Respond  func(uint64, Answer)
}

func Loop[Call, Answer any](Block[Call, Answer]) error { return nil }

func Prepare(uint64) {}
