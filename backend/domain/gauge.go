package domain

// Gauge numbers the readings of a Sample beyond the use of CPU, memory and GPUs. Storage keeps them
// by this number, so a new one goes to the end and none is ever taken out.
type Gauge int

// The gauges; Gauges is how many there are.
const (
	GaugeSteal Gauge = iota
	GaugeIOWait
	GaugeCPUPressure
	GaugeMemPressure
	GaugeIOPressure
	GaugeThrottled
	GaugeSwapIn
	GaugeSwapOut
	GaugeDiskRead
	GaugeDiskWrite
	GaugeNetRx
	GaugeNetTx
	GaugeMajorFaults
	GaugeCPUClock
	GaugeCPUTemp
	GaugeCPUEnergy
	GaugeBattery
	Gauges
)

// Gauges returns the field of each gauge.
func (s *Sample) Gauges() [Gauges]**float64 {
	return [Gauges]**float64{
		GaugeSteal: &s.StealPercent, GaugeIOWait: &s.IOWaitPercent,
		GaugeCPUPressure: &s.CPUPressurePercent, GaugeMemPressure: &s.MemPressurePercent,
		GaugeIOPressure: &s.IOPressurePercent, GaugeThrottled: &s.ThrottledPercent,
		GaugeSwapIn: &s.SwapInMBPS, GaugeSwapOut: &s.SwapOutMBPS,
		GaugeDiskRead: &s.DiskReadMBPS, GaugeDiskWrite: &s.DiskWriteMBPS,
		GaugeNetRx: &s.NetRxMBPS, GaugeNetTx: &s.NetTxMBPS, GaugeMajorFaults: &s.EngineMajorFaults,
		GaugeCPUClock: &s.CPUClockMHz, GaugeCPUTemp: &s.CPUTempC,
		GaugeCPUEnergy: &s.CPUEnergyJ, GaugeBattery: &s.BatteryPowerW,
	}
}

// GPUGauges is how many readings a GPUSample holds, and GPUGaugeEnergy the number of its counter.
const (
	GPUGauges      = 16
	GPUGaugeEnergy = 9
)

// Gauges returns the fields of the readings. Storage keeps them by their place, so a new one goes to the
// end and none is ever taken out.
func (g *GPUSample) Gauges() [GPUGauges]**float64 {
	return [GPUGauges]**float64{
		&g.UtilPct, &g.MemUtilPct, &g.VRAMUsedGB, &g.PowerW, &g.TempC, &g.ClockMHz,
		&g.MemClockMHz, &g.FanPct, &g.PowerNowW, GPUGaugeEnergy: &g.EnergyJ,
		10: &g.PCIeRxMBPS, 11: &g.PCIeTxMBPS, 12: &g.EngineVRAMGB, 13: &g.OtherVRAMGB, 14: &g.EngineUtilPct,
		15: &g.OtherUtilPct,
	}
}
