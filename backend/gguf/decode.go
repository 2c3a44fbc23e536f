package gguf

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The value types of a GGUF key.
const (
	typeU8 uint32 = iota
	typeI8
	typeU16
	typeI16
	typeU32
	typeI32
	typeF32
	typeBool
	typeString
	typeArray
	typeU64
	typeI64
	typeF64
)

var errBeyondEnd = errors.New("length beyond the end of the file")

// decoder reads little-endian values and never asks for more than is left.
type decoder struct {
	r    *bufio.Reader
	size int64
	pos  int64
	copy hash.Hash // takes what is read, while it is not nil
}

func newDecoder(r io.Reader, size int64) *decoder {
	return &decoder{r: bufio.NewReaderSize(io.LimitReader(r, size), 1<<16), size: size}
}

func (d *decoder) left() uint64 { return uint64(max(d.size-d.pos, 0)) }

func (d *decoder) bytes(n uint64) ([]byte, error) {
	if n > d.left() {
		return nil, errBeyondEnd
	}
	b := make([]byte, n)
	k, err := io.ReadFull(d.r, b)
	d.took(b[:k])
	return b, err
}

func (d *decoder) took(b []byte) {
	d.pos += int64(len(b))
	if d.copy != nil {
		d.copy.Write(b)
	}
}

func (d *decoder) skip(n uint64) error {
	if n > d.left() {
		return errBeyondEnd
	}
	to := io.Discard
	if d.copy != nil {
		to = d.copy
	}
	k, err := io.CopyN(to, d.r, int64(n)) // #nosec G115 -- not beyond the end of the file
	d.pos += k
	return err
}

// number reads an unsigned little-endian integer of width bytes (1, 2, 4 or 8).
func (d *decoder) number(width int) (uint64, error) {
	var b [8]byte
	k, err := io.ReadFull(d.r, b[:width])
	d.took(b[:k])
	return binary.LittleEndian.Uint64(b[:]), err
}

func (d *decoder) u32() (uint32, error) {
	n, err := d.number(4)
	return uint32(n), err // #nosec G115 -- four bytes were read
}

// text reads a string of at most limit bytes; a longer one is an error.
func (d *decoder) text(limit uint64, what string) (string, error) {
	n, err := d.number(8)
	if err != nil {
		return "", err
	}
	if n > d.left() {
		return "", errBeyondEnd
	}
	if n > limit {
		return "", &FormatError{Msg: fmt.Sprintf("Not a usable GGUF file: a %s has %d bytes.", what, n)}
	}
	b, err := d.bytes(n)
	return string(b), err
}

// header reads everything before the tensor data.
func (d *decoder) header() (*header, error) {
	h := &header{tokenizer: sha256.New(), numbers: map[string]int64{}, texts: map[string]string{},
		lengths: map[string]uint64{}, byType: map[uint32]int64{}, sums: map[string]int64{}}
	if err := d.preamble(h); err != nil {
		return h, err
	}
	tensors, err := d.number(8)
	if err != nil {
		return h, err
	}
	kvs, err := d.number(8)
	if err != nil {
		return h, err
	}
	if tensors > maxTensors || kvs > maxKVs {
		return h, &FormatError{Msg: fmt.Sprintf("Not a usable GGUF file: it claims %d tensors and %d facts.", tensors, kvs)}
	}
	for range kvs {
		if err := d.keyValue(h); err != nil {
			return h, err
		}
	}
	var end int64
	for range tensors {
		e, err := d.tensor(h)
		if err != nil {
			return h, err
		}
		end = max(end, e)
	}
	align := h.numbers["general.alignment"]
	if align <= 0 || align > maxAlign {
		align = defaultAlign
	}
	if tensors > 0 {
		start := (d.pos + align - 1) / align * align
		if end > math.MaxInt64-start {
			return h, errOffsets()
		}
		h.dataEnd = start + end
	}
	h.complete = true
	return h, nil
}

func errOffsets() error {
	return &FormatError{Msg: "Not a usable GGUF file: its tensors lie beyond any file."}
}

func (d *decoder) preamble(h *header) error {
	first, err := d.r.Peek(4)
	if len(first) == 0 {
		return &FormatError{Msg: "Not a GGUF file: it is empty.", Truncated: true}
	}
	if string(first) != magic {
		return &FormatError{Msg: fmt.Sprintf("Not a GGUF file: starts with % X%s.", first, guess(first))}
	}
	if err != nil {
		return err
	}
	if err := d.skip(4); err != nil {
		return err
	}
	if h.version, err = d.u32(); err != nil {
		return err
	}
	switch {
	case h.version >= oldestVersion && h.version <= newestVersion:
		return nil
	case h.version&0xffff == 0 && h.version != 0:
		return &FormatError{Msg: "A GGUF file for big-endian machines; it cannot run here."}
	}
	return &FormatError{Msg: fmt.Sprintf("GGUF version %d cannot be read; versions %d and %d can.", h.version, oldestVersion, newestVersion)}
}

// guess names what a file that is not GGUF seems to be.
func guess(b []byte) string {
	known := []struct{ head, name string }{
		{"PK\x03\x04", "a zip"}, {"\x1f\x8b", "gzip"}, {"ggjt", "an old GGML file"}, {"lmgg", "an old GGML file"},
		{"tjgg", "an old GGML file"}, {"vers", "a Git LFS pointer, not the file itself"}, {"<!DO", "a web page"},
		{"<!do", "a web page"}, {"<htm", "a web page"}, {"\x7fELF", "a program"}, {"MZ", "a program"},
	}
	for _, k := range known {
		if len(b) >= len(k.head) && string(b[:len(k.head)]) == k.head {
			return " (" + k.name + ")"
		}
	}
	return ""
}

func (d *decoder) keyValue(h *header) error {
	key, err := d.text(maxName, "key")
	if err != nil {
		return err
	}
	kind, err := d.u32()
	if err != nil {
		return err
	}
	if strings.HasPrefix(key, "tokenizer.ggml.") {
		h.tokenizer.Write([]byte(key))
		d.copy = h.tokenizer
		defer func() { d.copy = nil }()
	}
	if !wanted(key) {
		return d.skipValue(kind, 0)
	}
	return d.keep(h, key, kind)
}

// keep stores the value of a wanted key when it has a fitting type.
func (d *decoder) keep(h *header, key string, kind uint32) error {
	switch kind {
	case typeString:
		if key == "tokenizer.chat_template" {
			n, err := d.number(8)
			h.template = n > 0
			if err != nil {
				return err
			}
			return d.skip(n)
		}
		s, err := d.text(maxText, "text")
		h.texts[key] = printable(s)
		return err
	case typeArray:
		return d.keepArray(h, key)
	}
	width, ok := widthOf(kind)
	if !ok {
		return errKind(kind)
	}
	raw, err := d.number(width)
	if err == nil && isInteger(kind) {
		h.numbers[key] = signed(raw, kind, width)
	}
	return err
}

// keepArray notes how long an array is and, for integers such as heads per layer, its largest.
func (d *decoder) keepArray(h *header, key string) error {
	kind, n, err := d.arrayHead()
	if err != nil {
		return err
	}
	h.lengths[key] = n
	width, fixed := widthOf(kind)
	if !fixed || !isInteger(kind) || n > maxKeptArray {
		return d.skipElements(kind, n, 1)
	}
	for range n {
		raw, err := d.number(width)
		if err != nil {
			return err
		}
		v := signed(raw, kind, width)
		h.numbers[key] = max(h.numbers[key], v)
		h.sums[key] += min(max(v, 0), math.MaxInt32) // an array is short, so the sum cannot overflow
	}
	return nil
}

func (d *decoder) arrayHead() (kind uint32, n uint64, err error) {
	if kind, err = d.u32(); err != nil {
		return 0, 0, err
	}
	if n, err = d.number(8); err != nil {
		return 0, 0, err
	}
	if n > d.left() { // each element takes a byte at least
		return 0, 0, errBeyondEnd
	}
	return kind, n, nil
}

func (d *decoder) skipValue(kind uint32, depth int) error {
	switch kind {
	case typeString:
		return d.skipElements(kind, 1, depth)
	case typeArray:
		if depth >= maxDepth {
			return &FormatError{Msg: "Not a usable GGUF file: arrays are nested too deeply."}
		}
		inner, n, err := d.arrayHead()
		if err != nil {
			return err
		}
		return d.skipElements(inner, n, depth+1)
	}
	return d.skipElements(kind, 1, depth)
}

func (d *decoder) skipElements(kind uint32, n uint64, depth int) error {
	if width, ok := widthOf(kind); ok {
		if n > d.left()/uint64(width) { // #nosec G115 -- 1 to 8
			return errBeyondEnd
		}
		return d.skip(n * uint64(width)) // #nosec G115 -- 1 to 8
	}
	for range n {
		switch kind {
		case typeString:
			length, err := d.number(8)
			if err != nil {
				return err
			}
			if err := d.skip(length); err != nil {
				return err
			}
		case typeArray:
			if err := d.skipValue(typeArray, depth); err != nil {
				return err
			}
		default:
			return errKind(kind)
		}
	}
	return nil
}

// tensor reads one tensor's description and returns where its data ends, counted from the start
// of the data.
func (d *decoder) tensor(h *header) (int64, error) {
	name, err := d.text(maxName, "tensor name")
	if err != nil {
		return 0, err
	}
	dims, err := d.u32()
	if err != nil {
		return 0, err
	}
	if dims > maxDims {
		return 0, &FormatError{Msg: fmt.Sprintf("Not a usable GGUF file: a tensor has %d dimensions.", dims)}
	}
	elements := uint64(1)
	for range dims {
		n, err := d.number(8)
		if err != nil {
			return 0, err
		}
		if n != 0 && elements > math.MaxInt64/4/n {
			return 0, errOffsets()
		}
		elements *= n
	}
	kind, err := d.u32()
	if err != nil {
		return 0, err
	}
	offset, err := d.number(8)
	if err != nil {
		return 0, err
	}
	return h.add(name, kind, int64(elements), offset)
}

func (h *header) add(name string, kind uint32, elements int64, offset uint64) (int64, error) {
	if offset > math.MaxInt64/4 || elements > math.MaxInt64/4-h.elements {
		return 0, errOffsets()
	}
	h.tensors++
	h.elements += elements
	h.byType[kind] += elements
	t, ok := tensorTypeOf(kind)
	if !ok {
		return int64(offset), nil
	}
	blocks := elements/t.block + min(elements%t.block, 1)
	if blocks > (math.MaxInt64/4-h.bytes)/t.size {
		return 0, errOffsets()
	}
	h.bytes += blocks * t.size
	h.known += elements
	h.reads.add(name, blocks*t.size)
	return int64(offset) + blocks*t.size, nil
}

func errKind(kind uint32) error {
	return &FormatError{Msg: fmt.Sprintf("Not a usable GGUF file: a fact has the unknown type %d.", kind)}
}

func widthOf(kind uint32) (int, bool) {
	switch kind {
	case typeU8, typeI8, typeBool:
		return 1, true
	case typeU16, typeI16:
		return 2, true
	case typeU32, typeI32, typeF32:
		return 4, true
	case typeU64, typeI64, typeF64:
		return 8, true
	}
	return 0, false
}

func isInteger(kind uint32) bool { return kind != typeF32 && kind != typeF64 && kind != typeBool }

// signed widens raw of a GGUF type to int64; what does not fit becomes the largest.
func signed(raw uint64, kind uint32, width int) int64 {
	switch kind {
	case typeI8, typeI16, typeI32, typeI64:
		shift := 64 - 8*width
		return int64(raw<<shift) >> shift // #nosec G115 -- the sign is what is wanted
	}
	return int64(min(raw, math.MaxInt64))
}

// printable drops what a terminal or a page must not be handed.
func printable(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r != utf8.RuneError && unicode.IsPrint(r) {
			out = append(out, r)
		}
	}
	return string(out)
}
