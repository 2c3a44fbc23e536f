//go:build !linux

package telemetry

import "github.com/inferometer/inferometer/backend/domain"

// Processes lists the processes of this machine; on this system it finds none.
type Processes struct{}

// NewProcesses prepares scanning.
func NewProcesses() *Processes { return &Processes{} }

// Scan returns nothing: reading all processes is too dear here while something is measured.
func (*Processes) Scan() []domain.Process { return nil }
