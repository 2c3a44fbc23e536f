package stats

import (
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestRemoteMeans(t *testing.T) {
	gpu := func(i int, util, watts *float64) domain.GPUSample {
		return domain.GPUSample{Index: i, UtilPct: util, PowerW: watts}
	}
	got := remote([]domain.Sample{
		{Remote: []domain.RemoteSample{{Source: "b", CPUPercent: ptr(10), GPUs: []domain.GPUSample{gpu(0, ptr(100), ptr(300)), gpu(1, ptr(50), nil)}}, {Source: "a", KVCachePercent: ptr(5)}}},
		{},
		{Remote: []domain.RemoteSample{{Source: "b", CPUPercent: ptr(30), GPUs: []domain.GPUSample{gpu(0, ptr(80), ptr(100))}}, {Source: "a", Error: "Gone."}}},
	})
	if len(got) != 2 || got[0].Source != "a" || got[1].Source != "b" {
		t.Fatalf("%+v", got)
	}
	if a := got[0]; a.Answers != 2 || a.Failures != 1 || a.Error != "Gone." || *a.KVCachePercent != 5 || a.CPUPercent != nil {
		t.Errorf("%+v", a)
	}
	b := got[1]
	if *b.CPUPercent != 20 || *b.GPUPercent != 70 || b.VRAMUsedGB != nil || b.PowerW != nil {
		t.Errorf("a sum that misses a GPU is none: %+v", b)
	}
	if none := remote([]domain.Sample{{}}); none == nil || len(none) != 0 {
		t.Errorf("%+v", none)
	}
}
