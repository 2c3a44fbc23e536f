//go:build linux && cgo

package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// stubEnv names the library that this test binary, started anew, shall read. The binding keeps what
// it has once loaded, so each library needs a process of its own.
const stubEnv = "INFEROMETER_TEST_NVML"

func TestMain(m *testing.M) {
	if path := os.Getenv(stubEnv); path != "" {
		os.Exit(reportStub(path))
	}
	os.Exit(m.Run())
}

// stubReport is what the started process tells.
type stubReport struct {
	System  domain.System
	Sample  domain.Sample
	First   []domain.GPUSample // the first GPU in each sample
	Samples int
	Missed  int64
}

// reportStub samples the library for a moment, as the program does, and prints what it saw. With
// gpu_usage gone or the GPU known to hang, that is noticed after a second at most.
func reportStub(path string) int {
	s := New(Options{NVMLPath: path, RateHz: 50})
	s.gpu.drivers[0].(*nvmlDriver).hostPIDs = func() bool { return os.Getenv("STUB_CONTAINER") == "" }
	if os.Getenv("STUB_NO_ENGINE") == "" {
		s.SetEnginePID(os.Getppid())
	}
	ctx, cancel := context.WithTimeout(context.Background(), stubTime())
	defer cancel()
	report := stubReport{}
	s.Begin(time.Now(), func(x domain.Sample) {
		report.Samples++
		if len(x.GPUs) > 0 {
			report.First = append(report.First, x.GPUs[0])
		}
	})
	if err := s.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	report.Sample, _ = s.Latest()
	report.System, report.Missed = s.System(), s.Stats().Missed
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return 1
	}
	return 0
}

func stubTime() time.Duration {
	switch {
	case os.Getenv("STUB_HANG_AFTER") != "":
		return 2 * time.Second
	case os.Getenv("STUB_CURVE") != "":
		return time.Second
	}
	return 400 * time.Millisecond
}

// buildStub compiles the stub without the named functions.
func buildStub(t *testing.T, without ...string) string {
	t.Helper()
	lib := filepath.Join(t.TempDir(), nvmlName)
	args := []string{"-shared", "-fPIC", "-o", lib, filepath.Join("testdata", "nvmlstub.c")}
	for _, f := range without {
		args = append(args, "-DNO_"+f)
	}
	if out, err := exec.CommandContext(t.Context(), "cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("the C compiler that this project needs failed: %v\n%s", err, out)
	}
	return lib
}

// runStub starts this binary on the library; it must live.
func runStub(t *testing.T, lib string, env ...string) stubReport {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0]) //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), append(env, stubEnv+"="+lib, "GORACE=atexit_sleep_ms=0")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the program died: %v\n%s", err, stderr.String())
	}
	var r stubReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("report %q: %v", out, err)
	}
	return r
}

// reason returns why a sensor is missing; empty when it is there.
func (r stubReport) reason(key string) string {
	for _, s := range r.System.Sensors {
		if s.Key == key {
			return s.Reason
		}
	}
	return "not listed"
}

func TestNVML(t *testing.T) {
	r := runStub(t, buildStub(t), "STUB_GPUS=2", "STUB_FOREIGN=9")
	if r.System.GPUReason != "" || len(r.System.GPUs) != 2 {
		t.Fatalf("GPUs %+v, reason %q", r.System.GPUs, r.System.GPUReason)
	}
	g := r.System.GPUs[1]
	if g.Index != 1 || g.Name != "Scripted GPU" || g.UUID != "GPU-0001" || g.Driver != "580.65.06" || g.ComputeCap != "9.0" ||
		*g.VRAMTotalGB != 80 || *g.PowerLimitW != 350 || *g.PCIeGen != 5 || *g.PCIeWidth != 16 {
		t.Errorf("facts %+v", g)
	}
	if g.VBIOS != "96.00.89.00.01" || !*g.ECC || *g.MIG || !*g.Persistence || *g.MemBusBits != 5120 || *g.MaxMemClockMHz != 2619 ||
		g.CUDA != "13.0" || *g.MaxClockMHz != 1980 {
		t.Errorf("facts %+v", g)
	}
	s := r.Sample
	if *s.GPUPercent != 70 || *s.VRAMUsedGB != 40 || *s.PowerW != 420 || *s.GPUTempC != 56 {
		t.Errorf("use %v, memory %v, power %v, temperature %v", *s.GPUPercent, *s.VRAMUsedGB, *s.PowerW, *s.GPUTempC)
	}
	x := s.GPUs[1]
	if *x.UtilPct != 80 || *x.MemUtilPct != 30 || *x.ClockMHz != 1755 || *x.MemClockMHz != 2619 || *x.FanPct != 42 {
		t.Errorf("second GPU %+v", x)
	}
	if *x.PowerW != 210 || *x.PowerNowW != 250 || *x.PCIeRxMBPS != 1500 || *x.PCIeTxMBPS != 250 || *x.EnergyJ != 0 {
		t.Errorf("second GPU: power %v and %v W, PCIe %v and %v MB/s, %v J", *x.PowerW, *x.PowerNowW, *x.PCIeRxMBPS, *x.PCIeTxMBPS, *x.EnergyJ)
	}
	if *x.EngineUtilPct != 70 || *x.OtherUtilPct != 9 {
		t.Errorf("use by the engine %v, by others %v", *x.EngineUtilPct, *x.OtherUtilPct)
	}
	// The engine and what it started hold 8 GB; one of them stands in both lists.
	if !near(*x.EngineVRAMGB, 8) || !near(*x.OtherVRAMGB, 3) {
		t.Errorf("memory of the engine %v, of others %v", *x.EngineVRAMGB, *x.OtherVRAMGB)
	}
	if want := []string{"power_cap", "sw_thermal"}; !slices.Equal(x.LimitReasons, want) {
		t.Errorf("limits %v, want %v", x.LimitReasons, want)
	}
	for _, f := range gpuFigures() {
		if why := r.reason(f.key); why != "" {
			t.Errorf("%s: reason %q", f.key, why)
		}
	}
}

// A driver that lacks a function costs that figure alone, never the program.
func TestNVMLMissingSymbols(t *testing.T) {
	all := map[string][]string{ // function -> the sensors that go with it
		"nvmlDeviceGetUtilizationRates": {keyGPU, keyMemBus}, "nvmlDeviceGetTemperature": {keyTemp},
		"nvmlDeviceGetMemoryInfo": {}, "nvmlDeviceGetMemoryInfo_v2": {}, // either will do
		"nvmlDeviceGetPowerUsage": {}, "nvmlDeviceGetFieldValues": {keyPowerNow},
		"nvmlDeviceGetClockInfo": {keyClock, keyMemClock}, "nvmlDeviceGetTotalEnergyConsumption": {keyEnergy},
		"nvmlDeviceGetCurrentClocksEventReasons": {}, "nvmlDeviceGetCurrentClocksThrottleReasons": {},
		"nvmlDeviceGetFanSpeed": {keyFan}, "nvmlDeviceGetPcieThroughput": {keyPCIeRx, keyPCIeTx},
		"nvmlDeviceGetComputeRunningProcesses_v3": {}, "nvmlDeviceGetGraphicsRunningProcesses_v3": {},
		"nvmlDeviceGetComputeRunningProcesses": {}, "nvmlDeviceGetGraphicsRunningProcesses": {},
		"nvmlDeviceGetName": {}, "nvmlDeviceGetUUID": {}, "nvmlDeviceGetVbiosVersion": {},
		"nvmlDeviceGetCudaComputeCapability": {}, "nvmlDeviceGetEnforcedPowerLimit": {},
		"nvmlDeviceGetMaxPcieLinkGeneration": {}, "nvmlDeviceGetMaxPcieLinkWidth": {},
		"nvmlDeviceGetEccMode": {}, "nvmlDeviceGetMigMode": {}, "nvmlDeviceGetPersistenceMode": {},
		"nvmlDeviceGetMemoryBusWidth": {}, "nvmlDeviceGetMaxClockInfo": {},
		"nvmlSystemGetDriverVersion": {}, "nvmlShutdown": {},
		"nvmlDeviceGetProcessUtilization": {keyEngineGPU, keyOtherGPU},
	}
	for function, keys := range all {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			r := runStub(t, buildStub(t, function))
			if len(r.System.GPUs) != 1 {
				t.Fatalf("the GPU is gone: %q", r.System.GPUReason)
			}
			for _, f := range gpuFigures() {
				gone := r.reason(f.key) != ""
				if gone != slices.Contains(keys, f.key) {
					t.Errorf("%s: reason %q", f.key, r.reason(f.key))
				}
				if f.there(&r.Sample.GPUs[0]) != (r.reason(f.key) == "") {
					t.Errorf("%s: reason %q, but the sample is %+v", f.key, r.reason(f.key), r.Sample.GPUs[0])
				}
			}
		})
	}
	t.Run("all optional ones", func(t *testing.T) {
		var names []string
		for function := range all {
			names = append(names, function)
		}
		r := runStub(t, buildStub(t, names...))
		if len(r.System.GPUs) != 1 || r.Sample.GPUPercent != nil || r.Sample.VRAMUsedGB != nil || r.Sample.PowerW != nil {
			t.Errorf("GPUs %+v, sample %+v", r.System.GPUs, r.Sample)
		}
		for _, f := range gpuFigures() {
			if !strings.Contains(r.reason(f.key), "too old") {
				t.Errorf("%s: reason %q", f.key, r.reason(f.key))
			}
		}
	})
	for _, function := range []string{"nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			r := runStub(t, buildStub(t, function))
			if len(r.System.GPUs) != 0 || !strings.Contains(r.System.GPUReason, "too old") || r.Samples == 0 {
				t.Errorf("reason %q, %d samples", r.System.GPUReason, r.Samples)
			}
		})
	}
}

func TestNVMLFallbacks(t *testing.T) {
	first := func(t *testing.T, without ...string) domain.GPUSample {
		t.Helper()
		return runStub(t, buildStub(t, without...)).Sample.GPUs[0]
	}
	if g := first(t, "nvmlDeviceGetFieldValues"); *g.PowerW != 200 || g.PowerNowW != nil {
		t.Errorf("power %v, want the mean one alone", *g.PowerW)
	}
	t.Setenv("STUB_NO_MEAN", "1")
	if g := first(t); *g.PowerW != 200 || *g.PowerNowW != 250 {
		t.Errorf("power %v and %v, want the older call's and that of the instant", *g.PowerW, *g.PowerNowW)
	}
	if g := first(t, "nvmlDeviceGetPowerUsage"); *g.PowerW != 250 || *g.PowerNowW != 250 {
		t.Errorf("power %v and %v, want that of the instant", *g.PowerW, *g.PowerNowW)
	}
	if g := first(t, "nvmlDeviceGetMemoryInfo_v2"); *g.VRAMUsedGB != 21 {
		t.Errorf("memory %v, want the older call's", *g.VRAMUsedGB)
	}
	if g := first(t, "nvmlDeviceGetCurrentClocksEventReasons"); !slices.Equal(g.LimitReasons, []string{"hw_slowdown"}) {
		t.Errorf("limits %v, want the older call's", g.LimitReasons)
	}
	g := first(t, "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v3")
	if !near(*g.EngineVRAMGB, 8) || !near(*g.OtherVRAMGB, 3) {
		t.Errorf("memory of the engine %v, of others %v, by the older call", *g.EngineVRAMGB, *g.OtherVRAMGB)
	}
}

// The stub plays a curve whose steps fall between the readings: the counter of energy holds its whole
// integral, which readings of power would miss.
func TestNVMLCurve(t *testing.T) {
	const curve = "0,5,1000,40000,40,345,1\n130,99,30000,390000,55,1980,0\n570,97,30000,301000,71,1200,4\n" +
		"1010,98,31000,290000,83,900,96\n1350,0,1000,0,60,345,1\n"
	const joules = 40*0.130 + 390*0.440 + 301*0.440 + 290*0.340
	file := filepath.Join(t.TempDir(), "curve.csv")
	if err := os.WriteFile(file, []byte(curve), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runStub(t, buildStub(t), "STUB_CURVE="+file)
	rows := map[float64]domain.GPUSample{}
	for line := range strings.Lines(curve) {
		var at, util, mb, mW, temp, clock float64
		var mask uint64
		if _, err := fmt.Sscanf(line, "%g,%g,%g,%g,%g,%g,%d\n", &at, &util, &mb, &mW, &temp, &clock, &mask); err != nil {
			t.Fatal(err)
		}
		gigabytes, watts := mb/1000, mW/1000
		rows[util] = domain.GPUSample{
			VRAMUsedGB: &gigabytes, PowerW: &watts, TempC: &temp, ClockMHz: &clock, LimitReasons: (&limitWords{}).of(mask),
		}
	}
	before := 0.0
	for _, g := range r.First {
		if g.UtilPct == nil {
			continue // the driver is still being opened, or one reading came late
		}
		want := rows[*g.UtilPct]
		if !near(*g.VRAMUsedGB, *want.VRAMUsedGB) || !near(*g.PowerW, *want.PowerW) || *g.TempC != *want.TempC ||
			*g.ClockMHz != *want.ClockMHz || !slices.Equal(g.LimitReasons, want.LimitReasons) {
			t.Errorf("at %v %%: got %v GB, %v W, %v °C, %v MHz, %v", *g.UtilPct, *g.VRAMUsedGB, *g.PowerW, *g.TempC, *g.ClockMHz, g.LimitReasons)
		}
		if *g.EnergyJ < before {
			t.Errorf("energy falls from %v to %v J", before, *g.EnergyJ)
		}
		before = *g.EnergyJ
	}
	if before < joules*0.999 || before > joules*1.001 {
		t.Errorf("%v J, want %v", before, joules)
	}
}

func TestNVMLFailures(t *testing.T) {
	lib := buildStub(t)
	tests := []struct {
		name, env, reason string // reason why there is no GPU, or why its use is not known
		noGPU             bool
	}{
		{"kernel module not loaded", "STUB_INIT=9", "kernel module is not loaded", true},
		{"updated driver", "STUB_INIT=18", "restart the machine", true},
		{"a code of the future", "STUB_INIT=777", "code 777", true},
		{"no GPU", "STUB_GPUS=0", "found no GPU", true},
		{"lost from the start", "STUB_LOST_AFTER=0", "was lost", false},
		{"lost in mid-run", "STUB_LOST_AFTER=5", "was lost", false},
		{"hangs in mid-run", "STUB_HANG_AFTER=5", gpuSilent, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := runStub(t, lib, tt.env)
			why := r.System.GPUReason
			if !tt.noGPU {
				why = r.reason(keyGPU)
			}
			if !strings.Contains(why, tt.reason) || (len(r.System.GPUs) == 0) != tt.noGPU {
				t.Errorf("reason %q with %d GPUs, want %q", why, len(r.System.GPUs), tt.reason)
			}
			if s := r.Sample; s.GPUPercent != nil || s.VRAMUsedGB != nil || s.PowerW != nil || s.GPUTempC != nil {
				t.Errorf("figures out of nothing: %+v", s)
			}
			for _, g := range r.First {
				if g.EnergyJ != nil && (*g.EnergyJ < 0 || *g.EnergyJ > 1000) {
					t.Errorf("%v J", *g.EnergyJ)
				}
			}
			if r.Samples < 5 || r.Sample.RAMUsedGB == nil {
				t.Errorf("the other sensors stopped: %d samples", r.Samples)
			}
		})
	}
	t.Run("power alone is not supported", func(t *testing.T) {
		r := runStub(t, lib, "STUB_NO_POWER=1")
		if r.Sample.PowerW != nil || r.Sample.GPUPercent == nil || !strings.Contains(r.reason(keyPower), "does not tell") {
			t.Errorf("power %v, reason %q", r.Sample.PowerW, r.reason(keyPower))
		}
	})
	missing := []struct{ name, env, key, reason string }{
		{"energy alone is not supported", "STUB_NO_ENERGY=1", keyEnergy, "does not tell"},
		{"memory of processes is not known", "STUB_OLD_PROCESSES=1", keyEngineVRAM, "single processes"},
		{"inside a container", "STUB_CONTAINER=1", keyOtherVRAM, "Inside a container"},
		{"no engine", "STUB_NO_ENGINE=1", keyOtherVRAM, noEngine},
		{"PCIe hangs", "STUB_PCIE_HANGS=1", keyPCIeRx, notYet},
	}
	for _, tt := range missing {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := runStub(t, lib, tt.env)
			if r.Sample.GPUPercent == nil || !strings.Contains(r.reason(tt.key), tt.reason) {
				t.Errorf("use %v, reason %q, want %q", r.Sample.GPUPercent, r.reason(tt.key), tt.reason)
			}
		})
	}
	t.Run("no library", func(t *testing.T) {
		r := runStub(t, filepath.Join(t.TempDir(), nvmlName))
		if !strings.Contains(r.System.GPUReason, "No NVIDIA driver found") {
			t.Errorf("reason %q", r.System.GPUReason)
		}
	})
	t.Run("no library at all", func(t *testing.T) {
		lib := filepath.Join(t.TempDir(), nvmlName)
		if err := os.WriteFile(lib, []byte("not a library"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := runStub(t, lib); !strings.Contains(r.System.GPUReason, "cannot be loaded") {
			t.Errorf("reason %q", r.System.GPUReason)
		}
	})
}
