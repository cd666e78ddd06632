package serve

import (
	"runtime/debug"
	"time"

	"wit_component/logs"
)

// Of its memory limit, what the collector is told: the rest is for stacks, for what the collector has not returned, and
// for memory that others take.
const collectorShare = 85

// Prepare sets what holds for the life of an instance that may have so much memory.
func Prepare(memory uint64) {
	time.Local = time.UTC
	logs.Redirect()
	debug.SetMemoryLimit(int64(memory / 100 * collectorShare))
}
