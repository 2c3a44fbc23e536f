package telemetry

import (
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	// gpuSlowEvery is how often the slow figures are read.
	gpuSlowEvery = time.Second
	// gpuSlowStale is the age after which they are no longer shown.
	gpuSlowStale = 3 * time.Second
)

// gpuSlow is what a driver reads once a second: its calls block for a while or walk lists. It is not
// changed once it has been handed over.
type gpuSlow struct {
	gpus   []gpuSlowFigures
	why    map[string]string
	engine int // the process whose memory was told apart
	at     time.Time
}

// gpuSlowFigures are those of one GPU, in the units of a sample.
type gpuSlowFigures struct {
	fan, pcieRx, pcieTx, engineGPU, otherGPU, engineVRAM, otherVRAM *float64
}

// serveSlow reads the slow figures until quit. Drivers answer both goroutines at once.
func (w *gpuWatch) serveSlow(driver gpuDriver, quit <-chan struct{}) {
	ticker := time.NewTicker(gpuSlowEvery)
	defer ticker.Stop()
	for {
		engine := int(w.engine.Load())
		r := driver.slow(engine)
		r.engine, r.at = engine, time.Now()
		w.mu.Lock()
		w.slow = r
		w.mu.Unlock()
		select {
		case <-quit:
			return
		case <-ticker.C:
		}
	}
}

// show adds the slow figures to those of a sample and keeps them for facts.
func (w *gpuWatch) show(room []domain.GPUSample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.slow.at.IsZero() && time.Since(w.slow.at) < gpuSlowStale {
		told := w.slow.engine == int(w.engine.Load()) // else the memory was divided for another engine
		for i, f := range w.slow.gpus {
			g := &room[i]
			g.FanPct, g.PCIeRxMBPS, g.PCIeTxMBPS = f.fan, f.pcieRx, f.pcieTx
			if told {
				g.EngineUtilPct, g.OtherUtilPct = f.engineGPU, f.otherGPU
				g.EngineVRAMGB, g.OtherVRAMGB = f.engineVRAM, f.otherVRAM
			}
		}
	}
	w.shown = room
}

// slowWhy tells why slow figures are missing; mu is held.
func (w *gpuWatch) slowWhy() map[string]string {
	all := func(reason string) map[string]string {
		return map[string]string{
			keyFan: reason, keyPCIeRx: reason, keyPCIeTx: reason,
			keyEngineGPU: reason, keyOtherGPU: reason, keyEngineVRAM: reason, keyOtherVRAM: reason,
		}
	}
	switch {
	case w.slow.at.IsZero():
		return all(notYet)
	case time.Since(w.slow.at) >= gpuSlowStale:
		return all(gpuSilent)
	case w.slow.engine != int(w.engine.Load()):
		return joined(w.slow.why, map[string]string{
			keyEngineGPU: notYet, keyOtherGPU: notYet, keyEngineVRAM: notYet, keyOtherVRAM: notYet,
		})
	}
	return w.slow.why
}
