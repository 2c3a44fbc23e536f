// Package gguf reads the header of a GGUF model file: its facts, not its weights. Files come from
// anywhere, so every length is checked against the bytes that are left before anything is
// allocated or skipped. The package never loads tensors, never writes and never opens a network.
package gguf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	magic         = "GGUF"
	maxKVs        = 1 << 16
	maxTensors    = 1 << 20
	maxName       = 1 << 16 // bytes of a key or a tensor name
	maxText       = 1 << 16 // bytes of a text that is kept
	maxDims       = 8
	maxDepth      = 4 // arrays in arrays
	maxKeptArray  = 1 << 16
	defaultAlign  = 32
	maxAlign      = 1 << 20
	bytesPerGB    = 1e9
	bytesPerMB    = 1e6
	oldestVersion = 2
	newestVersion = 3
)

// FormatError says in one sentence what is wrong with a file.
type FormatError struct {
	Msg       string
	Truncated bool // the file ends before its header says so
}

// Error implements error.
func (e *FormatError) Error() string { return e.Msg }

// Read returns the facts of the file at path. On a truncated file the facts that could be read
// come with the error.
func Read(path string) (domain.GGUFInfo, error) {
	f, err := os.Open(path) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if err != nil {
		return domain.GGUFInfo{}, fmt.Errorf("open model: %w", err)
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return domain.GGUFInfo{}, fmt.Errorf("stat model: %w", err)
	}
	if !st.Mode().IsRegular() {
		return domain.GGUFInfo{}, &FormatError{Msg: "Not a GGUF file: not a regular file."}
	}
	return ReadFrom(f, st.Size())
}

// ReadFrom is Read over any reader that holds size bytes.
func ReadFrom(r io.Reader, size int64) (domain.GGUFInfo, error) {
	d := newDecoder(r, size)
	h, err := d.header()
	info := h.info()
	if err != nil {
		return info, d.explain(err)
	}
	if h.dataEnd > size {
		return info, &FormatError{Truncated: true, Msg: fmt.Sprintf("File ends early: %s.", ofBytes(size, h.dataEnd))}
	}
	return info, nil
}

func ofBytes(have, want int64) string {
	if want >= bytesPerGB/10 {
		return fmt.Sprintf("%.1f of %.1f GB", float64(have)/bytesPerGB, float64(want)/bytesPerGB)
	}
	if want >= bytesPerMB/10 {
		return fmt.Sprintf("%.1f of %.1f MB", float64(have)/bytesPerMB, float64(want)/bytesPerMB)
	}
	return fmt.Sprintf("%d of %d bytes", have, want)
}

// explain turns the end of the file inside the header into a sentence.
func (d *decoder) explain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errBeyondEnd) {
		return &FormatError{Truncated: true,
			Msg: fmt.Sprintf("File ends early: its header breaks off after %d bytes.", d.size)}
	}
	return err
}

// header is what the decoder gathers before it becomes domain.GGUFInfo.
type header struct {
	version  uint32
	numbers  map[string]int64  // wanted integers, by key
	texts    map[string]string // wanted texts, by key
	lengths  map[string]uint64 // wanted array lengths, by key
	template bool
	// tokenizer takes every fact of the tokenizer, in the order of the file.
	tokenizer hash.Hash

	tensors  int
	elements int64
	bytes    int64            // of the tensors whose type is known
	known    int64            // elements of the tensors whose type is known
	byType   map[uint32]int64 // elements
	dataEnd  int64            // where the last tensor ends in the file
	sums     map[string]int64 // of wanted arrays of integers, by key
	reads    reads            // what decoding a token reads
	complete bool             // every tensor was seen
}

func (h *header) info() domain.GGUFInfo {
	arch := h.texts["general.architecture"]
	num := func(suffix string) int { return clampInt(h.numbers[arch+"."+suffix]) }
	out := domain.GGUFInfo{
		Version: h.version, Architecture: arch, Name: h.texts["general.name"],
		Parameters: h.elements, Quantization: h.quantization(),
		ContextLength: num("context_length"), Layers: num("block_count"),
		EmbeddingSize: num("embedding_length"), Heads: num("attention.head_count"),
		KVHeads: num("attention.head_count_kv"), Tokenizer: h.texts["tokenizer.ggml.model"],
		ChatTemplate: h.template, License: h.texts["general.license"], Tensors: h.tensors,
	}
	if h.lengths["tokenizer.ggml.tokens"] > 0 && h.complete {
		out.TokenizerSHA256 = hex.EncodeToString(h.tokenizer.Sum(nil))
	}
	if out.KVHeads == 0 {
		out.KVHeads = out.Heads
	}
	out.VocabSize = clampInt(int64(min(h.lengths["tokenizer.ggml.tokens"], math.MaxInt32)))
	if out.VocabSize == 0 {
		out.VocabSize = num("vocab_size")
	}
	if h.complete && h.known == h.elements && h.tensors > 0 {
		out.BytesPerToken = h.bytesPerToken(arch)
		out.KVBytesPerToken = h.kvBytesPerToken(arch, out)
	}
	if h.known > 0 {
		out.BitsPerWeight = float64(h.bytes) * 8 / float64(h.known)
	}
	return out
}

// quantization is the file type its author declared, else the type most weights have.
func (h *header) quantization() string {
	if ft, ok := h.numbers["general.file_type"]; ok {
		if name, ok := fileTypeName(ft); ok {
			return name
		}
	}
	var best uint32
	var most int64
	for t, n := range h.byType {
		if n > most || (n == most && n > 0 && t < best) {
			best, most = t, n
		}
	}
	if most == 0 {
		return ""
	}
	if t, ok := tensorTypeOf(best); ok {
		return t.name
	}
	return fmt.Sprintf("type %d", best)
}

func clampInt(n int64) int {
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// wanted reports whether the value of a key is kept; all others are skipped.
func wanted(key string) bool {
	switch key {
	case "general.architecture", "general.name", "general.license", "general.file_type",
		"general.alignment", "tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.chat_template":
		return true
	}
	_, rest, ok := strings.Cut(key, ".")
	if !ok {
		return false
	}
	switch rest {
	case "context_length", "block_count", "embedding_length", "attention.head_count",
		"attention.head_count_kv", "vocab_size", "expert_count", "expert_used_count", "nextn_predict_layers",
		"attention.key_length", "attention.value_length", "attention.sliding_window", "attention.kv_lora_rank",
		"rope.dimension_count", "ssm.state_size", "wkv.head_size":
		return true
	}
	return false
}
