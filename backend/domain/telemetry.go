package domain

import "time"

// Sample is one reading of all sensors at one tick. Nil is a sensor that is missing or failed; the
// reason stands in Sensors of the machine. GB is 10^9 bytes.
type Sample struct {
	Timestamp        time.Time   `json:"timestamp"`
	TUs              int64       `json:"-"`    // from the start of the run; 0 outside
	TMs              float64     `json:"t_ms"` // the same in ms
	Phase            Phase       `json:"phase"`
	CPUPercent       *float64    `json:"cpu_usage_percent"` // whole machine, 0 to 100
	CPUCores         []float64   `json:"cpu_cores_percent"` // each 0 to 100
	RAMUsedGB        *float64    `json:"ram_usage_gb"`      // of the machine
	SwapUsedGB       *float64    `json:"swap_usage_gb"`
	EngineCPUPercent *float64    `json:"engine_cpu_percent"` // 100 = one core
	EngineRSSGB      *float64    `json:"engine_rss_gb"`
	SelfCPUPercent   *float64    `json:"self_cpu_percent"`  // Inferometer itself; 100 = one core
	GPUPercent       *float64    `json:"gpu_usage_percent"` // mean over the GPUs in use
	VRAMUsedGB       *float64    `json:"vram_usage_gb"`     // sum over the GPUs in use
	PowerW           *float64    `json:"power_w"`           // sum over the GPUs in use
	GPUTempC         *float64    `json:"gpu_temp_c"`        // hottest
	GPUs             []GPUSample `json:"gpus"`
	// Rates are over the time since the reading before, or the window that the sensor names; percentages
	// are of that time.
	StealPercent       *float64 `json:"steal_percent"`           // of the machine: taken by the hypervisor
	IOWaitPercent      *float64 `json:"iowait_percent"`          // of the machine
	CPUPressurePercent *float64 `json:"cpu_pressure_percent"`    // some task waited for a core (PSI)
	MemPressurePercent *float64 `json:"memory_pressure_percent"` // some task waited for memory (PSI)
	IOPressurePercent  *float64 `json:"io_pressure_percent"`     // some task waited for a disk (PSI)
	ThrottledPercent   *float64 `json:"cpu_throttled_percent"`   // held back by a cgroup quota
	SwapInMBPS         *float64 `json:"swap_in_mb_per_s"`        // MB is 10^6 bytes
	SwapOutMBPS        *float64 `json:"swap_out_mb_per_s"`
	DiskReadMBPS       *float64 `json:"disk_read_mb_per_s"` // whole disks, without partitions
	DiskWriteMBPS      *float64 `json:"disk_write_mb_per_s"`
	NetRxMBPS          *float64 `json:"net_receive_mb_per_s"` // without loopback
	NetTxMBPS          *float64 `json:"net_send_mb_per_s"`
	EngineMajorFaults  *float64 `json:"engine_major_faults_per_s"` // pages the engine had to fetch from disk
	CPUClockMHz        *float64 `json:"cpu_clock_mhz"`             // mean over the cores
	CPUTempC           *float64 `json:"cpu_temp_c"`                // package
	CPUEnergyJ         *float64 `json:"cpu_energy_j"`              // package counter since the sampler began, wraps taken out
	BatteryPowerW      *float64 `json:"battery_power_w"`           // whole system, while on battery
	LateMs             float64  `json:"late_ms"`                   // how late this tick was taken
	// Remote are the answers of other machines' metrics addresses that came since the reading before;
	// nil when none did.
	Remote []RemoteSample `json:"remote"`
}

// HottestC is the highest temperature of the GPUs in use and the processor package; nil when none is known.
func (s *Sample) HottestC() *float64 {
	if s.GPUTempC == nil || s.CPUTempC != nil && *s.CPUTempC > *s.GPUTempC {
		return s.CPUTempC
	}
	return s.GPUTempC
}

// RemoteSample is one answer of an address that shows metrics of another machine. A reading that the
// address does not give is nil; after a failure all are, and Error says why.
type RemoteSample struct {
	Source     string      `json:"source"` // host and port
	Timestamp  time.Time   `json:"timestamp"`
	AgeMs      float64     `json:"age_ms"` // from the answer to the reading that carries it
	Error      string      `json:"error"`
	CPUPercent *float64    `json:"cpu_usage_percent"` // of the machine, over the time since the answer before
	RAMUsedGB  *float64    `json:"ram_usage_gb"`
	RAMTotalGB *float64    `json:"ram_total_gb"`
	GPUs       []GPUSample `json:"gpus"`
	// Of the inference server; several engines of one server are added up.
	RequestsRunning       *float64 `json:"requests_running"`
	RequestsWaiting       *float64 `json:"requests_waiting"`
	KVCachePercent        *float64 `json:"kv_cache_percent"` // of the fullest engine
	OutputTokensPerSecond *float64 `json:"output_tokens_per_second"`
	PromptTokensPerSecond *float64 `json:"prompt_tokens_per_second"`
}

// GPUSample is one reading of one GPU.
type GPUSample struct {
	Index      int      `json:"index"`
	UtilPct    *float64 `json:"gpu_usage_percent"`
	MemUtilPct *float64 `json:"memory_bus_percent"`
	VRAMUsedGB *float64 `json:"vram_usage_gb"`
	PowerW     *float64 `json:"power_w"`
	TempC      *float64 `json:"temp_c"`
	ClockMHz   *float64 `json:"clock_mhz"`

	MemClockMHz   *float64 `json:"memory_clock_mhz"`
	FanPct        *float64 `json:"fan_percent"`
	PowerNowW     *float64 `json:"power_instant_w"`       // at the instant; PowerW may be an average of a second
	EnergyJ       *float64 `json:"energy_j"`              // counter since the sampler began
	PCIeRxMBPS    *float64 `json:"pcie_receive_mb_per_s"` // read slowly, apart from the tick
	PCIeTxMBPS    *float64 `json:"pcie_send_mb_per_s"`
	EngineUtilPct *float64 `json:"engine_gpu_percent"` // use by the engine's process, of its busiest kind of units
	EngineVRAMGB  *float64 `json:"engine_vram_gb"`     // held by the engine's process
	OtherVRAMGB   *float64 `json:"other_vram_gb"`      // held by other processes
	OtherUtilPct  *float64 `json:"other_gpu_percent"`  // use by other processes
	// LimitReasons says what holds the clock down: idle, power_cap, hw_slowdown, sw_thermal,
	// hw_thermal, power_brake, sync_boost, app_clocks, display, board_limit, reliability; nil when it
	// cannot be read.
	LimitReasons []string `json:"limit_reasons"`
}

// HardwareMetrics are means over the measured window with the peak beside them.
type HardwareMetrics struct {
	CPUPercent *float64          `json:"cpu_usage_percent"`
	RAMUsedGB  *float64          `json:"ram_usage_gb"`
	GPUPercent *float64          `json:"gpu_usage_percent"`
	VRAMUsedGB *float64          `json:"vram_usage_gb"`
	PowerW     *float64          `json:"power_w"`
	Peak       HardwarePeak      `json:"peak"`
	Devices    []DeviceMetrics   `json:"devices"`
	Reasons    map[string]string `json:"reasons"` // why a null is null, by key
	Samples    int               `json:"samples"` // readings in the window
	Remote     []RemoteMetrics   `json:"remote"`  // of other machines, by their metrics addresses
}

// RemoteMetrics are means over the measured window of what one metrics address told. GPUs of one
// machine: utilisation is their mean, memory and power are added up.
type RemoteMetrics struct {
	Source                string          `json:"source"`
	Answers               int             `json:"answers"`
	Failures              int             `json:"failures"`
	Error                 string          `json:"error"` // of the last failure; empty without one
	CPUPercent            *float64        `json:"cpu_usage_percent"`
	RAMUsedGB             *float64        `json:"ram_usage_gb"`
	GPUPercent            *float64        `json:"gpu_usage_percent"`
	VRAMUsedGB            *float64        `json:"vram_usage_gb"`
	PowerW                *float64        `json:"power_w"`
	RequestsRunning       *float64        `json:"requests_running"`
	RequestsWaiting       *float64        `json:"requests_waiting"`
	KVCachePercent        *float64        `json:"kv_cache_percent"`
	OutputTokensPerSecond *float64        `json:"output_tokens_per_second"`
	PromptTokensPerSecond *float64        `json:"prompt_tokens_per_second"`
	Devices               []DeviceMetrics `json:"devices"`
}

// HardwarePeak holds the largest reading of the measured window.
type HardwarePeak struct {
	CPUPercent *float64 `json:"cpu_usage_percent"`
	RAMUsedGB  *float64 `json:"ram_usage_gb"`
	GPUPercent *float64 `json:"gpu_usage_percent"`
	VRAMUsedGB *float64 `json:"vram_usage_gb"`
	PowerW     *float64 `json:"power_w"`
}

// DeviceMetrics are the means of one GPU over the measured window.
type DeviceMetrics struct {
	Index      int      `json:"index"`
	Name       string   `json:"name"`
	GPUPercent *float64 `json:"gpu_usage_percent"`
	VRAMUsedGB *float64 `json:"vram_usage_gb"`
	PowerW     *float64 `json:"power_w"`
	TempC      *float64 `json:"temp_c"`
}

// SensorInfo describes one sensor: what it reads, its unit, or why it is missing.
type SensorInfo struct {
	Key       string `json:"key"` // JSON name of the Sample field
	Name      string `json:"name"`
	Unit      string `json:"unit"`
	Source    string `json:"source"` // procfs, gopsutil, nvml, …
	Available bool   `json:"available"`
	Reason    string `json:"reason"` // empty when available
	// WindowMs is the trailing time that one reading tells of; nil where the source does not say.
	WindowMs *float64 `json:"window_ms"`
	Remedy   string   `json:"remedy"` // a command or a step that makes it available; empty without one
}

// GPUInfo describes one GPU.
type GPUInfo struct {
	Index       int      `json:"index"`
	Name        string   `json:"name"`
	UUID        string   `json:"uuid"`
	VRAMTotalGB *float64 `json:"vram_total_gb"`
	PowerLimitW *float64 `json:"power_limit_w"`
	Driver      string   `json:"driver"`
	CUDA        string   `json:"cuda_version"` // the newest that the driver supports; empty when it does not say
	ComputeCap  string   `json:"compute_capability"`
	PCIeGen     *int     `json:"pcie_gen"` // the fastest link that GPU and machine agree on
	PCIeWidth   *int     `json:"pcie_width"`

	VBIOS          string   `json:"vbios"`
	ECC            *bool    `json:"ecc"`         // error correction of the memory is on
	MIG            *bool    `json:"mig"`         // the GPU is divided into instances
	Persistence    *bool    `json:"persistence"` // the driver stays loaded between programs
	MemBusBits     *int     `json:"memory_bus_bits"`
	MaxClockMHz    *float64 `json:"max_clock_mhz"`
	MaxMemClockMHz *float64 `json:"max_memory_clock_mhz"`
	MemPeakGBPerS  *float64 `json:"memory_peak_gb_per_s"` // theoretical; see TheoreticalPeak
}

// System describes this machine, its sensors and the program; GET /api/v1/system.
type System struct {
	Hostname   string    `json:"hostname"`
	OS         string    `json:"os"` // e.g. "Debian GNU/Linux 12"
	Kernel     string    `json:"kernel"`
	Arch       string    `json:"arch"`
	CPUModel   string    `json:"cpu_model"`
	CPUCores   int       `json:"cpu_cores"`   // physical
	CPUThreads int       `json:"cpu_threads"` // logical
	RAMTotalGB float64   `json:"ram_total_gb"`
	Virtual    string    `json:"virtualization"` // empty on bare metal
	GPUs       []GPUInfo `json:"gpus"`
	GPUReason  string    `json:"gpu_reason"` // why there is none
	// Facts are what moves this machine's speed now: cpu_governor, cpu_boost, power_source, …; a key
	// that the system does not tell is missing.
	Facts     map[string]string `json:"facts"`
	Sensors   []SensorInfo      `json:"sensors"`
	Telemetry Telemetry         `json:"telemetry"`
	Bandwidth *Bandwidth        `json:"memory_bandwidth"` // null until it was measured
	App       AppInfo           `json:"app"`
}

// Telemetry says how the sampler does.
type Telemetry struct {
	RateHz     float64  `json:"rate_hz"`
	Ticks      int64    `json:"ticks"`
	Missed     int64    `json:"missed"`
	SelfCPUPct *float64 `json:"self_cpu_percent"`
	LateP99Ms  *float64 `json:"late_p99_ms"`
}

// AppInfo says which program answers and where its data lies.
type AppInfo struct {
	Version       string `json:"version"`
	Commit        string `json:"commit"`
	DataDir       string `json:"data_dir"`
	DatabaseBytes int64  `json:"database_bytes"`
	Address       string `json:"address"`      // REST base URL; empty when off
	AddressNote   string `json:"address_note"` // e.g. "Port 8000 is taken; now on 8001."
	Debug         bool   `json:"debug"`
	Window        bool   `json:"window"` // this process shows the window
	// Database says how well the database is.
	Database DatabaseState `json:"database"`
}

// Environment is captured once per run and stored with it.
type Environment struct {
	EnvID      string     `json:"env_id"` // hash of what identifies machine and engine below, and of the facts that move the speed
	AppVersion string     `json:"app_version"`
	OS         string     `json:"os"`
	Kernel     string     `json:"kernel"`
	Arch       string     `json:"arch"`
	CPUModel   string     `json:"cpu_model"`
	CPUThreads int        `json:"cpu_threads"`
	RAMTotalGB float64    `json:"ram_total_gb"`
	Virtual    string     `json:"virtualization"`
	GPUs       []GPUInfo  `json:"gpus"`
	Engine     EngineInfo `json:"engine"`
	RateHz     float64    `json:"telemetry_rate_hz"`
	LoadBefore *float64   `json:"load1_before"`
	Model      *GGUFInfo  `json:"model"`            // of a local model
	Bandwidth  *Bandwidth `json:"memory_bandwidth"` // as known when the run began; null when it had not been measured
	// Extra holds the facts of System as they were, and cpu_temp_c, cpu_clock_mhz and gpu_temp_c with
	// _before and _after; a key that is not known is missing.
	Extra map[string]string `json:"extra"`
}

// SampleFilter narrows the samples of a run.
type SampleFilter struct {
	FromUs, ToUs int64    // times of the run, both included
	EveryUs      int64    // the least time that two samples stand for; 0: any
	Phase        Phase    // empty: all
	Series       []string // JSON keys of Sample; nil: all
	Means        bool     // of each stretch its mean, not its lowest and highest values
}
