package store

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// gaugesCol keeps the gauges of a sample in few bytes: four with a bit for each gauge that is there, by
// its number, then the values in that order. A value takes four bytes, which is finer than any of these
// sensors; the energy counter takes eight, since differences of it are what counts. Null: none is there.
type gaugesCol struct{ s *domain.Sample }

// Value implements driver.Valuer.
func (c gaugesCol) Value() (driver.Value, error) {
	var mask uint32
	b := make([]byte, 4, 4+4*domain.Gauges+4)
	for g, field := range c.s.Gauges() {
		v := *field
		if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
			continue
		}
		mask |= 1 << g
		if domain.Gauge(g) == domain.GaugeCPUEnergy {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(*v))
		} else {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(*v)))
		}
	}
	if mask == 0 {
		return nil, nil
	}
	binary.LittleEndian.PutUint32(b, mask)
	return b, nil
}

// Scan implements sql.Scanner.
func (c gaugesCol) Scan(src any) error {
	fields := c.s.Gauges()
	for _, field := range fields {
		*field = nil
	}
	if src == nil {
		return nil
	}
	b, ok := src.([]byte)
	if !ok || len(b) < 4 {
		return fmt.Errorf("gauge column holds %T of %d bytes", src, len(b))
	}
	mask := binary.LittleEndian.Uint32(b)
	if mask>>domain.Gauges != 0 {
		return fmt.Errorf("gauge column holds unknown gauges %x", mask>>domain.Gauges)
	}
	values := make([]float64, 0, domain.Gauges)
	b = b[4:]
	for g, field := range fields {
		if mask&(1<<g) == 0 {
			continue
		}
		size := 4
		if domain.Gauge(g) == domain.GaugeCPUEnergy {
			size = 8
		}
		if len(b) < size {
			return fmt.Errorf("gauge column ends early, at gauge %d", g)
		}
		if size == 8 {
			values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		} else {
			values = append(values, asWritten(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
		*field = &values[len(values)-1]
		b = b[size:]
	}
	if len(b) > 0 {
		return fmt.Errorf("gauge column has %d bytes too many", len(b))
	}
	return nil
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
