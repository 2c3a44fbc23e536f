package column

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// How the values of a column of floats are kept, whichever is the shortest and gives back every bit.
const (
	asDecimals   = 1 // integers to be divided by a power of ten, which follows
	asProducts   = 2 // integers to be multiplied by the inverse of a power of ten, which follows
	asDictionary = 3 // the different values, then which one each is
	asChanges    = 4 // the bits that change from one to the next
)

const (
	mostDigits = 15
	mostWords  = 1 << 10
	// exact is up to where a float holds every integer.
	exact = 1 << 53
)

// tens are the powers of ten and their inverses.
func tens() (powers, inverses [mostDigits + 1]float64) {
	p := 1.0
	for i := range powers {
		powers[i], inverses[i] = p, 1/p
		p *= 10
	}
	return powers, inverses
}

// AppendFloats appends a column of floats. there says which rows have a value, nil: all; the others are
// not looked at.
func AppendFloats(b []byte, values []float64, there []bool) []byte {
	b = appendHead(b, len(values), there)
	if there != nil {
		kept := make([]float64, 0, len(values))
		for i, v := range values {
			if there[i] {
				kept = append(kept, v)
			}
		}
		values = kept
	}
	if len(values) == 0 {
		return b
	}
	best := packChanges([]byte{asChanges}, values)
	for _, packed := range [][]byte{packDecimals(values), packProducts(values), packDictionary(values)} {
		if packed != nil && len(packed) <= len(best) {
			best = packed
		}
	}
	return append(b, best...)
}

// Scratch is memory for steps between; it may serve one column after another.
type Scratch struct{ ints []int64 }

// Floats returns the floats of a column, in the memory of into if they fit there, and which rows have one;
// nil: all. The others are 0.
func (s *Scratch) Floats(b []byte, into []float64) (values []float64, there []bool, err error) {
	rows, present, there, b, err := head(b)
	if err != nil {
		return nil, nil, err
	}
	values = sized(into, rows)
	if present > 0 {
		if err = s.unpackFloats(b, values[:present]); err != nil {
			return nil, nil, err
		}
	} else if len(b) > 0 {
		return nil, nil, ErrDamaged
	}
	if there != nil {
		from := present
		for i := rows - 1; i >= 0; i-- { // backwards, so that none is overwritten before it has moved
			if there[i] {
				from--
				values[i] = values[from]
			} else {
				values[i] = 0
			}
		}
	}
	return values, there, nil
}

func (s *Scratch) unpackFloats(b []byte, values []float64) (err error) {
	if len(b) == 0 {
		return ErrDamaged
	}
	kind := b[0]
	b = b[1:]
	switch kind {
	case asDecimals, asProducts:
		b, err = s.unpackScaled(b, values, kind)
	case asDictionary:
		b, err = s.unpackDictionary(b, values)
	case asChanges:
		b, err = unpackChanges(b, values)
	default:
		return ErrDamaged
	}
	if err == nil && len(b) > 0 {
		return ErrDamaged
	}
	return err
}

// packDecimals returns nil when values are no decimal numbers of a few digits.
func packDecimals(values []float64) []byte {
	powers, _ := tens()
	return packScaled(values, asDecimals, func(i int64, digits int) float64 { return float64(i) / powers[digits] })
}

func packProducts(values []float64) []byte {
	_, inverses := tens()
	return packScaled(values, asProducts, func(i int64, digits int) float64 { return float64(i) * inverses[digits] })
}

func packScaled(values []float64, kind byte, back func(i int64, digits int) float64) []byte {
	powers, _ := tens()
	digits := 0
	ints := make([]int64, len(values))
	fits := func(i int) bool {
		scaled := math.RoundToEven(values[i] * powers[digits])
		if !(math.Abs(scaled) < exact) {
			return false
		}
		ints[i] = int64(scaled)
		return math.Float64bits(back(ints[i], digits)) == math.Float64bits(values[i])
	}
	for i := range values {
		for !fits(i) {
			if digits++; digits > mostDigits {
				return nil
			}
		}
	}
	for i := range values { // the first ones were tried with fewer digits
		if !fits(i) {
			return nil
		}
	}
	return packInts([]byte{kind, byte(digits)}, ints)
}

func (s *Scratch) unpackScaled(b []byte, values []float64, kind byte) ([]byte, error) {
	if len(b) == 0 || b[0] > mostDigits {
		return nil, ErrDamaged
	}
	powers, inverses := tens()
	digits := b[0]
	s.ints = sized(s.ints, len(values))
	ints, b, err := unpackInts(b[1:], s.ints)
	if err != nil {
		return nil, err
	}
	if kind == asProducts {
		for i, v := range ints {
			values[i] = float64(v) * inverses[digits]
		}
		return b, nil
	}
	for i, v := range ints {
		values[i] = float64(v) / powers[digits]
	}
	return b, nil
}

// packDictionary returns nil when too many values differ.
func packDictionary(values []float64) []byte {
	number := map[uint64]int64{}
	var words []uint64
	index := make([]int64, len(values))
	for i, v := range values {
		w := math.Float64bits(v)
		n, known := number[w]
		if !known {
			if n = int64(len(words)); n == mostWords || int(n) > len(values)/2 {
				return nil
			}
			number[w], words = n, append(words, w)
		}
		index[i] = n
	}
	b := binary.AppendUvarint([]byte{asDictionary}, uint64(len(words)))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return packInts(b, index)
}

func (s *Scratch) unpackDictionary(b []byte, values []float64) ([]byte, error) {
	words, b, err := uvarint(b, mostWords)
	if err != nil || uint64(len(b)) < 8*words {
		return nil, ErrDamaged
	}
	dict := b[:8*words]
	s.ints = sized(s.ints, len(values))
	index, b, err := unpackInts(b[8*words:], s.ints)
	if err != nil {
		return nil, err
	}
	for i, n := range index {
		if uint64(n) >= words {
			return nil, ErrDamaged
		}
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(dict[8*n:]))
	}
	return b, nil
}

// packChanges keeps each value as its difference, bit by bit, from the one before: 0 alone when nothing
// changes; 1, 0 and the bits within the window of the last one; or 1, 1, a new window of them (six bits for
// the zeros before it, six for its length less one) and the bits.
func packChanges(b []byte, values []float64) []byte {
	w := bitWriter{b: b}
	last := math.Float64bits(values[0])
	w.write(last, 64)
	lead, size := 0, 0
	for _, v := range values[1:] {
		now := math.Float64bits(v)
		changed := now ^ last
		last = now
		if changed == 0 {
			w.write(0, 1)
			continue
		}
		l, t := bits.LeadingZeros64(changed), bits.TrailingZeros64(changed)
		own := 64 - l - t
		if size > 0 && l >= lead && t >= 64-lead-size && size <= own+12 {
			w.write(0b01, 2)
			w.write(changed>>(64-lead-size), size)
			continue
		}
		lead, size = l, own
		w.write(0b11, 2)
		w.write(uint64(lead), 6)
		w.write(uint64(size-1), 6)
		w.write(changed>>t, size)
	}
	return w.end()
}

func unpackChanges(b []byte, values []float64) ([]byte, error) {
	r := bitReader{b: b}
	last := r.read(64)
	values[0] = math.Float64frombits(last)
	lead, size := 0, 0
	for i := 1; i < len(values); i++ {
		if r.read(1) == 1 {
			if r.read(1) == 1 {
				lead, size = int(r.read(6)), int(r.read(6))+1
			}
			if size == 0 || lead+size > 64 {
				return nil, ErrDamaged
			}
			last ^= r.read(size) << (64 - lead - size)
		}
		values[i] = math.Float64frombits(last)
	}
	if r.short || r.held >= 8 {
		return nil, ErrDamaged
	}
	return r.b, nil
}
