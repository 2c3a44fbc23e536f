//go:build !windows && (!linux || !cgo)

package telemetry

import "github.com/inferometer/inferometer/backend/domain"

// systemDrivers is empty of NVIDIA's library where the binding cannot be built; the files of the
// others are read wherever they exist.
func systemDrivers(string) []gpuDriver { return append([]gpuDriver{noNVML{}}, sysfsDrivers()...) }

// noNVML says why NVIDIA GPUs are not read.
type noNVML struct{}

func (noNVML) name() string { return "nvml" }

func (noNVML) open() ([]domain.GPUInfo, string) {
	return nil, "GPUs cannot be read in this build: NVIDIA telemetry is built for Linux and Windows only."
}

func (noNVML) read() gpuReading { return gpuReading{} }

func (noNVML) slow(int) gpuSlow { return gpuSlow{} }

func (noNVML) close() {}
