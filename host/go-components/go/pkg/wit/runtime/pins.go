package runtime

import "unsafe"

// Pins keeps what the host has the address of from the collector, which does not move what it has once allocated: a
// reference is all that is needed. The generated code has it in place of the standard library's Pinner, which costs more
// than the call.
type Pins struct {
	few  [8]unsafe.Pointer
	used int
	more []unsafe.Pointer
}

// Pin keeps what the pointer points to.
func (p *Pins) Pin(pointer unsafe.Pointer) {
	if escape {
		escaped = pointer
	}
	if p.used < len(p.few) {
		p.few[p.used] = pointer
		p.used++
		return
	}
	p.more = append(p.more, pointer)
}

// Unpin lets go of it all.
func (p *Pins) Unpin() { *p = Pins{} }

// Never true, which the compiler does not know: so what is pinned is on the heap, and not on a stack, which may move.
var (
	escape  bool
	escaped unsafe.Pointer
)

//go:linkname wasiTakeArmed runtime.wasiTakeArmed
func wasiTakeArmed(size uintptr) uintptr

//go:linkname wasiHoldClock runtime.wasiHoldClock
func wasiHoldClock(held bool)

//go:linkname acquirem runtime.acquirem
func acquirem() unsafe.Pointer

//go:linkname releasem runtime.releasem
func releasem(unsafe.Pointer)
