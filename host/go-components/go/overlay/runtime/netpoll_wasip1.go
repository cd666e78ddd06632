// In place of the standard library's file: the network poller on wasi:io/poll.
//
// The list of pollables is built as goroutines begin and cease to wait, so that a poll costs one call of the host and no
// allocation. What can be waited for are descriptors of the syscall overlay (from wasiSocketBase on); descriptors of WASI
// preview 1 stay blocking.

//go:build wasip1

package runtime

import "unsafe"

const (
	wasiSocketBase = 1 << 20
	wasiSocketMost = 2048
	wasiUnarmed    = 0xFFFF
)

//go:wasmimport wasi:io/poll@0.2.10 poll
//go:noescape
func wasi_poll(handles *uint32, count uint32, result *uint32)

//go:wasmimport wasi:io/poll@0.2.10 [method]pollable.ready
func wasi_pollable_ready(handle uint32) uint32

//go:wasmimport wasi:io/poll@0.2.10 [resource-drop]pollable
func wasi_pollable_drop(handle uint32)

//go:wasmimport wasi:clocks/monotonic-clock@0.2.10 subscribe-instant
func wasi_subscribe_instant(when uint64) uint32

//go:wasmimport wasi:clocks/monotonic-clock@0.2.10 now
func wasi_now() uint64

// What a descriptor can be waited for with. 0: nothing.
type wasiPollables struct{ read, write uint32 }

// Who waits for the pollable of the same position.
type wasiWaiting struct {
	pd   *pollDesc
	mode int32
}

var (
	wasiSockets [wasiSocketMost]wasiPollables

	// Whose descriptor it is, for netpollclose.
	wasiOpen [wasiSocketMost]*pollDesc

	// Two for each socket, and one place more for the timer, which a blocking poll adds at the end.
	wasiHandles [2*wasiSocketMost + 1]uint32
	wasiWaiters [2 * wasiSocketMost]wasiWaiting
	wasiCount   int

	// Where the host writes: not on a stack, which may move while the host has its address.
	wasiReady  [2*wasiSocketMost + 1]uint32
	wasiResult [2]uint32

	// Who waits for what a poll has found.
	wasiWoken [2*wasiSocketMost + 1]wasiWaiting

	// The timer of earlier polls. Deadlines move into the future with every request, so the one that was set first
	// mostly serves for many polls: it wakes the poller early once, and is then set anew.
	wasiTimer     uint32
	wasiTimerWhen int64

	// Polls that were not to block, since the last one that did or looked.
	wasiGlances int

	// The clock while the host may not be called: see wasiHoldClock.
	wasiClockHeld bool
	wasiClockLast int64

	// The buffer that cabi_realloc hands out next: see wasiArm.
	wasiArmed, wasiArmedSize uintptr
)

// wasiArm gives the buffer for the list that the next call of the host returns, so that nothing is allocated inside
// cabi_realloc: there no goroutine may be switched and the collector may not start, and on the scheduler's own stack there
// is no allocating at all. A uintptr, since no write barrier is wanted there; the caller keeps the buffer alive.
//
//go:nosplit
func wasiArm(buffer unsafe.Pointer, size uintptr) {
	wasiArmed, wasiArmedSize = uintptr(buffer), size
}

// wasiTakeArmed is what cabi_realloc asks. 0: allocate.
//
//go:nosplit
func wasiTakeArmed(size uintptr) uintptr {
	buffer := wasiArmed
	if buffer == 0 || size > wasiArmedSize {
		return 0
	}
	wasiArmed = 0
	return buffer
}

// wasiHoldClock stops the clock while cabi_realloc allocates: no function of the host may be called in it, and what
// allocates may ask for the time.
//
//go:nosplit
func wasiHoldClock(held bool) { wasiClockHeld = held }

// wasiNanotime is the clock of the runtime. The host is asked without the adapter between.
//
//go:nosplit
func wasiNanotime() int64 {
	if !wasiClockHeld {
		wasiClockLast = int64(wasi_now())
	}
	return wasiClockLast
}

// wasiLastTime is the clock as it was asked for last, which is not long ago: the scheduler does so before it waits and after.
//
//go:nosplit
func wasiLastTime() int64 { return wasiClockLast }

// wasiSetPollables is called by the syscall overlay when a socket gets them or loses them.
func wasiSetPollables(fd int, read, write uint32) {
	wasiSockets[fd-wasiSocketBase] = wasiPollables{read, write}
}

func netpollinit() {}

func netpollIsPollDescriptor(fd uintptr) bool { return false }

func netpollopen(fd uintptr, pd *pollDesc) int32 {
	if fd < wasiSocketBase || fd >= wasiSocketBase+wasiSocketMost {
		return 58 // ENOTSUP: it stays blocking
	}
	pd.user = wasiUnarmed<<16 | wasiUnarmed
	wasiOpen[fd-wasiSocketBase] = pd
	return 0
}

func netpollclose(fd uintptr) int32 {
	if pd := wasiOpen[fd-wasiSocketBase]; pd != nil {
		wasiOpen[fd-wasiSocketBase] = nil
		netpolldisarm(pd, 'r')
		netpolldisarm(pd, 'w')
	}
	return 0
}

// wasiPlace is the position of a descriptor's pollable in the list.
func wasiPlace(pd *pollDesc, mode int32) int {
	if mode == 'r' {
		return int(pd.user >> 16)
	}
	return int(pd.user & 0xFFFF)
}

func wasiSetPlace(pd *pollDesc, mode int32, place int) {
	if mode == 'r' {
		pd.user = uint32(place)<<16 | pd.user&0xFFFF
	} else {
		pd.user = pd.user&^0xFFFF | uint32(place)
	}
}

func netpollarm(pd *pollDesc, mode int) {
	if wasiPlace(pd, int32(mode)) != wasiUnarmed {
		return
	}
	socket := &wasiSockets[pd.fd-wasiSocketBase]
	handle := socket.write
	if mode == 'r' {
		handle = socket.read
	}
	if handle == 0 {
		return // nothing to wait for: until its deadline
	}
	wasiHandles[wasiCount] = handle
	wasiWaiters[wasiCount] = wasiWaiting{pd, int32(mode)}
	wasiSetPlace(pd, int32(mode), wasiCount)
	wasiCount++
}

func netpolldisarm(pd *pollDesc, mode int32) {
	place := wasiPlace(pd, mode)
	if place == wasiUnarmed {
		return
	}
	wasiSetPlace(pd, mode, wasiUnarmed)
	wasiCount--
	if place != wasiCount {
		last := wasiWaiters[wasiCount]
		wasiHandles[place], wasiWaiters[place] = wasiHandles[wasiCount], last
		wasiSetPlace(last.pd, last.mode, place)
	}
	wasiWaiters[wasiCount] = wasiWaiting{}
}

func netpollBreak() {}

// netpoll as the scheduler asks for it: delay < 0 blocks, 0 looks, > 0 blocks for so long.
func netpoll(delay int64) (gList, int32) {
	if delay == 0 {
		return wasiGlance()
	}
	wasiGlances = 0
	count := wasiCount
	if delay > 0 {
		wasiHandles[count] = wasiTimerFor(delay)
		count++
	}
	if count == 0 {
		return gList{}, 0
	}
	wasiArm(unsafe.Pointer(&wasiReady[0]), unsafe.Sizeof(wasiReady))
	wasi_poll(&wasiHandles[0], uint32(count), &wasiResult[0])
	wasiArmed = 0

	// First who, then what follows from it: disarming moves others in the list.
	woken := wasiWoken[:wasiResult[1]]
	for i := range woken {
		woken[i] = wasiWaiting{}
		if place := int(wasiReady[i]); place < wasiCount {
			woken[i] = wasiWaiters[place]
		} else {
			wasiDropTimer()
		}
	}
	var ready gList
	delta := int32(0)
	for _, waiting := range woken {
		if waiting.pd != nil {
			netpolldisarm(waiting.pd, waiting.mode)
			delta += netpollready(&ready, waiting.pd, waiting.mode)
		}
	}
	return ready, delta
}

// wasiTimerFor gives a pollable that is ready after the delay or somewhat earlier.
func wasiTimerFor(delay int64) uint32 {
	when := nanotime() + delay
	if wasiTimer != 0 && wasiTimerWhen > when {
		wasiDropTimer()
	}
	if wasiTimer == 0 {
		wasiTimer, wasiTimerWhen = wasi_subscribe_instant(uint64(when)), when
	}
	return wasiTimer
}

func wasiDropTimer() {
	wasi_pollable_drop(wasiTimer)
	wasiTimer = 0
}

// wasiGlance looks without blocking. The scheduler glances whenever it has nothing to run, and blocks right after if there
// still is nothing. So only every fourth glance in a row asks the host: it is one of a goroutine of the collector that runs
// as long as nobody else wants to.
func wasiGlance() (gList, int32) {
	wasiGlances++
	if wasiGlances%4 != 0 {
		return gList{}, 0
	}
	var ready gList
	delta := int32(0)
	for place := wasiCount - 1; place >= 0; place-- {
		if wasi_pollable_ready(wasiHandles[place]) != 0 {
			waiting := wasiWaiters[place]
			netpolldisarm(waiting.pd, waiting.mode)
			delta += netpollready(&ready, waiting.pd, waiting.mode)
		}
	}
	return ready, delta
}
