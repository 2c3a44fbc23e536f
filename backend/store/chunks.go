package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/inferometer/inferometer/backend/domain"
)

// The layouts of a chunk blob: version, count, times, then runs. Version 1 had the kinds alone,
// up to the end; version 2 says before each list of runs whether it is there, and has the tokens too.
const (
	chunksV1 = 1
	chunksV2 = 2
)

var errChunks = errors.New("chunk times are damaged")

// chunks are the content chunks of one stream. Kinds and tokens are parallel to the times, or nil.
type chunks struct {
	us     []int64
	kinds  []domain.ChunkKind
	tokens []int
}

// packChunks keeps chunk offsets as the changes between their gaps: an even stream of tokens
// costs about two bytes each. Kinds and tokens follow as runs. The sum guards against a flipped
// bit, which SQLite's own checks do not see inside a blob.
func packChunks(c chunks) (blob []byte, crc uint32, err error) {
	n := len(c.us)
	if n == 0 {
		return nil, 0, nil
	}
	if len(c.kinds) != 0 && len(c.kinds) != n || len(c.tokens) != 0 && len(c.tokens) != n {
		return nil, 0, fmt.Errorf("pack chunks: %d kinds and %d token counts for %d times", len(c.kinds), len(c.tokens), n)
	}
	b := make([]byte, 0, 16+3*n)
	b = append(b, chunksV2)
	b = binary.AppendUvarint(b, uint64(n))
	var last, gap int64
	for _, t := range c.us {
		g := t - last
		b = binary.AppendVarint(b, g-gap)
		last, gap = t, g
	}
	b = appendRuns(b, c.kinds)
	b = appendRuns(b, c.tokens)
	return b, checksum(b), nil
}

// appendRuns writes whether there are values, and then each with how often it follows itself.
func appendRuns[T domain.ChunkKind | int](b []byte, values []T) []byte {
	if len(values) == 0 {
		return append(b, 0)
	}
	b = append(b, 1)
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && values[j] == values[i] {
			j++
		}
		b = binary.AppendUvarint(b, uint64(values[i]))
		b = binary.AppendUvarint(b, uint64(j-i))
		i = j
	}
	return b
}

// unpackChunks reads what packChunks wrote, in either version. It takes no more memory than 17
// bytes for each byte of blob's times.
func unpackChunks(b []byte, crc uint32) (chunks, error) {
	if len(b) == 0 {
		return chunks{}, nil
	}
	version := b[0]
	if checksum(b) != crc || version != chunksV1 && version != chunksV2 {
		return chunks{}, errChunks
	}
	us, b, err := unpackTimes(b[1:])
	if err != nil {
		return chunks{}, err
	}
	out := chunks{us: us}
	if version == chunksV1 {
		out.kinds, b, err = unpackRuns[domain.ChunkKind](b, len(us), len(b) > 0)
	} else {
		if out.kinds, b, err = unpackOptional[domain.ChunkKind](b, len(us)); err == nil {
			out.tokens, b, err = unpackOptional[int](b, len(us))
		}
	}
	if err != nil || len(b) > 0 {
		return chunks{}, errChunks
	}
	return out, nil
}

func unpackTimes(b []byte) (us []int64, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) { // #nosec G115 -- each time takes a byte at least; the difference of two lengths, not negative
		return nil, nil, errChunks
	}
	b = b[w:]
	us = make([]int64, n)
	var last, gap int64
	for i := range us {
		d, w := binary.Varint(b)
		if w <= 0 {
			return nil, nil, errChunks
		}
		b = b[w:]
		gap += d
		last += gap
		us[i] = last
	}
	return us, b, nil
}

// unpackOptional reads runs behind the byte that says whether there are any.
func unpackOptional[T domain.ChunkKind | int](b []byte, n int) ([]T, []byte, error) {
	if len(b) == 0 || b[0] > 1 {
		return nil, nil, errChunks
	}
	return unpackRuns[T](b[1:], n, b[0] == 1)
}

// unpackRuns reads the runs of n values.
func unpackRuns[T domain.ChunkKind | int](b []byte, n int, there bool) ([]T, []byte, error) {
	if !there {
		return nil, b, nil
	}
	values := make([]T, 0, n)
	for len(values) < n {
		v, w := binary.Uvarint(b)
		if w <= 0 || uint64(T(v)) != v {
			return nil, nil, errChunks
		}
		count, w2 := binary.Uvarint(b[w:])
		if w2 <= 0 || count == 0 || count > uint64(n-len(values)) { // #nosec G115 -- the difference of two lengths, not negative
			return nil, nil, errChunks
		}
		for range count {
			values = append(values, T(v))
		}
		b = b[w+w2:]
	}
	return values, b, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
