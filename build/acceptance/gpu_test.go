//go:build acceptance

package acceptance

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// The scripted GPU: the library that stands in for NVIDIA's plays 100 and 300 W in turn, 300 ms each.
const (
	curveSteps  = 200
	curveStepMs = 300
	lowW, highW = 100.0, 300.0
)

// curveJ is the energy of the curve from its start to a moment, in J.
func curveJ(ms float64) float64 {
	pair := 2.0 * curveStepMs
	whole := math.Floor(ms / pair)
	rest := ms - whole*pair
	return (whole*pair*(lowW+highW)/2 + min(rest, curveStepMs)*lowW + max(0, rest-curveStepMs)*highW) / 1000
}

// gpu compiles the library without the named functions, writes the curve and returns the environment of
// a program that finds both, with the moment at which the curve begins.
func gpu(t *testing.T, without ...string) (env []string, origin time.Time) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-shared", "-fPIC", "-o", filepath.Join(dir, "libnvidia-ml.so.1"), filepath.Join("..", "..", "backend", "telemetry", "testdata", "nvmlstub.c")}
	for _, f := range without {
		args = append(args, "-DNO_"+f)
	}
	if out, err := exec.CommandContext(t.Context(), "cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("the C compiler that this project needs failed: %v\n%s", err, out)
	}
	var curve strings.Builder
	for i := range curveSteps {
		watts := lowW
		if i%2 == 1 {
			watts = highW
		}
		fmt.Fprintf(&curve, "%d,%d,%d,%.0f,%d,%d,0\n", i*curveStepMs, 80, 20000, watts*1000, 60, 1700)
	}
	path := filepath.Join(dir, "curve.csv")
	must(t, os.WriteFile(path, []byte(curve.String()), 0o600))
	origin = time.Now().Truncate(time.Millisecond)
	return []string{"LD_LIBRARY_PATH=" + dir, "STUB_CURVE=" + path, fmt.Sprintf("STUB_ORIGIN=%d", origin.UnixMilli())}, origin
}

// busy is a run against the endpoint that takes so many seconds.
func (r *remote) busy(s *server, seconds int) domain.Run {
	s.t.Helper()
	return s.finish(fmt.Sprintf(`{%s,"prompt":"a","max_tokens":8,"load":{"kind":"rate","rate_per_s":20},"stop":{"duration_s":%d},"warmup":0}`, r.add(s), seconds))
}

// gpuEnergy is what the run tells of the boards, with what the curve really used in the same window.
func gpuEnergy(t *testing.T, s *server, r domain.Run, origin time.Time) (told domain.EnergyScope, wantJ float64) {
	t.Helper()
	from, to := int64(math.MaxInt64), int64(0)
	for _, q := range s.requests(r.ID) {
		if q.Phase == domain.PhaseMeasure {
			from, to = min(from, *q.DueUs), max(to, q.SentUs+*q.LastUs)
		}
	}
	at := func(us int64) float64 {
		return r.StartedAt.Sub(origin).Seconds()*1e3 + float64(us)/1e3
	}
	for _, e := range r.Summary.Energy.Scopes {
		if e.Scope == domain.ScopeGPUBoard {
			return e, curveJ(at(to)) - curveJ(at(from))
		}
	}
	t.Fatalf("no GPU in %+v", r.Summary.Energy)
	return told, 0
}

// TestEnergyOfAScriptedGPU holds the energy of a run, by the counter and by power alone, against the exact
// integral of the power that the scripted GPU played meanwhile.
func TestEnergyOfAScriptedGPU(t *testing.T) {
	for name, c := range map[string]struct {
		env     string
		method  string
		percent float64
	}{
		"counter":  {"STUB_NO_ENERGY=0", domain.EnergyByCounter, 0.1},
		"integral": {"STUB_NO_ENERGY=1", domain.EnergyByIntegral, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, origin := gpu(t)
			s, far := newPlace(t).serve(append(env, c.env)...), newRemote(t)
			r := far.busy(s, 7)
			e, want := gpuEnergy(t, s, r, origin)
			if e.Method != c.method || e.GrossJ == nil {
				t.Fatalf("energy %+v", e)
			}
			off := 100 * (*e.GrossJ/want - 1)
			t.Logf("%.2f J told, %.2f J used, %+.3f %%", *e.GrossJ, want, off)
			if math.Abs(off) > c.percent {
				t.Errorf("energy is off by %.3f %%, at most %.1f", off, c.percent)
			}
			m := r.HardwareMetrics
			if m.GPUPercent == nil || math.Abs(*m.GPUPercent-80) > .5 || math.Abs(*m.PowerW-200) > 10 || *m.VRAMUsedGB != 20 || len(m.Devices) != 1 {
				t.Errorf("hardware %+v", m)
			}
		})
	}
}

// TestGPULostInMidRun takes the GPU away while a run measures: the run goes on to its end, what follows is
// null with the reason, and there is no energy.
func TestGPULostInMidRun(t *testing.T) {
	t.Parallel()
	env, _ := gpu(t)
	s, far := newPlace(t).serve(append(env, "STUB_LOST_AFTER=60")...), newRemote(t)
	r := far.busy(s, 9)
	samples := decode[[]domain.Sample](s.get(jobPath(r.ID, "metrics")).want(http.StatusOK))
	var before, after int
	for _, x := range samples {
		switch {
		case x.GPUPercent != nil && after == 0:
			before++
		case x.GPUPercent == nil && x.PowerW == nil && x.VRAMUsedGB == nil:
			after++
		default:
			t.Fatalf("after the loss a reading says %+v", x)
		}
	}
	if before < 10 || after < 10 {
		t.Errorf("%d readings with the GPU, %d without", before, after)
	}
	lost := false
	for _, x := range decode[domain.System](s.get(api + "/system").want(http.StatusOK)).Sensors {
		lost = lost || x.Key == "power_w" && strings.Contains(x.Reason, "lost")
	}
	if !lost {
		t.Error("no sensor says that the GPU is lost")
	}
	for _, e := range r.Summary.Energy.Scopes {
		if e.Scope == domain.ScopeGPUBoard && (e.GrossJ != nil || e.Reason == "") {
			t.Errorf("energy of a GPU that was lost: %+v", e)
		}
	}
	if r.Summary.Requests.OK == 0 || r.Summary.Requests.Error != 0 {
		t.Errorf("requests %+v", r.Summary.Requests)
	}
}

// TestProgramLivesWithEveryDriver starts the finished program without a driver, with one that does not
// start, and with ones that lack a function: it serves, and says why a figure is missing.
func TestProgramLivesWithEveryDriver(t *testing.T) {
	for name, c := range map[string]struct {
		without []string
		env     string
		none    bool
		reason  string
		key     string // a sensor that must be missing
	}{
		"no driver":           {none: true, reason: "No NVIDIA driver found"},
		"driver not loaded":   {env: "STUB_INIT=9", reason: "kernel module is not loaded"},
		"no list of GPUs":     {without: []string{"nvmlDeviceGetCount_v2"}, reason: "too old"},
		"no power":            {without: []string{"nvmlDeviceGetPowerUsage", "nvmlDeviceGetFieldValues"}, key: "power_w"},
		"no temperature":      {without: []string{"nvmlDeviceGetTemperature"}, key: "gpu_temp_c"},
		"no memory functions": {without: []string{"nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2"}, key: "vram_usage_gb"},
		"hardly any function": {without: strings.Fields(optional), key: "power_w"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, _ := gpu(t, c.without...)
			env = append(env, c.env)
			if c.none {
				env = nil
			}
			s := newPlace(t).serve(env...)
			var x domain.System
			until(t, "the GPU is told of", func() bool {
				x = decode[domain.System](s.get(api + "/system").want(http.StatusOK))
				return x.GPUReason != "" || len(x.GPUs) > 0
			})
			if c.reason != "" && (!strings.Contains(x.GPUReason, c.reason) || len(x.GPUs) > 0) {
				t.Errorf("reason %q, GPUs %+v", x.GPUReason, x.GPUs)
			}
			if c.key != "" && len(x.GPUs) != 1 {
				t.Errorf("GPUs %+v, reason %q", x.GPUs, x.GPUReason)
			}
			until(t, "the sensor says why it is missing", func() bool {
				if c.key == "" {
					return true
				}
				for _, y := range decode[domain.System](s.get(api + "/system").want(http.StatusOK)).Sensors {
					if y.Key == c.key {
						return y.Reason != ""
					}
				}
				return false
			})
		})
	}
}

// optional are the functions that an old driver may lack.
const optional = `nvmlShutdown nvmlSystemGetDriverVersion nvmlDeviceGetName nvmlDeviceGetUUID nvmlDeviceGetVbiosVersion
	nvmlDeviceGetCudaComputeCapability nvmlDeviceGetEnforcedPowerLimit nvmlDeviceGetMaxPcieLinkGeneration
	nvmlDeviceGetMaxPcieLinkWidth nvmlDeviceGetEccMode nvmlDeviceGetMigMode nvmlDeviceGetPersistenceMode
	nvmlDeviceGetMemoryBusWidth nvmlDeviceGetMaxClockInfo nvmlDeviceGetMemoryInfo nvmlDeviceGetMemoryInfo_v2
	nvmlDeviceGetPowerUsage nvmlDeviceGetFieldValues nvmlDeviceGetTotalEnergyConsumption nvmlDeviceGetTemperature
	nvmlDeviceGetClockInfo nvmlDeviceGetCurrentClocksEventReasons nvmlDeviceGetCurrentClocksThrottleReasons
	nvmlDeviceGetFanSpeed nvmlDeviceGetPcieThroughput nvmlDeviceGetComputeRunningProcesses_v3
	nvmlDeviceGetGraphicsRunningProcesses_v3 nvmlDeviceGetComputeRunningProcesses nvmlDeviceGetGraphicsRunningProcesses`
