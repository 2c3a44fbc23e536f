package column

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// sameBits compares floats bit by bit, so that NaN, -0 and the like count.
func sameBits(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			return false
		}
	}
	return true
}

func floatsRoundTrip(t *testing.T, what string, values []float64, there []bool) (size int) {
	t.Helper()
	b := AppendFloats(nil, values, there)
	got, have, err := new(Scratch).Floats(b, nil)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	want := append([]float64{}, values...)
	all := true
	for i := range there {
		if !there[i] {
			want[i], all = 0, false
		}
	}
	if !sameBits(got, want) {
		t.Errorf("%s: %v came back as %v", what, want, got)
	}
	if all != (have == nil) || !all && !reflect.DeepEqual(have, there) {
		t.Errorf("%s: rows with a value %v came back as %v", what, there, have)
	}
	return len(b)
}

func generated(n int, f func(i int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// TestFloats holds what sensors give to its size, and everything to its bits.
func TestFloats(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		what string
		f    func(i int) float64
		most float64 // bytes a value
	}{
		{"constant", func(int) float64 { return 512.25 }, .03},
		{"whole percent", func(int) float64 { return float64(r.IntN(100)) }, 1},
		{"tenths of a degree that rise", func(i int) float64 { return float64(400+i/7+r.IntN(3)) / 10 }, .5},
		{"pages of memory in GB", func(i int) float64 { return float64(4096*(3_000_000+i+r.IntN(8))) / 1e9 }, 1},
		{"mW by the inverse", func(int) float64 { return float64(60_000+r.IntN(250)) * (1 / 1e3) }, 1.3},
		{"shares of twenty ticks", func(int) float64 { return 100 * float64(r.IntN(20)) / 21 }, 1},
		{"anything", func(int) float64 { return r.NormFloat64() }, 9},
		{"any bits", func(int) float64 { return math.Float64frombits(r.Uint64()) }, 9.8},
		{"edges", func(i int) float64 {
			return []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, exact, exact + 2, -exact}[i%10]
		}, 9},
	} {
		for _, n := range []int{0, 1, 2, 63, 64, 65, 600, 6000} {
			size := floatsRoundTrip(t, fmt.Sprint(c.what, " ", n), generated(n, c.f), nil)
			if n == 600 && float64(size) > 600*c.most {
				t.Errorf("%s: %.2f bytes a value, want at most %.2f", c.what, float64(size)/600, c.most)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	values := generated(600, func(i int) float64 { return float64(i) })
	for what, there := range map[string]func(i int) bool{
		"none": func(int) bool { return false }, "all": func(int) bool { return true },
		"the first": func(i int) bool { return i == 0 }, "the last": func(i int) bool { return i == 599 },
		"from the middle": func(i int) bool { return i > 300 }, "some": func(int) bool { return r.IntN(3) > 0 },
	} {
		mask := make([]bool, len(values))
		for i := range mask {
			mask[i] = there(i)
		}
		floatsRoundTrip(t, what, values, mask)
		words, index := []string{"a", "", "bc"}, make([]int32, len(values))
		for i := range index {
			if index[i] = -1; mask[i] {
				index[i] = int32(i % 3)
			}
		}
		textsRoundTrip(t, words, index)
	}
}

func TestInts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for what, f := range map[string]func(i int) int64{
		"ticks":       func(i int) int64 { return int64(i)*100_000 + r.Int64N(300) },
		"constant":    func(int) int64 { return -5 },
		"far apart":   func(i int) int64 { return []int64{math.MinInt64, math.MaxInt64, 0, -1}[i%4] },
		"any":         func(int) int64 { return int64(r.Uint64()) },
		"of one unit": func(int) int64 { return 7 + 1000*r.Int64N(50) },
		"half range":  func(i int) int64 { return math.MinInt64 / 2 * int64(1-i%3) },
	} {
		for _, n := range []int{0, 1, 2, 3, 64, 65, 129, 600} {
			want := make([]int64, n)
			for i := range want {
				want[i] = f(i)
			}
			b := AppendInts(nil, want)
			got, err := Ints(b, nil)
			if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("%s %d: %v came back as %v, %v", what, n, want, got, err)
			}
			if what == "of one unit" && n == 600 && len(b) > 520 {
				t.Errorf("%d bytes for 600 of fifty values", len(b))
			}
			if what == "ticks" && n == 600 && len(b) > 2*600 {
				t.Errorf("%d bytes for 600 ticks", len(b))
			}
		}
	}
}

func textsRoundTrip(t *testing.T, words []string, index []int32) (size int) {
	t.Helper()
	b, err := AppendTexts(nil, words, index)
	if err != nil {
		t.Fatal(err)
	}
	got, which, err := Texts(b)
	if err != nil || len(which) != len(index) {
		t.Fatalf("%q %v came back as %q %v, %v", words, index, got, which, err)
	}
	for i, n := range index {
		if (n < 0) != (which[i] < 0) || n >= 0 && words[n] != got[which[i]] {
			t.Fatalf("%q %v came back as %q %v", words, index, got, which)
		}
	}
	return len(b)
}

func TestTexts(t *testing.T) {
	textsRoundTrip(t, nil, nil)
	textsRoundTrip(t, nil, []int32{-1, -1})
	textsRoundTrip(t, []string{""}, []int32{0})
	textsRoundTrip(t, []string{"x", ""}, []int32{0, 1, 1})
	if n := textsRoundTrip(t, []string{"measure", "drain"}, make([]int32, 600)); n > 40 {
		t.Errorf("%d bytes for the same phase in every row", n)
	}
	words, index := make([]string, 100), make([]int32, 100)
	for i := range words {
		words[i], index[i] = strings.Repeat(fmt.Sprintf(`{"source":"10.0.0.%d"}`, i), 20), int32(i)
	}
	if n := textsRoundTrip(t, words, index); n > 3000 {
		t.Errorf("%d bytes for a text that repeats itself", n)
	}
}

// TestDamaged cuts a column short everywhere and appends to it: neither is taken.
func TestDamaged(t *testing.T) {
	texts, err := AppendTexts(nil, []string{"a", "b"}, []int32{0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	whole := map[string][]byte{
		"ints":       AppendInts(nil, []int64{1, 5, 9, 14}),
		"decimals":   AppendFloats(nil, generated(100, func(i int) float64 { return float64(i*i) / 10 }), nil),
		"dictionary": AppendFloats(nil, generated(100, func(i int) float64 { return 1 / float64(3+i%3) }), nil),
		"changes":    AppendFloats(nil, generated(100, func(int) float64 { return r.Float64() }), nil),
		"texts":      texts,
	}
	for what, b := range whole {
		if !decodes(what, b) {
			t.Fatalf("%s: the whole one is refused", what)
		}
		for n := range b {
			if decodes(what, b[:n]) {
				t.Errorf("%s: %d of %d bytes are taken", what, n, len(b))
			}
		}
		if decodes(what, append(append([]byte{}, b...), 0)) {
			t.Errorf("%s: a byte more is taken", what)
		}
	}
	bomb := binary.AppendUvarint([]byte{version}, MaxRows+1)
	if decodes("decimals", append(bomb, 0, asDecimals, 0, 0, 0, 0)) {
		t.Error("more rows than a column may have are taken")
	}
}

func decodes(what string, b []byte) bool {
	var err error
	switch what {
	case "ints":
		_, err = Ints(b, nil)
	case "texts":
		_, _, err = Texts(b)
	default:
		_, _, err = new(Scratch).Floats(b, nil)
	}
	return err == nil
}

// FuzzDamaged unpacks any bytes as each kind; what is taken must come back the same when packed anew.
func FuzzDamaged(f *testing.F) {
	f.Add(AppendInts(nil, []int64{1, 2, 4}))
	f.Add(AppendFloats(nil, []float64{1.5, 2, 1.0 / 3}, []bool{true, false, true}))
	f.Add(AppendFloats(nil, generated(70, func(i int) float64 { return 1 / float64(3+i%3) }), nil))
	f.Add([]byte{version, 0xff, 0xff, 3, 0, asDictionary, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	if b, err := AppendTexts(nil, []string{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"}, []int32{0, 1, -1, 0}); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ints, err := Ints(b, nil); err == nil {
			if again, err := Ints(AppendInts(nil, ints), nil); err != nil || len(ints) > 0 && !reflect.DeepEqual(again, ints) {
				t.Errorf("ints %v came back as %v, %v", ints, again, err)
			}
		}
		if floats, there, err := new(Scratch).Floats(b, nil); err == nil && len(floats) <= 1000 {
			floatsRoundTrip(t, "floats", floats, there)
		}
		if words, index, err := Texts(b); err == nil {
			textsRoundTrip(t, words, index)
		}
	})
}

// FuzzFloats packs any floats, some of them missing.
func FuzzFloats(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), uint64(5))
	f.Add(make([]byte, 800), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, missing uint64) {
		var values []float64
		var there []bool
		var ints []int64
		for ; len(b) >= 8 && len(values) < 1000; b = b[8:] {
			there = append(there, missing>>(len(values)%64)&1 == 0)
			bits := binary.LittleEndian.Uint64(b)
			values, ints = append(values, math.Float64frombits(bits)), append(ints, int64(bits))
		}
		floatsRoundTrip(t, "floats", values, there)
		if again, err := Ints(AppendInts(nil, ints), nil); err != nil || len(ints) > 0 && !reflect.DeepEqual(again, ints) {
			t.Errorf("ints %v came back as %v, %v", ints, again, err)
		}
	})
}

func BenchmarkFloats(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 5))
	for what, f := range map[string]func(i int) float64{
		"decimals":   func(int) float64 { return float64(r.IntN(1000)) / 10 },
		"dictionary": func(int) float64 { return 100 * float64(r.IntN(20)) / 21 },
		"changes":    func(int) float64 { return r.NormFloat64() },
	} {
		packed := AppendFloats(nil, generated(600, f), nil)
		var scratch Scratch
		into := make([]float64, 600)
		b.Run(what, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := scratch.Floats(packed, into); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/600, "ns/value")
			b.ReportMetric(float64(len(packed))/600, "B/value")
		})
	}
}
