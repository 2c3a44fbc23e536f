package stats

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// Limits of the conditions that a machine must keep for its figures to be believed.
const (
	limitBusyPct      = 10.0 // of the machine, by others, before the run
	limitPressurePct  = 10.0 // of the time some task waited for a core, before the run
	limitStealPct     = 1.0  // of the machine, by the hypervisor
	limitReasonPct    = 1.0  // of the readings with a limit in force
	limitClockDropPct = 10.0 // of the first ten seconds' clock
	limitFaultsPerS   = 1.0  // pages that the engine fetched from disk
	limitSwapInMBPS   = 0.1
	limitMemoryPct    = 1.0 // of the time some task waited for memory
	limitSharedPct    = 5.0 // of a card's memory, held by others
	limitThrottledPct = 0.1 // of the time, by a quota
	clockWindowUs     = 10_000_000
)

// condition is a check of the machine with the warning that goes with it, if any.
type condition struct {
	domain.Check
	level, warning string
}

// sight is one thing a condition looks at. Its warning takes the value and the limit.
type sight struct {
	value                 *float64
	limit                 float64
	unit, detail, warning string
}

// weigh makes a condition of what was seen: the first that is over its limit, else the first that is
// known. A sensor that is missing is unknown, never caution.
func weigh(code, unknown string, sights ...sight) condition {
	c := condition{Check: domain.Check{Code: code, State: stateUnknown, Detail: unknown}}
	for _, s := range sights {
		over := s.value != nil && *s.value > s.limit
		if s.value == nil || c.State == stateOK && !over {
			continue
		}
		c.Check = domain.Check{Code: code, State: stateOK, Value: s.value, Limit: ptr(s.limit), Unit: s.unit, Detail: s.detail}
		if over {
			c.State, c.level, c.warning = stateCaution, levelCaution, fmt.Sprintf(s.warning, *s.value, s.limit)
			return c
		}
	}
	return c
}

// Before looks at a machine at rest, from readings taken while nothing was asked of an engine: what
// would spoil a run that begins now.
func Before(in Input) []domain.Check {
	var out []domain.Check
	for _, c := range []condition{busyBefore(in.Samples), swapping(in.Samples), gpuShared(in, in.Samples), hot(in, in.Samples),
		battery(in, in.Samples), powersave(in), quota(in.Samples)} {
		if c.warning != "" {
			c.Detail = c.warning
		}
		out = append(out, c.Check)
	}
	return out
}

// conditions looks at the machine before and during the run.
func conditions(in Input, during []domain.Sample, d drift) []condition {
	return []condition{busyBefore(resting(in.Samples)), thermal(in, during), powerCap(in, during), swapping(during), gpuShared(in, during),
		battery(in, during), powersave(in), quota(during), d.condition()}
}

// resting are the readings from before the run and while it settled. The first one of settling
// covers the loading before it.
func resting(samples []domain.Sample) []domain.Sample {
	var out []domain.Sample
	settling := false
	for _, s := range samples {
		if s.TUs < 0 || settling && s.Phase == domain.PhaseSettle {
			out = append(out, s)
		}
		settling = settling || s.Phase == domain.PhaseSettle
	}
	return out
}

func busyBefore(rest []domain.Sample) condition {
	others := mean(collect(rest, func(s domain.Sample) *float64 {
		if s.CPUPercent == nil || len(s.CPUCores) == 0 {
			return s.CPUPercent
		}
		return ptr(max(0, *s.CPUPercent-(value(s.EngineCPUPercent)+*s.SelfCPUPercent)/float64(len(s.CPUCores))))
	}))
	return weigh("busy_before", "The processor was not read at rest before the run.",
		sight{others, limitBusyPct, "%", "Processor use by other programs at rest, share of the machine.",
			"Other programs used %.0f %% of the processor before the run (limit %.0f %%): close them."},
		sight{mean(collect(rest, func(s domain.Sample) *float64 { return s.CPUPressurePercent })), limitPressurePct, "%",
			"Share of the time in which some program waited for a processor core before the run.",
			"Some program waited for a processor core in %.0f %% of the time before the run (limit %.0f %%): close other programs."})
}

// limitedPct is the share of readings in which a GPU in use named one of the reasons; nil when none
// could be read.
func limitedPct(in Input, samples []domain.Sample, reasons ...string) *float64 {
	known, limited := 0, 0
	for _, s := range samples {
		read, met := false, false
		for _, g := range s.GPUs {
			if g.LimitReasons == nil || !inUse(in, g.Index) {
				continue
			}
			read = true
			met = met || slices.ContainsFunc(g.LimitReasons, func(r string) bool { return slices.Contains(reasons, r) })
		}
		if read {
			known++
		}
		if met {
			limited++
		}
	}
	if known == 0 {
		return nil
	}
	return ptr(100 * float64(limited) / float64(known))
}

// inUse reports whether the run may use the GPU.
func inUse(in Input, index int) bool {
	used := in.Engine.GPUUsed
	return (used == nil || *used) && (in.Plan.GPU == nil || *in.Plan.GPU == index)
}

// thermal looks for a GPU that holds its clock down for heat or by its hardware, and for a processor
// that slows down under the same load.
func thermal(in Input, during []domain.Sample) condition {
	return weigh("thermal", "Neither the GPU's limits nor the processor's clock can be read over the run.",
		heat(in, during),
		sight{clockDrop(in, during), limitClockDropPct, "%", "How far the processor's clock fell from the first to the last ten seconds.",
			"The processor's clock fell by %.0f %% from the first to the last ten seconds (limit %.0f %%), most likely for heat."})
}

// hot looks for a GPU that is too hot already.
func hot(in Input, now []domain.Sample) condition {
	return weigh("thermal", "The GPU's limits cannot be read.", heat(in, now))
}

func heat(in Input, samples []domain.Sample) sight {
	return sight{limitedPct(in, samples, "hw_slowdown", "sw_thermal", "hw_thermal", "power_brake"), limitReasonPct, "%",
		"Readings in which the GPU held its clock down for heat.",
		"The GPU held its clock down for heat in %.0f %% of the readings (limit %.0f %%): let it cool down."}
}

// clockDrop compares the mean clock of the first and the last ten seconds, in percent; nil for a run
// that is too short, that a GPU did, or whose load fell.
func clockDrop(in Input, samples []domain.Sample) *float64 {
	if n := len(samples); n == 0 || samples[n-1].TUs-samples[0].TUs < 2*clockWindowUs || in.Engine.GPUUsed != nil && *in.Engine.GPUUsed {
		return nil
	}
	from, to := samples[0].TUs+clockWindowUs, samples[len(samples)-1].TUs-clockWindowUs
	var first, last []domain.Sample
	for _, s := range samples {
		if s.TUs <= from {
			first = append(first, s)
		}
		if s.TUs >= to {
			last = append(last, s)
		}
	}
	clock := func(s domain.Sample) *float64 { return s.CPUClockMHz }
	load := func(s domain.Sample) *float64 { return s.CPUPercent }
	a, b := mean(collect(first, clock)), mean(collect(last, clock))
	if a == nil || b == nil || *a <= 0 || value(mean(collect(last, load))) < .9*value(mean(collect(first, load))) {
		return nil
	}
	return ptr(100 * (1 - *b / *a))
}

// powerCap is told but not held against a run: a card at its power limit does what it is built for.
func powerCap(in Input, during []domain.Sample) condition {
	c := weigh("power_cap", "The GPU's limits cannot be read.", sight{limitedPct(in, during, "power_cap"), limitReasonPct, "%",
		"Readings in which the GPU was at its power limit.",
		"The GPU was at its power limit in %.0f %% of the readings (told above %.0f %%)."})
	if c.State == stateCaution {
		c.State, c.level = stateOK, levelInfo
	}
	return c
}

func swapping(samples []domain.Sample) condition {
	of := func(get func(domain.Sample) *float64) *float64 { return mean(collect(samples, get)) }
	return weigh("swapping", "Neither page faults nor swap can be read.",
		sight{of(func(s domain.Sample) *float64 { return s.EngineMajorFaults }), limitFaultsPerS, "/s",
			"Pages that the engine had to fetch from disk.",
			"The engine fetched %.1f pages a second from disk (limit %.0f): the model does not stay in memory."},
		sight{of(func(s domain.Sample) *float64 { return s.SwapInMBPS }), limitSwapInMBPS, "MB/s", "Memory read back from swap.",
			"The machine was swapping: %.1f MB/s came back from swap (limit %.1f MB/s)."},
		sight{of(func(s domain.Sample) *float64 { return s.MemPressurePercent }), limitMemoryPct, "%",
			"Share of the time in which some program waited for memory.",
			"Some program waited for memory in %.0f %% of the time (limit %.0f %%)."})
}

// gpuShared looks at the GPU in use of which others hold or use most.
func gpuShared(in Input, samples []domain.Sample) condition {
	var most, used *float64
	for _, g := range in.GPUs {
		if g.VRAMTotalGB == nil || *g.VRAMTotalGB <= 0 || !inUse(in, g.Index) {
			continue
		}
		of := func(get func(domain.GPUSample) *float64) *float64 {
			return mean(collect(samples, func(s domain.Sample) *float64 {
				if i := slices.IndexFunc(s.GPUs, func(x domain.GPUSample) bool { return x.Index == g.Index }); i >= 0 {
					return get(s.GPUs[i])
				}
				return nil
			}))
		}
		held := of(func(x domain.GPUSample) *float64 { return x.OtherVRAMGB })
		if share := of(func(x domain.GPUSample) *float64 { return x.OtherUtilPct }); share != nil && (used == nil || *share > *used) {
			used = share
		}
		if held != nil && (most == nil || 100**held / *g.VRAMTotalGB > *most) {
			most = ptr(100 * *held / *g.VRAMTotalGB)
		}
	}
	return weigh("gpu_shared", "Who holds the GPU's memory cannot be read.",
		sight{most, limitSharedPct, "%", "GPU memory held by other programs.",
			"Other programs held %.0f %% of the GPU's memory (limit %.0f %%): close them."},
		sight{used, limitSharedPct, "%", "GPU use by other programs.",
			"Other programs used the GPU for %.0f %% of the time (limit %.0f %%): close them."})
}

func battery(in Input, samples []domain.Sample) condition {
	c := condition{Check: domain.Check{Code: "battery", State: stateOK, Detail: "The machine is on mains power."}}
	switch {
	case in.Facts["power_source"] == "battery" || slices.ContainsFunc(samples, func(s domain.Sample) bool { return s.BatteryPowerW != nil }):
		c.State, c.level, c.Detail = stateCaution, levelCaution, "The machine runs on battery."
		c.warning = "The machine runs on battery, which may slow it down: plug it in."
	case in.Facts["power_source"] == "":
		c.State, c.Detail = stateUnknown, "The system tells no source of power."
	}
	return c
}

// powersave looks at the clock's governor. The drivers with a preference of their own use the name
// powersave for their normal mode; with them the preference counts.
func powersave(in Input) condition {
	governor, preference, driver := in.Facts["cpu_governor"], in.Facts["cpu_epp"], in.Facts["cpu_frequency_driver"]
	c := condition{Check: domain.Check{Code: "powersave", State: stateOK, Detail: "The processor's clock may rise freely."}}
	switch {
	case governor == "" && preference == "":
		c.State, c.Detail = stateUnknown, "The system does not tell how the processor's clock is governed."
	case preference == "power" || governor == "powersave" && preference == "" && !strings.Contains(driver, "pstate"):
		c.State, c.level, c.Detail = stateCaution, levelCaution, "The processor's clock is held down to save power."
		c.warning = "The processor's clock is held down to save power: choose the power plan for performance."
	}
	return c
}

func quota(samples []domain.Sample) condition {
	return weigh("quota", "Whether a quota holds the processor back cannot be read.",
		sight{mean(collect(samples, func(s domain.Sample) *float64 { return s.ThrottledPercent })), limitThrottledPct, "%",
			"Share of the time in which a quota of the control group held the program back.",
			"A quota of the control group held the program back in %.1f %% of the time (limit %.1f %%)."})
}
