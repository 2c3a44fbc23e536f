package gguf

import (
	"bytes"
	"encoding/binary"
)

// writer builds small GGUF files for the tests.
type writer struct {
	version uint32
	kvs     bytes.Buffer
	nKV     uint64
	tensors bytes.Buffer
	nTensor uint64
	data    uint64
}

func newWriter() *writer { return &writer{version: 3} }

func le(b *bytes.Buffer, vs ...any) {
	for _, v := range vs {
		_ = binary.Write(b, binary.LittleEndian, v)
	}
}

func str(b *bytes.Buffer, s string) {
	le(b, uint64(len(s)))
	b.WriteString(s)
}

func (w *writer) text(key, value string) *writer {
	str(&w.kvs, key)
	le(&w.kvs, typeString)
	str(&w.kvs, value)
	w.nKV++
	return w
}

func (w *writer) u32(key string, v uint32) *writer {
	str(&w.kvs, key)
	le(&w.kvs, typeU32, v)
	w.nKV++
	return w
}

func (w *writer) texts(key string, vs ...string) *writer {
	str(&w.kvs, key)
	le(&w.kvs, typeArray, typeString, uint64(len(vs)))
	for _, v := range vs {
		str(&w.kvs, v)
	}
	w.nKV++
	return w
}

func (w *writer) u32s(key string, vs ...uint32) *writer {
	str(&w.kvs, key)
	le(&w.kvs, typeArray, typeU32, uint64(len(vs)), vs)
	w.nKV++
	return w
}

// raw writes a key with a hand-made value.
func (w *writer) raw(key string, vs ...any) *writer {
	str(&w.kvs, key)
	le(&w.kvs, vs...)
	w.nKV++
	return w
}

func (w *writer) tensor(name string, kind uint32, dims ...uint64) *writer {
	str(&w.tensors, name)
	le(&w.tensors, uint32(len(dims)), dims, kind, w.data)
	n := uint64(1)
	for _, d := range dims {
		n *= d
	}
	if t, ok := tensorTypeOf(kind); ok {
		w.data += n / uint64(t.block) * uint64(t.size)
	}
	w.data = (w.data + 31) / 32 * 32
	w.nTensor++
	return w
}

func (w *writer) file() []byte {
	var b bytes.Buffer
	b.WriteString(magic)
	le(&b, w.version, w.nTensor, w.nKV)
	b.Write(w.kvs.Bytes())
	b.Write(w.tensors.Bytes())
	for b.Len()%32 != 0 {
		b.WriteByte(0)
	}
	b.Write(make([]byte, w.data))
	return b.Bytes()
}
