package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/inferometer/inferometer/backend/domain"
)

const chunksV1 = 1

var errChunks = errors.New("chunk times are damaged")

// packChunks keeps chunk offsets as the changes between their gaps: an even stream of tokens
// costs about two bytes each. Kinds follow as runs. The sum guards against a flipped bit, which
// SQLite's own checks do not see inside a blob.
func packChunks(us []int64, kinds []domain.ChunkKind) (blob []byte, crc uint32, err error) {
	if len(us) == 0 {
		return nil, 0, nil
	}
	if len(kinds) != 0 && len(kinds) != len(us) {
		return nil, 0, fmt.Errorf("pack chunks: %d kinds for %d times", len(kinds), len(us))
	}
	b := make([]byte, 0, 16+3*len(us))
	b = append(b, chunksV1)
	b = binary.AppendUvarint(b, uint64(len(us)))
	var last, gap int64
	for _, t := range us {
		g := t - last
		b = binary.AppendVarint(b, g-gap)
		last, gap = t, g
	}
	for i := 0; i < len(kinds); {
		j := i
		for j < len(kinds) && kinds[j] == kinds[i] {
			j++
		}
		b = append(b, byte(kinds[i]))
		b = binary.AppendUvarint(b, uint64(j-i))
		i = j
	}
	return b, checksum(b), nil
}

// unpackChunks reads what packChunks wrote. It takes no more memory than 9 bytes for each byte of
// blob's times.
func unpackChunks(b []byte, crc uint32) ([]int64, []domain.ChunkKind, error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	if checksum(b) != crc || b[0] != chunksV1 {
		return nil, nil, errChunks
	}
	b = b[1:]
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) { // each time takes a byte at least
		return nil, nil, errChunks
	}
	b = b[w:]
	us := make([]int64, n)
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
	kinds, err := unpackKinds(b, int(n))
	return us, kinds, err
}

func unpackKinds(b []byte, n int) ([]domain.ChunkKind, error) {
	if len(b) == 0 {
		return nil, nil
	}
	kinds := make([]domain.ChunkKind, 0, n)
	for len(b) > 0 {
		count, w := binary.Uvarint(b[1:])
		if w <= 0 || count > uint64(n-len(kinds)) {
			return nil, errChunks
		}
		for range count {
			kinds = append(kinds, domain.ChunkKind(b[0]))
		}
		b = b[1+w:]
	}
	if len(kinds) != n {
		return nil, errChunks
	}
	return kinds, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
