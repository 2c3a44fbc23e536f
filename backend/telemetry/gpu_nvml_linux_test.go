//go:build linux && cgo

package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	Samples int
	Missed  int64
}

// reportStub samples the library for a moment, as the program does, and prints what it saw. With
// gpu_usage gone or the GPU known to hang, that is noticed after a second at most.
func reportStub(path string) int {
	s := New(Options{NVMLPath: path, RateHz: 50})
	ctx, cancel := context.WithTimeout(context.Background(), stubTime())
	defer cancel()
	seen := 0
	s.Begin(time.Now(), func(domain.Sample) { seen++ })
	if err := s.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	last, _ := s.Latest()
	report := stubReport{System: s.System(), Sample: last, Samples: seen, Missed: s.Stats().Missed}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return 1
	}
	return 0
}

func stubTime() time.Duration {
	if os.Getenv("STUB_HANG_AFTER") != "" {
		return 2 * time.Second
	}
	return 300 * time.Millisecond
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
	r := runStub(t, buildStub(t), "STUB_GPUS=2")
	if r.System.GPUReason != "" || len(r.System.GPUs) != 2 {
		t.Fatalf("GPUs %+v, reason %q", r.System.GPUs, r.System.GPUReason)
	}
	g := r.System.GPUs[1]
	if g.Index != 1 || g.Name != "Scripted GPU" || g.UUID != "GPU-0001" || g.Driver != "580.65.06" || g.ComputeCap != "9.0" ||
		*g.VRAMTotalGB != 80 || *g.PowerLimitW != 350 || *g.PCIeGen != 5 || *g.PCIeWidth != 16 {
		t.Errorf("facts %+v", g)
	}
	s := r.Sample
	if *s.GPUPercent != 70 || *s.VRAMUsedGB != 40 || *s.PowerW != 500 || *s.GPUTempC != 56 {
		t.Errorf("use %v, memory %v, power %v, temperature %v", *s.GPUPercent, *s.VRAMUsedGB, *s.PowerW, *s.GPUTempC)
	}
	if x := s.GPUs[1]; *x.UtilPct != 80 || *x.MemUtilPct != 30 || *x.ClockMHz != 1755 || *x.PowerW != 250 {
		t.Errorf("second GPU %+v", x)
	}
	if why := r.reason(keyPower); why != "" {
		t.Errorf("reason %q for a sensor that is there", why)
	}
}

// A driver that lacks a function costs that figure alone, never the program.
func TestNVMLMissingSymbols(t *testing.T) {
	all := map[string]string{ // function -> the sensor that goes with it
		"nvmlDeviceGetUtilizationRates": keyGPU, "nvmlDeviceGetTemperature": keyTemp,
		"nvmlDeviceGetMemoryInfo": "", "nvmlDeviceGetMemoryInfo_v2": "", // either will do
		"nvmlDeviceGetPowerUsage": "", "nvmlDeviceGetFieldValues": "",
		"nvmlDeviceGetClockInfo": "", "nvmlDeviceGetName": "", "nvmlDeviceGetUUID": "",
		"nvmlDeviceGetCudaComputeCapability": "", "nvmlDeviceGetEnforcedPowerLimit": "",
		"nvmlDeviceGetMaxPcieLinkGeneration": "", "nvmlDeviceGetMaxPcieLinkWidth": "",
		"nvmlSystemGetDriverVersion": "", "nvmlShutdown": "",
	}
	for function, key := range all {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			r := runStub(t, buildStub(t, function))
			if len(r.System.GPUs) != 1 {
				t.Fatalf("the GPU is gone: %q", r.System.GPUReason)
			}
			for _, k := range []string{keyGPU, keyVRAM, keyPower, keyTemp} {
				if gone := r.reason(k) != ""; gone != (k == key) {
					t.Errorf("%s: reason %q", k, r.reason(k))
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
		if !strings.Contains(r.reason(keyVRAM), "too old") {
			t.Errorf("reason %q", r.reason(keyVRAM))
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
	if r := runStub(t, buildStub(t, "nvmlDeviceGetFieldValues")); *r.Sample.PowerW != 200 {
		t.Errorf("power %v, want the mean one", *r.Sample.PowerW)
	}
	if r := runStub(t, buildStub(t, "nvmlDeviceGetMemoryInfo_v2")); *r.Sample.VRAMUsedGB != 21 {
		t.Errorf("memory %v, want the older call's", *r.Sample.VRAMUsedGB)
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
