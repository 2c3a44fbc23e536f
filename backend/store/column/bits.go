package column

import "encoding/binary"

// bitWriter writes the lowest bits first.
type bitWriter struct {
	b    []byte
	acc  uint64
	held int
}

func (w *bitWriter) write(v uint64, n int) {
	w.acc |= v << w.held
	if w.held += n; w.held >= 64 {
		w.b = binary.LittleEndian.AppendUint64(w.b, w.acc)
		w.held -= 64
		w.acc = v >> (n - w.held) // a shift by 64 leaves nothing
	}
}

func (w *bitWriter) end() []byte {
	for ; w.held > 0; w.held -= 8 {
		w.b = append(w.b, byte(w.acc))
		w.acc >>= 8
	}
	return w.b
}

// bitReader reads what a bitWriter wrote. It may hold bytes of what follows that.
type bitReader struct {
	b     []byte
	acc   uint64
	held  int
	short bool // it was asked for more than there is
}

func (r *bitReader) read(n int) uint64 {
	v := r.acc
	if r.held >= n {
		r.acc >>= n
		r.held -= n
		return v & (1<<n - 1)
	}
	need := (n - r.held + 7) / 8
	if need > len(r.b) {
		r.short = true
		return 0
	}
	var next uint64
	take := min(8, len(r.b))
	if take == 8 {
		next = binary.LittleEndian.Uint64(r.b)
	} else {
		take = need
		for k, c := range r.b[:take] {
			next |= uint64(c) << (8 * k)
		}
	}
	v |= next << r.held
	r.acc = next >> (n - r.held)
	r.held += 8*take - n
	r.b = r.b[take:]
	return v & (1<<n - 1)
}
