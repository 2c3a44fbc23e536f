package store

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestChunksRoundTrip(t *testing.T) {
	text, reasoning, other := domain.ChunkText, domain.ChunkReasoning, domain.ChunkOther
	cases := []struct {
		us    []int64
		kinds []domain.ChunkKind
	}{
		{nil, nil},
		{[]int64{0}, nil},
		{[]int64{5, 5, 4, -1}, []domain.ChunkKind{text, text, reasoning, other}},
		{[]int64{math.MaxInt64, math.MinInt64, 0}, []domain.ChunkKind{255, 0, 255}},
	}
	for _, c := range cases {
		blob, crc, err := packChunks(c.us, c.kinds)
		if err != nil {
			t.Fatal(err)
		}
		us, kinds, err := unpackChunks(blob, crc)
		if err != nil || !reflect.DeepEqual(us, c.us) || !reflect.DeepEqual(kinds, c.kinds) {
			t.Errorf("%v %v: got %v %v, %v", c.us, c.kinds, us, kinds, err)
		}
	}
	if _, _, err := packChunks([]int64{1, 2}, []domain.ChunkKind{text}); err == nil {
		t.Error("kinds of another length were taken")
	}
}

// TestChunksAreSmall holds the goal of 2.5 bytes a token at 20 % jitter.
func TestChunksAreSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 2000
	us, at := make([]int64, n), 150_000.0
	kinds := make([]domain.ChunkKind, n)
	for i := range us {
		at += 20_000 * (1 + 0.2*r.NormFloat64())
		us[i], kinds[i] = int64(at), domain.ChunkText
	}
	blob, _, err := packChunks(us, kinds)
	if err != nil {
		t.Fatal(err)
	}
	if per := float64(len(blob)) / n; per > 2.5 {
		t.Errorf("%.2f bytes a token", per)
	}
}

// FuzzUnpackChunks gives damaged blobs a right sum, so that the reader itself is tested.
func FuzzUnpackChunks(f *testing.F) {
	for _, us := range [][]int64{{1, 2, 3}, {1 << 40}} {
		blob, _, err := packChunks(us, make([]domain.ChunkKind, len(us)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(blob)
	}
	f.Add([]byte{chunksV1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, blob []byte) {
		us, kinds, err := unpackChunks(blob, checksum(blob))
		if err != nil {
			return
		}
		if len(us) > len(blob) || len(kinds) != 0 && len(kinds) != len(us) {
			t.Fatalf("%d times and %d kinds from %d bytes", len(us), len(kinds), len(blob))
		}
		again, crc, err := packChunks(us, kinds)
		if err != nil {
			t.Fatal(err)
		}
		us2, kinds2, err := unpackChunks(again, crc)
		if err != nil || len(us) > 0 && (!reflect.DeepEqual(us, us2) || len(kinds) > 0 && !reflect.DeepEqual(kinds, kinds2)) {
			t.Fatalf("%v %v became %v %v, %v", us, kinds, us2, kinds2, err)
		}
	})
}
