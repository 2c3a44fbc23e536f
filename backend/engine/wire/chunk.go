package wire

import (
	"fmt"
	"math"
)

// chunks takes the chunked framing off a body (RFC 9112, 7.1) as its bytes come, in place. Line
// ends may lack their CR.
type chunks struct {
	state chunkState
	left  uint64 // of the chunk
	sized bool   // the size has a digit
	line  int    // bytes of a line that carries no content
}

type chunkState uint8

const (
	chunkSize    chunkState = iota // digits
	chunkExt                       // after them, up to the line end
	chunkData                      // content
	chunkEnd                       // the line end after content
	chunkTrailer                   // lines after the last chunk; a blank one ends the body
	chunkDone
)

// maxChunkLine bounds a size with its extensions, and all trailers together.
const maxChunkLine = 16 << 10

// decode moves the content of p to its start and returns how much that is, and how many bytes of p
// were looked at: all, unless the body ends before.
func (c *chunks) decode(p []byte) (n, used int, err error) {
	for used < len(p) && c.state != chunkDone {
		if c.state == chunkData {
			take := min(c.left, uint64(len(p)-used))
			n += copy(p[n:], p[used:used+int(take)]) // #nosec G115 -- at most the length of a buffer
			used += int(take)                        // #nosec G115 -- at most the length of a buffer
			if c.left -= take; c.left == 0 {
				c.state, c.line = chunkEnd, 0
			}
			continue
		}
		b := p[used]
		used++
		if c.line++; c.line > maxChunkLine {
			return n, used, fmt.Errorf("%w: a chunk's line is too long", ErrMalformed)
		}
		if err := c.mark(b); err != nil {
			return n, used, err
		}
	}
	return n, used, nil
}

// mark reads one byte that is not content.
func (c *chunks) mark(b byte) error {
	switch c.state {
	case chunkSize:
		if digit, ok := hexDigit(b); ok {
			if c.left > math.MaxInt64>>4 {
				return fmt.Errorf("%w: a chunk is too large", ErrMalformed)
			}
			c.left, c.sized = c.left<<4|digit, true
			return nil
		}
		if !c.sized || (b != ';' && b != ' ' && b != '\t' && b != '\r' && b != '\n') {
			return fmt.Errorf("%w: a chunk without a size", ErrMalformed)
		}
		if b != '\n' {
			c.state = chunkExt
			return nil
		}
		c.begin()
	case chunkExt:
		if b == '\n' {
			c.begin()
		}
	case chunkEnd:
		switch {
		case b == '\n':
			c.state, c.sized, c.line = chunkSize, false, 0
		case b != '\r' || c.line > 1:
			return fmt.Errorf("%w: a chunk is longer than its size", ErrMalformed)
		}
	case chunkTrailer: // sized says that the line is not blank
		switch b {
		case '\n':
			if !c.sized {
				c.state = chunkDone
			}
			c.sized = false
		case '\r':
		default:
			c.sized = true
		}
	case chunkData, chunkDone:
	}
	return nil
}

// begin follows the line of a size.
func (c *chunks) begin() {
	c.state, c.line = chunkData, 0
	if c.left == 0 {
		c.state, c.sized = chunkTrailer, false
	}
}

func hexDigit(b byte) (uint64, bool) {
	switch {
	case b >= '0' && b <= '9':
		return uint64(b - '0'), true
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return uint64(b|0x20-'a') + 10, true
	}
	return 0, false
}
