package domain

// What an energy meter counts.
const (
	ScopeGPUBoard      = "gpu_board"      // the boards of the GPUs in use
	ScopeCPUPackage    = "cpu_package"    // the processor packages, whatever ran on them
	ScopeSystemBattery = "system_battery" // the whole machine, while on battery
)

// How energy was read.
const (
	EnergyByCounter  = "counter"    // difference of the meter's own counter
	EnergyByIntegral = "integrated" // trapezoid over readings of the power
)

// Energy is what the meters counted over the measured window. Scopes overlap (a battery feeds the
// rest), so they are never added up.
type Energy struct {
	Scopes []EnergyScope `json:"scopes"`
}

// EnergyScope is the energy of one scope. Gross is all that flowed in the window; net is gross minus
// what the machine drew at rest before it. A null has its reason beside it.
type EnergyScope struct {
	Scope   string   `json:"scope"`  // gpu_board, cpu_package, system_battery
	Method  string   `json:"method"` // counter, integrated; empty when there is no figure
	WindowS *float64 `json:"window_s"`
	GrossJ  *float64 `json:"gross_j"`
	NetJ    *float64 `json:"net_j"`
	MeanW   *float64 `json:"mean_w"`
	IdleW   *float64 `json:"idle_w"` // at rest before the window, with the model loaded where the run waited for it
	// NoiseJ is one standard deviation of the power at rest times the window. Net energy below three
	// times of it cannot be told from nothing.
	NoiseJ          *float64 `json:"noise_j"`
	BelowResolution bool     `json:"below_resolution"`
	// UncertaintyPercent is how far the reading's own gaps and averaging can shift gross; the meter's
	// own error comes on top.
	UncertaintyPercent *float64 `json:"uncertainty_percent"`
	JPerToken          *float64 `json:"j_per_token"` // gross ÷ output tokens of successful requests
	NetJPerToken       *float64 `json:"net_j_per_token"`
	JPerRequest        *float64 `json:"j_per_request"`
	TokensPerJ         *float64 `json:"tokens_per_j"`
	Wh                 *float64 `json:"wh"`   // gross
	Cost               *float64 `json:"cost"` // gross at the tariff; null without one
	Currency           string   `json:"currency"`
	CO2G               *float64 `json:"co2_g"`  // gross at the grid's intensity; null without one
	Reason             string   `json:"reason"` // why gross is null; empty otherwise
	NetReason          string   `json:"net_reason"`
}

// EnergyPrices turn energy into money and emissions.
type EnergyPrices struct {
	PerKWh     float64 // 0: not known
	Currency   string
	CO2GPerKWh float64 // 0: not known
}

// Interference is a process that used the processor while others than engine and program did.
// Offsets are from the start of the run, of the first and the last time it was seen at it.
type Interference struct {
	Process    string  `json:"process"`
	PID        int     `json:"pid"`
	CPUPercent float64 `json:"cpu_percent"` // mean while seen; 100 = one core
	FromUs     int64   `json:"from_us"`
	ToUs       int64   `json:"to_us"`
}

// Process is what a scan of the processes says of one of them.
type Process struct {
	PID, Parent int
	Name        string
	CPUS        float64 // processor seconds since it began
}
