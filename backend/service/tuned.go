package service

import (
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// forMachine fills in what a tune experiment tries on this machine.
func (s *Service) forMachine(r domain.ExperimentRequest, bad *fieldErrors) domain.ExperimentRequest {
	if or(r.Kind, "") != domain.ExperimentTune { // a GPU driver that hangs makes the machine slow to describe
		return r
	}
	sys := s.d.Sampler.System()
	cores := sys.CPUCores
	if cores == 0 { // the system does not tell them apart
		cores = sys.CPUThreads
	}
	return experiment.ForMachine(r, experiment.Machine{Cores: cores, Threads: sys.CPUThreads, GPU: len(sys.GPUs) > 0}, (*experiment.Refusals)(bad))
}

// Personas are the kinds of users that capacity knows, with what each of them needs.
func (*Service) Personas() []domain.Persona { return experiment.Personas() }

// TuneSettings are the settings that tune may change.
func TuneSettings() []string { return experiment.SettingNames() }
