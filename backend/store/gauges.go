package store

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// gaugesCol keeps the gauges of a sample, then its GPUs one after the other, in few bytes. A group of
// readings is four bytes with a bit for each that is there, by its number, then the values in that order.
// A value takes four bytes, which is finer than any of these sensors; an energy counter takes eight, since
// differences of it are what counts. A GPU is its index, its readings, and one more than the number of
// what limits it (0: not known) with these words; numbers and lengths are varints. Null: nothing is there.
type gaugesCol struct{ s *domain.Sample }

var errShort = errors.New("gauge column ends early")

// Value implements driver.Valuer.
func (c gaugesCol) Value() (driver.Value, error) {
	fields := c.s.Gauges()
	b := packReadings(make([]byte, 0, 128), fields[:], int(domain.GaugeCPUEnergy))
	for i := range c.s.GPUs {
		g := &c.s.GPUs[i]
		own := g.Gauges()
		b = packReadings(binary.AppendVarint(b, int64(g.Index)), own[:], domain.GPUGaugeEnergy)
		if g.LimitReasons == nil {
			b = binary.AppendUvarint(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(g.LimitReasons))+1)
		for _, word := range g.LimitReasons {
			b = append(binary.AppendUvarint(b, uint64(len(word))), word...)
		}
	}
	if len(c.s.GPUs) == 0 && binary.LittleEndian.Uint32(b) == 0 {
		return nil, nil
	}
	return b, nil
}

// Scan implements sql.Scanner. GPUs that an older version has kept as text were scanned before and stay.
func (c gaugesCol) Scan(src any) error {
	fields := c.s.Gauges()
	for _, field := range fields {
		*field = nil
	}
	if c.s.GPUs == nil {
		c.s.GPUs = []domain.GPUSample{}
	}
	if src == nil {
		return nil
	}
	b, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("gauge column holds %T", src)
	}
	b, err := unpackReadings(b, fields[:], int(domain.GaugeCPUEnergy))
	for err == nil && len(b) > 0 {
		var g domain.GPUSample
		if g, b, err = unpackGPU(b); err == nil {
			c.s.GPUs = append(c.s.GPUs, g)
		}
	}
	return err
}

func unpackGPU(b []byte) (g domain.GPUSample, rest []byte, err error) {
	index, n := binary.Varint(b)
	if n <= 0 {
		return g, nil, errShort
	}
	g.Index = int(index)
	fields := g.Gauges()
	if b, err = unpackReadings(b[n:], fields[:], domain.GPUGaugeEnergy); err != nil {
		return g, nil, err
	}
	limits, n := binary.Uvarint(b)
	if n <= 0 || limits > uint64(len(b)) { // a word takes a byte at least
		return g, nil, errShort
	}
	b = b[n:]
	if limits > 0 {
		g.LimitReasons = make([]string, 0, limits-1)
	}
	for range max(limits, 1) - 1 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) { // #nosec G115 -- the difference of two lengths, not negative
			return g, nil, errShort
		}
		b = b[n:]
		g.LimitReasons, b = append(g.LimitReasons, string(b[:size])), b[size:]
	}
	return g, b, nil
}

// packReadings appends a group; the reading number wide takes eight bytes. What is no number counts as
// missing.
func packReadings(b []byte, fields []**float64, wide int) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	var mask uint32
	for i, field := range fields {
		v := *field
		switch {
		case v == nil || math.IsNaN(*v) || math.IsInf(*v, 0):
			continue
		case i == wide:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(*v))
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(*v)))
		}
		mask |= 1 << i
	}
	binary.LittleEndian.PutUint32(b[at:], mask)
	return b
}

// unpackReadings is its inverse; all values lie in one block.
func unpackReadings(b []byte, fields []**float64, wide int) (rest []byte, err error) {
	if len(b) < 4 {
		return nil, errShort
	}
	mask := binary.LittleEndian.Uint32(b)
	if mask>>len(fields) != 0 {
		return nil, fmt.Errorf("gauge column holds readings of unknown number, mask %x", mask)
	}
	b = b[4:]
	values := make([]float64, 0, bits.OnesCount32(mask))
	for i, field := range fields {
		if mask&(1<<i) == 0 {
			continue
		}
		size := 4
		if i == wide {
			size = 8
		}
		if len(b) < size {
			return nil, errShort
		}
		v := 0.0
		if size == 8 {
			v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		} else {
			v = asWritten(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		values = append(values, v)
		*field, b = &values[len(values)-1], b[size:]
	}
	return b, nil
}

// asWritten is the shortest decimal number that the four bytes stand for, so that 0.1 comes back as
// 0.1 and not as 0.10000000149011612.
func asWritten(v float32) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		return float64(v)
	}
	return f
}

// oldGPUs reads the GPUs that an older version has kept as text; nothing writes them any more.
type oldGPUs struct{ jsonCol[[]domain.GPUSample] }

// Value implements driver.Valuer.
func (oldGPUs) Value() (driver.Value, error) { return nil, nil }
