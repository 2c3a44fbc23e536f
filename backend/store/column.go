package store

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// The types here stand for one column each and work in both directions, as argument and as scan
// target. So every table has one list of its fields, and reading cannot drift from writing.

// jsonCol keeps what p points to as JSON text; null for nil.
type jsonCol[T any] struct{ p *T }

func asJSON[T any](p *T) jsonCol[T] { return jsonCol[T]{p} }

// Value implements driver.Valuer.
func (c jsonCol[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(c.p)
	if err != nil || string(b) == "null" {
		return nil, err
	}
	return string(b), nil
}

// Scan implements sql.Scanner.
func (c jsonCol[T]) Scan(src any) error {
	var zero T
	*c.p = zero
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), c.p)
	case []byte:
		return json.Unmarshal(v, c.p)
	}
	return fmt.Errorf("json column holds %T", src)
}

// usCol keeps a time as microseconds since 1970.
type usCol struct{ p *time.Time }

// Value implements driver.Valuer.
func (c usCol) Value() (driver.Value, error) { return c.p.UnixMicro(), nil }

// Scan implements sql.Scanner.
func (c usCol) Scan(src any) error {
	us, ok := src.(int64)
	if !ok {
		return fmt.Errorf("time column holds %T", src)
	}
	*c.p = time.UnixMicro(us).UTC()
	return nil
}

// optUsCol is usCol for a time that may be missing.
type optUsCol struct{ p **time.Time }

// Value implements driver.Valuer.
func (c optUsCol) Value() (driver.Value, error) {
	if *c.p == nil {
		return nil, nil
	}
	return usCol{*c.p}.Value()
}

// Scan implements sql.Scanner.
func (c optUsCol) Scan(src any) error {
	if src == nil {
		*c.p = nil
		return nil
	}
	*c.p = new(time.Time)
	return usCol{*c.p}.Scan(src)
}

// floatsCol keeps a list of floats as little-endian bytes; null for nil.
type floatsCol struct{ p *[]float64 }

// Value implements driver.Valuer.
func (c floatsCol) Value() (driver.Value, error) {
	if *c.p == nil {
		return nil, nil
	}
	b := make([]byte, 0, 8*len(*c.p))
	for _, f := range *c.p {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b, nil
}

// Scan implements sql.Scanner.
func (c floatsCol) Scan(src any) error {
	if src == nil {
		*c.p = nil
		return nil
	}
	b, ok := src.([]byte)
	if !ok || len(b)%8 != 0 {
		return fmt.Errorf("list column holds %T of %d bytes", src, len(b))
	}
	fs := make([]float64, len(b)/8)
	for i := range fs {
		fs[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	*c.p = fs
	return nil
}

// lowerUs and upperUs are the bounds of a closed interval in whole microseconds.
func lowerUs(t time.Time) int64 {
	us := t.UnixMicro()
	if t.After(time.UnixMicro(us)) {
		us++
	}
	return us
}

func upperUs(t time.Time) int64 { return t.UnixMicro() }

// msCol keeps milliseconds, which may be missing, as whole microseconds.
type msCol struct{ p **float64 }

// Value implements driver.Valuer.
func (c msCol) Value() (driver.Value, error) {
	if *c.p == nil {
		return nil, nil
	}
	return int64(math.Round(**c.p * 1000)), nil
}

// Scan implements sql.Scanner.
func (c msCol) Scan(src any) error {
	*c.p = nil
	if src == nil {
		return nil
	}
	us, ok := src.(int64)
	if !ok {
		return fmt.Errorf("duration column holds %T", src)
	}
	ms := float64(us) / 1000
	*c.p = &ms
	return nil
}
