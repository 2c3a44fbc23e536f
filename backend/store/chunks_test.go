package store

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestChunksRoundTrip(t *testing.T) {
	text, reasoning, other := domain.ChunkText, domain.ChunkReasoning, domain.ChunkOther
	for _, c := range []chunks{
		{},
		{us: []int64{0}},
		{us: []int64{5, 5, 4, -1}, kinds: []domain.ChunkKind{text, text, reasoning, other}},
		{us: []int64{5, 6, 7}, tokens: []int{4, 4, 1}},
		{us: []int64{5, 6, 7}, kinds: []domain.ChunkKind{text, text, text}, tokens: []int{0, 1 << 20, 300}},
		{us: []int64{math.MaxInt64, math.MinInt64, 0}, kinds: []domain.ChunkKind{255, 0, 255}},
	} {
		blob, crc, err := packChunks(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpackChunks(blob, crc)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%v: got %v, %v", c, got, err)
		}
	}
	for _, bad := range []chunks{
		{us: []int64{1, 2}, kinds: []domain.ChunkKind{text}},
		{us: []int64{1, 2}, tokens: []int{1, 2, 3}},
	} {
		if _, _, err := packChunks(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// stream makes the stamps of n tokens as a client sees them: a prefill, then gaps around itl with
// the given jitter, several tokens now and then in one chunk, and rare stalls.
func stream(r *rand.Rand, n int, itlUs, jitter, bundled, stalls float64) chunks {
	var c chunks
	at := 150_000 + 30_000*r.NormFloat64()
	for made := 0; made < n; {
		tokens := 1
		if r.Float64() < bundled {
			tokens += 1 + r.IntN(3)
		}
		gap := itlUs * float64(tokens) * (1 + jitter*r.NormFloat64())
		if r.Float64() < stalls {
			gap += 200_000 * r.ExpFloat64()
		}
		at += max(gap, 1)
		c.us, c.kinds, c.tokens = append(c.us, int64(at)), append(c.kinds, domain.ChunkText), append(c.tokens, tokens)
		made += tokens
	}
	return c
}

// TestChunksAreSmall holds the goal of 2.5 bytes a token for streams as servers really send them.
func TestChunksAreSmall(t *testing.T) {
	for _, c := range []struct {
		name                            string
		itlUs, jitter, bundled, stalled float64
	}{
		{"even", 20_000, 0.02, 0, 0},
		{"jittered by a tenth", 20_000, 0.1, 0, 0},
		{"jittered by a fifth", 20_000, 0.2, 0, 0},
		{"fast", 3_000, 0.3, 0, 0.005},
		{"slow", 60_000, 0.05, 0, 0.005},
		{"bundled and stalling", 20_000, 0.1, 0.2, 0.01},
	} {
		r := rand.New(rand.NewPCG(3, 4))
		bytes, tokens := 0, 0
		for range 64 {
			made := stream(r, 256, c.itlUs, c.jitter, c.bundled, c.stalled)
			blob, _, err := packChunks(made)
			if err != nil {
				t.Fatal(err)
			}
			bytes += len(blob)
			for _, n := range made.tokens {
				tokens += n
			}
		}
		per := float64(bytes) / float64(tokens)
		t.Logf("%s: %.2f bytes a token", c.name, per)
		if per > 2.5 {
			t.Errorf("%s: %.2f bytes a token", c.name, per)
		}
	}
}

// TestVersion1Chunks reads a blob as the first version wrote it: times 1500, 2500, 3600 of two
// chunks of text and one of reasoning.
func TestVersion1Chunks(t *testing.T) {
	blob := []byte{chunksV1, 3, 0xb8, 0x17, 0xe7, 0x07, 0xc8, 0x01, 1, 2, 2, 1}
	got, err := unpackChunks(blob, checksum(blob))
	want := chunks{us: []int64{1500, 2500, 3600}, kinds: []domain.ChunkKind{1, 1, 2}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzUnpackChunks gives damaged blobs a right sum, so that the reader itself is tested.
func FuzzUnpackChunks(f *testing.F) {
	for _, c := range []chunks{{us: []int64{1, 2, 3}, kinds: make([]domain.ChunkKind, 3)}, {us: []int64{1 << 40}, tokens: []int{7}}} {
		blob, _, err := packChunks(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(blob)
	}
	f.Add([]byte{chunksV1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{chunksV1, 3, 0xb8, 0x17, 0xe7, 0x07, 0xc8, 0x01, 1, 2, 2, 1})
	f.Fuzz(func(t *testing.T, blob []byte) {
		c, err := unpackChunks(blob, checksum(blob))
		if err != nil {
			return
		}
		n := len(c.us)
		if n > len(blob) || len(c.kinds) != 0 && len(c.kinds) != n || len(c.tokens) != 0 && len(c.tokens) != n {
			t.Fatalf("%d times, %d kinds and %d token counts from %d bytes", n, len(c.kinds), len(c.tokens), len(blob))
		}
		again, crc, err := packChunks(c)
		if err != nil {
			t.Fatal(err)
		}
		c2, err := unpackChunks(again, crc)
		if err != nil || n > 0 && (!slices.Equal(c.us, c2.us) || !slices.Equal(c.kinds, c2.kinds) || !slices.Equal(c.tokens, c2.tokens)) {
			t.Fatalf("%v became %v, %v", c, c2, err)
		}
	})
}
