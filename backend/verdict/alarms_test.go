package verdict

import (
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestAlarms(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(*bed)
		code      string
		state     string
		value     float64
		saysInRun string // of the warning
	}{
		"within the peak":          {func(*bed) {}, "impossible", "ok", 80, ""},
		"within the error":         {func(b *bed) { b.fig().DecodeTokensPerSecond = new(28.0) }, "impossible", "caution", 112, "measure the bandwidth again"},
		"beyond the error":         {func(b *bed) { b.fig().DecodeTokensPerSecond = new(32.0) }, "impossible", "invalid", 128, "miscounted"},
		"small enough for a cache": {func(b *bed) { b.fig().DecodeTokensPerSecond = new(32.0); b.env().Bandwidth.Bytes = 4e9 }, "impossible", "unknown", 128, ""},
		"just too large for one":   {func(b *bed) { b.fig().DecodeTokensPerSecond = new(32.0); b.env().Bandwidth.Bytes = 4e9 - 8 }, "impossible", "invalid", 128, "128 %"},
		"a GPU's peak is none to pass": {func(b *bed) { b.onGPU(); b.fig().DecodeTokensPerSecond = new(106.0) },
			"impossible", "invalid", 106, "106 %"},
		"batched":      {func(b *bed) { b.fig().DeliveredConcurrency = new(4.0); b.fig().DecodeTokensPerSecond = new(99.0) }, "impossible", "unknown", 0, ""},
		"draft model":  {func(b *bed) { b.fig().Draft = &domain.DraftSummary{}; b.fig().DecodeTokensPerSecond = new(99.0) }, "impossible", "unknown", 0, ""},
		"no bandwidth": {func(b *bed) { b.env().Bandwidth = nil; b.fig().DecodeTokensPerSecond = new(99.0) }, "impossible", "unknown", 0, ""},

		"all layers on the GPU": {(*bed).onGPU, "offload_partial", "ok", 31, ""},
		"some": {func(b *bed) { b.onGPU(); b.env().Engine.GPULayers = new(10) },
			"offload_partial", "caution", 10, "Only 10 of 31 layers are on the GPU; the others run on the processor. Estimated from the bandwidths of both memories, a token takes about 3.0 times"},
		"none, silently": {func(b *bed) { b.onGPU(); b.env().Engine.GPUUsed = new(false) },
			"offload_partial", "caution", 0, "about 4.0 times"},
		"not told":          {func(b *bed) { b.onGPU(); b.env().Engine.GPULayers = nil }, "offload_partial", "unknown", 0, ""},
		"no GPU":            {func(*bed) {}, "offload_partial", "unknown", 0, ""},
		"not asked for":     {func(b *bed) { b.onGPU(); b.r.Plan.UseGPU = false }, "offload_partial", "ok", 0, ""},
		"no cost to reckon": {func(b *bed) { b.onGPU(); b.env().Engine.GPULayers = new(10); b.env().Bandwidth = nil }, "offload_partial", "caution", 10, "run on the processor."},
	} {
		t.Run(name, func(t *testing.T) {
			b := good()
			c.change(b)
			for _, a := range Alarms(b.r) {
				if a.Check.Code != c.code {
					continue
				}
				if a.Check.State != c.state || or(a.Check.Value, 0) < c.value-.01 || or(a.Check.Value, 0) > c.value+.01 || a.Check.Detail == "" {
					t.Errorf("%+v, value %v", a.Check, or(a.Check.Value, 0))
				}
				if warned := a.Warning != nil; warned != (c.state == "caution" || c.state == "invalid") {
					t.Errorf("warning %+v", a.Warning)
				}
				if a.Warning != nil && !strings.Contains(a.Warning.Message, c.saysInRun) {
					t.Errorf("warning %q", a.Warning.Message)
				}
				return
			}
			t.Fatal("no such check")
		})
	}
}

func TestAlarmsNeedAnEngineOfThisMachine(t *testing.T) {
	b := good()
	b.r.Plan.EndpointID = new("e")
	if got := Alarms(b.r); got != nil {
		t.Errorf("%+v", got)
	}
	b = good()
	b.fig().Requests.OK = 0
	if got := Alarms(b.r); got != nil {
		t.Errorf("%+v", got)
	}
}
