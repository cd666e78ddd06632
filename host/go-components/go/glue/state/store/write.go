package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/dapr/components-contrib/state"

	hosttypes "wit_component/dapr_state_types"
	"wit_component/failure"
)

// Between two attempts, the first time and at most.
const (
	firstPause = 2 * time.Millisecond
	mostPause  = 100 * time.Millisecond
)

// write does what it is given, and again, for half of the time that is left, where nothing was done and that may be another
// time: the database has undone it since others were at the same, or an ended item is where one is to be created.
func (c *contrib) write(ctx context.Context, condition hosttypes.Condition, do func() error) error {
	until := time.Now()
	if end, ends := ctx.Deadline(); ends {
		until = until.Add(time.Until(end) / 2)
	}
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		err := do()
		again := failure.Undone(err)
		if c.isThere(condition, err) {
			err = state.NewETagError(state.ETagMismatch, nil)
			again = c.traits.endedStays
		}
		if !again || time.Now().After(until) {
			return err
		}
		// Those that were in each other's way are not to be so again.
		time.Sleep(pause/2 + rand.N(pause))
	}
}

// isThere knows the failure to create an item where one is, if that is not called a mismatch.
func (c *contrib) isThere(condition hosttypes.Condition, err error) bool {
	exists := c.traits.exists
	return err != nil && condition.Tag() == hosttypes.Condition_Absent && exists != nil && exists(err)
}
