//go:build (linux && cgo) || windows

package telemetry

import "fmt"

// text asks for a short text; empty when it is not told.
func (c *nvmlCard) text(symbol string) string {
	if !c.lib.has(symbol) {
		return ""
	}
	v, code := c.dev.text(symbol)
	if code != nvmlOK {
		return ""
	}
	return v
}

func (c *nvmlCard) number(symbol string) (uint32, nvmlCode) {
	if !c.lib.has(symbol) {
		return 0, nvmlNoFunction
	}
	return c.dev.number(symbol)
}

func (c *nvmlCard) selected(symbol string, which uint32) (uint32, nvmlCode) {
	if !c.lib.has(symbol) {
		return 0, nvmlNoFunction
	}
	return c.dev.selected(symbol, which)
}

func (c *nvmlCard) counter(symbol string) (uint64, nvmlCode) {
	if !c.lib.has(symbol) {
		return 0, nvmlNoFunction
	}
	return c.dev.counter(symbol)
}

func (c *nvmlCard) pair(symbol string) (first, second uint32, code nvmlCode) {
	if !c.lib.has(symbol) {
		return 0, 0, nvmlNoFunction
	}
	return c.dev.pair(symbol)
}

// whole is a number that does not change; nil when it is not told.
func (c *nvmlCard) whole(symbol string) *int {
	v, code := c.number(symbol)
	if code != nvmlOK {
		return nil
	}
	n := int(v)
	return &n
}

// mode is whether something is switched on now; what it will be after a restart is left out.
func (c *nvmlCard) mode(symbol string) *bool {
	now, _, code := c.pair(symbol)
	if code != nvmlOK {
		return nil
	}
	on := now == 1
	return &on
}

// memory prefers the newer call, whose "used" leaves out what the driver keeps for itself.
func (c *nvmlCard) memory() (used, total uint64, code nvmlCode) {
	if c.lib.has(symMemoryV2) {
		if used, total, code = c.dev.memory(symMemoryV2); code == nvmlOK {
			return used, total, code
		}
	}
	if !c.lib.has(symMemory) {
		return 0, 0, nvmlNoFunction
	}
	return c.dev.memory(symMemory)
}

// limitWords puts the bits that say what holds the clock down into words, and keeps the last ones:
// they seldom change.
type limitWords struct {
	mask  uint64
	words []string
}

// of returns the words of the bits, which nobody changes; empty when nothing holds the clock down.
func (l *limitWords) of(mask uint64) []string {
	if l.words != nil && l.mask == mask {
		return l.words
	}
	words := []string{}
	for bit, word := range [...]string{ // in the order of the bits in nvml.h
		"idle", "app_clocks", "power_cap", "hw_slowdown", "sync_boost", "sw_thermal", "hw_thermal",
		"power_brake", "display", "board_limit", "reliability",
	} {
		if mask>>bit&1 == 1 {
			words = append(words, word)
		}
	}
	*l = limitWords{mask, words}
	return words
}

// nvmlCode is what a function of the library returns. The library's own texts are not used: asking
// for them needs a function that may be missing too.
type nvmlCode int32

const (
	nvmlOK           nvmlCode = 0
	nvmlNotSupported nvmlCode = 3
	nvmlNotFound     nvmlCode = 6
	nvmlShort        nvmlCode = 7
	nvmlNoFunction   nvmlCode = 13
)

// words puts a code into words for a person; the numbers are those of nvml.h.
func (c nvmlCode) words() string {
	switch c {
	case nvmlNotSupported:
		return "this GPU does not tell this value"
	case nvmlNoFunction:
		return "the installed driver is too old to tell this value"
	case 4:
		return "no permission to read it"
	case 8:
		return "a power cable of the GPU is not connected"
	case 9:
		return "the driver's kernel module is not loaded"
	case 10:
		return "the driver did not answer in time"
	case 11:
		return "the kernel reports an interrupt problem with the GPU"
	case 15, 28:
		return "the GPU was lost: it fell off the bus or is inaccessible"
	case 16:
		return "the GPU must be reset"
	case 18:
		return "the driver was updated; restart the machine"
	case 19:
		return "the GPU is in use by another program"
	default:
		return fmt.Sprintf("the driver answers with code %d", int32(c))
	}
}
