package gguf

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func small() *writer {
	return newWriter().
		text("general.architecture", "llama").text("general.name", "Tiny\x1b One").
		text("general.license", "mit").u32("general.file_type", 3).
		u32("llama.context_length", 8192).u32("llama.block_count", 2).u32("llama.embedding_length", 64).
		u32("llama.attention.head_count", 4).u32("llama.attention.head_count_kv", 2).
		text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", "a", "b", "c").
		text("tokenizer.chat_template", "{{ messages }}").u32s("other.list", 1, 2, 3).
		tensor("token_embd.weight", 3, 64, 32).tensor("output_norm.weight", 0, 64)
}

func TestReadFacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := os.WriteFile(path, small().file(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := domain.GGUFInfo{
		Version: 3, Architecture: "llama", Name: "Tiny One", Parameters: 64*32 + 64, Quantization: "Q4_1",
		BitsPerWeight: float64(64*32/32*20+64*4) * 8 / (64*32 + 64), ContextLength: 8192, Layers: 2,
		EmbeddingSize: 64, Heads: 4, KVHeads: 2, VocabSize: 3, Tokenizer: "gpt2", ChatTemplate: true,
		License: "mit", Tensors: 2,
		// The table is the output layer too; two layers of two heads with 16 values for key and value.
		BytesPerToken: new(int64(64*32/32*20 + 64*4)), KVBytesPerToken: new(int64(2 * 2 * (16 + 16) * 2)),
	}
	if len(got.TokenizerSHA256) != 64 {
		t.Errorf("sum of the tokenizer %q", got.TokenizerSHA256)
	}
	want.TokenizerSHA256 = got.TokenizerSHA256
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facts\n got %+v\nwant %+v", got, want)
	}
}

func TestReadVariants(t *testing.T) {
	cases := []struct {
		name  string
		w     *writer
		check func(domain.GGUFInfo) bool
	}{
		{"dominant type without a file type", newWriter().tensor("a", 8, 64).tensor("b", 0, 32),
			func(i domain.GGUFInfo) bool { return i.Quantization == "Q8_0" }},
		{"unknown tensor type", newWriter().tensor("a", 999, 64),
			func(i domain.GGUFInfo) bool { return i.Quantization == "type 999" && i.BitsPerWeight == 0 }},
		{"heads per layer", newWriter().text("general.architecture", "x").u32s("x.attention.head_count", 4, 8, 2),
			func(i domain.GGUFInfo) bool { return i.Heads == 8 && i.KVHeads == 8 }},
		{"architecture last", newWriter().u32("gpt2.context_length", 1024).text("general.architecture", "gpt2"),
			func(i domain.GGUFInfo) bool { return i.ContextLength == 1024 && !i.ChatTemplate }},
		{"empty template is none", newWriter().text("tokenizer.chat_template", ""),
			func(i domain.GGUFInfo) bool { return !i.ChatTemplate }},
		{"vocabulary size as a number", newWriter().text("general.architecture", "x").u32("x.vocab_size", 77),
			func(i domain.GGUFInfo) bool { return i.VocabSize == 77 }},
		{"version 2", func() *writer { w := small(); w.version = 2; return w }(),
			func(i domain.GGUFInfo) bool { return i.Version == 2 }},
		{"nested arrays are skipped", newWriter().raw("x", typeArray, typeArray, uint64(1), typeU8, uint64(2), uint16(0)).u32("general.file_type", 15),
			func(i domain.GGUFInfo) bool { return i.Quantization == "Q4_K_M" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := c.w.file()
			got, err := ReadFrom(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			if !c.check(got) {
				t.Errorf("unexpected facts: %+v", got)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	version := func(v uint32) []byte { w := small(); w.version = v; return w.file() }
	counts := func(tensors, kvs uint64) []byte {
		var b bytes.Buffer
		b.WriteString(magic)
		le(&b, uint32(3), tensors, kvs)
		return b.Bytes()
	}
	deep := func() []byte {
		vs := []any{typeArray}
		for range 10 {
			vs = append(vs, typeArray, uint64(1))
		}
		return newWriter().raw("x", vs...).raw("pad", make([]byte, 64)).file()
	}
	cases := []struct {
		name, want string
		file       []byte
	}{
		{"zip", "Not a GGUF file: starts with 50 4B 03 04 (a zip).", []byte("PK\x03\x04xxxx")},
		{"pointer", "Git LFS pointer", []byte("version https://git-lfs")},
		{"short other", "Not a GGUF file: starts with 41 42.", []byte("AB")},
		{"empty", "it is empty", nil},
		{"only magic", "File ends early", []byte("GGUF")},
		{"version 1", "GGUF version 1 cannot be read", version(1)},
		{"version 9", "GGUF version 9 cannot be read", version(9)},
		{"big endian", "big-endian", version(3 << 24)},
		{"too many tensors", "it claims", counts(math.MaxUint64, 0)},
		{"too many facts", "it claims", counts(0, math.MaxUint64)},
		{"facts missing", "File ends early", counts(0, 5)},
		{"key length huge", "File ends early", append(counts(0, 1), bytes.Repeat([]byte{0xff}, 8)...)},
		{"array length huge", "File ends early", newWriter().raw("x", typeArray, typeU64, uint64(math.MaxUint64)).file()},
		{"string array huge", "File ends early", newWriter().raw("x", typeArray, typeString, uint64(1)<<40).file()},
		{"unknown value type", "unknown type 77", newWriter().raw("x", uint32(77)).file()},
		{"nested too deep", "nested too deeply", deep()},
		{"elements overflow", "beyond any file", newWriter().tensor("a", 0, math.MaxUint64, math.MaxUint64).file()[:96]},
		{"too many dimensions", "dimensions", newWriter().tensor("a", 0, make([]uint64, 9)...).file()},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadFrom(bytes.NewReader(c.file), int64(len(c.file)))
			var fe *FormatError
			if !errors.As(err, &fe) || !strings.Contains(fe.Msg, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadTruncated(t *testing.T) {
	whole := small().file()
	for n := 4; n < len(whole)-32; n += 7 { // the last tensor is padded by less than 32 bytes
		_, err := ReadFrom(bytes.NewReader(whole[:n]), int64(n))
		var fe *FormatError
		if !errors.As(err, &fe) || !fe.Truncated {
			t.Fatalf("cut at %d of %d: %v", n, len(whole), err)
		}
	}
	info, err := ReadFrom(bytes.NewReader(whole[:len(whole)-200]), int64(len(whole)-200))
	if err == nil || info.Architecture != "llama" {
		t.Errorf("facts of a cut file are lost: %+v, %v", info, err)
	}
	if got := ofBytes(3_200_000_000, 5_000_000_000); got != "3.2 of 5.0 GB" {
		t.Errorf("ofBytes: %q", got)
	}
}

func TestReadMissing(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "none.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("a folder is no model")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small().file())
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Add(newWriter().raw("x", typeArray, typeArray, uint64(1), typeU8, uint64(2), uint16(0)).file())
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ReadFrom(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if info.BytesPerToken != nil && (*info.BytesPerToken < 0 || *info.BytesPerToken > math.MaxInt64/4) ||
			info.KVBytesPerToken != nil && *info.KVBytesPerToken <= 0 {
			t.Errorf("impossible reads: %+v", info)
		}
		if info.Parameters < 0 || info.BitsPerWeight < 0 || info.Tensors > len(b) || info.VocabSize < 0 {
			t.Errorf("impossible facts: %+v", info)
		}
	})
}
