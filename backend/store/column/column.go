// Package column packs the readings of one sensor into few bytes and gives them back bit by bit. It knows
// neither the database nor what is read. Whatever bytes it is handed, unpacking does not panic and takes
// no more memory than MaxRows values need.
package column

import (
	"encoding/binary"
	"errors"
)

// MaxRows is the most values that a column holds.
const MaxRows = 1 << 16

// version is the first byte of a column; it names the layout of all that follows.
const version = 1

// ErrDamaged says that bytes are not what this package has packed.
var ErrDamaged = errors.New("column is damaged")

// A column is the version, the number of its rows, the rows that have a value, and these values packed by
// their kind. Rows with and without a value are told by the lengths of their stretches in turn, values
// first; 0 stretches stand for a value in every row.

// appendHead appends what comes before the values; a nil there is a value in every row.
func appendHead(b []byte, rows int, there []bool) []byte {
	b = binary.AppendUvarint(append(b, version), uint64(rows))
	var runs []uint64
	for i, want := 0, true; i < len(there); want = !want {
		from := i
		for i < len(there) && there[i] == want {
			i++
		}
		runs = append(runs, uint64(i-from))
	}
	if len(runs) < 2 && (len(runs) == 0 || there[0]) {
		runs = nil
	}
	b = binary.AppendUvarint(b, uint64(len(runs)))
	for _, n := range runs {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// head is its inverse; present is how many rows have a value.
func head(b []byte) (rows, present int, there []bool, rest []byte, err error) {
	if len(b) == 0 || b[0] != version {
		return 0, 0, nil, nil, ErrDamaged
	}
	n, b, err := uvarint(b[1:], MaxRows)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	runs, b, err := uvarint(b, uint64(len(b)))
	if err != nil || runs == 0 {
		return int(n), int(n), nil, b, err
	}
	there = make([]bool, 0, n)
	for i := range runs {
		var run uint64
		if run, b, err = uvarint(b, n-uint64(len(there))); err != nil {
			return 0, 0, nil, nil, err
		}
		for range run {
			there = append(there, i%2 == 0)
		}
		if i%2 == 0 {
			present += int(run)
		}
	}
	if len(there) != int(n) {
		return 0, 0, nil, nil, ErrDamaged
	}
	return int(n), present, there, b, nil
}

// uvarint reads a number that may not be larger than most.
func uvarint(b []byte, most uint64) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > most {
		return 0, nil, ErrDamaged
	}
	return v, b[n:], nil
}

func varint(b []byte) (int64, []byte, error) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, ErrDamaged
	}
	return v, b[n:], nil
}
