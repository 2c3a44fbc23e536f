package column

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Integers are kept as they are (order 0), as the changes between them (1) or as the changes between
// those (2), whichever is the shortest. What is left lies in blocks: the smallest of a block, how many bits
// the largest needs beyond it, and so many bits each. All of them are divided by what they have in common,
// as sizes in pages of memory have.
const (
	orders = 3
	block  = 64
)

// AppendInts appends a column of integers with a value in every row.
func AppendInts(b []byte, values []int64) []byte {
	return packInts(appendHead(b, len(values), nil), values)
}

// Ints returns the integers of a column, in the memory of into if they fit there.
func Ints(b []byte, into []int64) ([]int64, error) {
	rows, present, there, b, err := head(b)
	if err != nil || there != nil || rows != present {
		return nil, ErrDamaged
	}
	values, b, err := unpackInts(b, sized(into, rows))
	if err != nil || len(b) > 0 {
		return nil, ErrDamaged
	}
	return values, nil
}

// sized is a slice of n values, of the memory of another one if they fit there.
func sized[T any](into []T, n int) []T {
	if cap(into) < n {
		return make([]T, n)
	}
	return into[:n]
}

func packInts(b []byte, values []int64) []byte {
	if len(values) == 0 {
		return b
	}
	at := len(b)
	rest := values
	var best []byte
	for order := range min(orders, len(values)) {
		if order > 0 {
			rest = differences(rest)
		}
		packed := append(make([]byte, 0, 16+2*len(values)), byte(order))
		for i, first := 0, values; i < order; i, first = i+1, differences(first) {
			packed = binary.AppendVarint(packed, first[0])
		}
		packed = packBlocks(packed, rest)
		if best == nil || len(packed) < len(best) {
			best = packed
		}
	}
	return append(b[:at], best...)
}

// differences may wrap around; adding them up wraps back.
func differences(values []int64) []int64 {
	out := make([]int64, len(values)-1)
	for i := range out {
		out[i] = values[i+1] - values[i]
	}
	return out
}

func packBlocks(b []byte, values []int64) []byte {
	if len(values) == 0 {
		return b
	}
	base, unit := values[0], uint64(0)
	for _, v := range values {
		unit = commonDivisor(distance(v, base), unit)
		if unit == 1 {
			break
		}
	}
	if unit == 0 { // all the same
		return binary.AppendVarint(binary.AppendUvarint(b, 0), base)
	}
	b = binary.AppendUvarint(b, unit)
	if unit > 1 {
		b = binary.AppendVarint(b, base)
	} else {
		base = 0
	}
	steps := make([]int64, 0, block)
	for len(values) > 0 {
		n := min(block, len(values))
		steps = steps[:0]
		least := int64(math.MaxInt64)
		for _, v := range values[:n] {
			v -= base
			if unit > 1 {
				v /= int64(unit)
			}
			least = min(least, v)
			steps = append(steps, v)
		}
		var all uint64
		for _, s := range steps {
			all |= uint64(s) - uint64(least)
		}
		width := bits.Len64(all)
		w := bitWriter{b: append(binary.AppendVarint(b, least), byte(width))}
		for _, s := range steps {
			w.write(uint64(s)-uint64(least), width)
		}
		b, values = w.end(), values[n:]
	}
	return b
}

// distance of two integers whose difference may not fit an integer.
func distance(v, base int64) uint64 {
	if v >= base {
		return uint64(v) - uint64(base)
	}
	return uint64(base) - uint64(v)
}

// commonDivisor counts 0 as a multiple of everything. A divisor that a difference may not fit beside is 1.
func commonDivisor(a, b uint64) uint64 {
	if a > math.MaxInt64 {
		return 1
	}
	for a != 0 {
		a, b = b%a, a
	}
	return b
}

// unpackInts reads as many integers as values has.
func unpackInts(b []byte, values []int64) ([]int64, []byte, error) {
	n := len(values)
	if n == 0 {
		return values, b, nil
	}
	if len(b) == 0 || int(b[0]) >= min(orders, n) {
		return nil, nil, ErrDamaged
	}
	order := int(b[0])
	b = b[1:]
	var first [orders]int64
	for i := range order {
		var err error
		if first[i], b, err = varint(b); err != nil {
			return nil, nil, err
		}
	}
	b, err := unpackBlocks(b, values[order:])
	if err != nil {
		return nil, nil, err
	}
	for k := order - 1; k >= 0; k-- {
		sum := first[k]
		rest := values[k+1:]
		values[k] = sum
		for i, step := range rest {
			sum += step
			rest[i] = sum
		}
	}
	return values, b, nil
}

func unpackBlocks(b []byte, values []int64) ([]byte, error) {
	if len(values) == 0 {
		return b, nil
	}
	unit, b, err := uvarint(b, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	var base int64
	if unit != 1 {
		if base, b, err = varint(b); err != nil {
			return nil, err
		}
	}
	if unit == 0 {
		for i := range values {
			values[i] = base
		}
		return b, nil
	}
	for len(values) > 0 {
		n := min(block, len(values))
		var least int64
		if least, b, err = varint(b); err != nil {
			return nil, err
		}
		if len(b) == 0 || b[0] > 64 || len(b)-1 < (n*int(b[0])+7)/8 {
			return nil, ErrDamaged
		}
		width := int(b[0])
		b = b[1:]
		unpackBits(b, values[:n], width)
		for i, v := range values[:n] {
			values[i] = base + (least+v)*int64(unit)
		}
		b, values = b[(n*width+7)/8:], values[n:]
	}
	return b, nil
}

// unpackBits reads numbers of so many bits each; there are enough bytes.
func unpackBits(b []byte, values []int64, width int) {
	mask := uint64(1)<<width - 1 // of width 64: all
	i, at := 0, 0
	if width <= 57 { // whatever bit it begins at, a number lies within eight bytes
		for ; i < len(values) && at/8+8 <= len(b); i++ {
			values[i] = int64(binary.LittleEndian.Uint64(b[at/8:]) >> (at % 8) & mask)
			at += width
		}
	}
	r := bitReader{b: b[at/8:]}
	r.read(at % 8)
	for ; i < len(values); i++ {
		values[i] = int64(r.read(width))
	}
}
