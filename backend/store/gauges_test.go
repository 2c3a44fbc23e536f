package store

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// The bytes are what old files hold: a gauge that changes its number would be read as another.
func TestGaugesOnDisk(t *testing.T) {
	none := domain.Sample{CPUPressurePercent: new(math.NaN()), CPUEnergyJ: new(math.Inf(1))}
	for _, s := range []domain.Sample{{}, {GPUs: []domain.GPUSample{}}, none} {
		if v, err := (gaugesCol{&s}).Value(); v != nil || err != nil {
			t.Errorf("nothing is kept as %v, %v", v, err)
		}
	}
	s := domain.Sample{
		StealPercent: new(0.1), IOWaitPercent: new(0.0), CPUClockMHz: new(4321.5), CPUEnergyJ: new(8640000.000123),
		GPUs: []domain.GPUSample{
			{Index: 0, UtilPct: new(99.0), EnergyJ: new(0.5), OtherVRAMGB: new(0.25), LimitReasons: []string{"idle", "x"}},
			{Index: 3, LimitReasons: []string{}}, {Index: 4},
		},
	}
	v, err := gaugesCol{&s}.Value()
	b, ok := v.([]byte)
	// the mask, 0.1, 0, 4321.5, and the energy in eight bytes; then three GPUs
	const want = "03a00000" + "cdcccc3d" + "00000000" + "000c8745" + "f3010100c07a6041" +
		"00" + "01220000" + "0000c642" + "000000000000e03f" + "0000803e" + "03" + "04" + "69646c65" + "01" + "78" +
		"06" + "00000000" + "01" + "08" + "00000000" + "00"
	if err != nil || !ok || hex.EncodeToString(b) != want {
		t.Errorf("kept as %x, %v", b, err)
	}
	var got domain.Sample
	if err := (gaugesCol{&got}).Scan(b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, s) {
		t.Errorf("came back as %+v, want %+v", got, s)
	}
	got.NetRxMBPS = new(1.0) // a sample that is scanned into twice
	if err := (gaugesCol{&got}).Scan(nil); err != nil {
		t.Fatal(err)
	}
	if got.StealPercent != nil || got.NetRxMBPS != nil {
		t.Errorf("old values stay: %+v", got)
	}
}

func FuzzGauges(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 128, 63})
	f.Add([]byte{0, 0, 0, 128})
	f.Add([]byte{1})
	f.Add([]byte{0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 128, 63, 2, 1, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, again domain.Sample // of bytes that may be damaged
		if (gaugesCol{&s}).Scan(b) != nil {
			return
		}
		v, err := gaugesCol{&s}.Value()
		if err != nil {
			t.Fatal(err)
		}
		if err := (gaugesCol{&again}).Scan(v); err != nil {
			t.Errorf("%x is read, but written as %x: %v", b, v, err)
		}
	})
}
