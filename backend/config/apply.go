package config

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Apply validates a patch, stores it and puts it in force, whole or not at all. A value that flag,
// environment or .env file fixed is KindConflict.
func (s *Settings) Apply(ctx context.Context, p domain.SettingsPatch) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	s.mu.RLock()
	next, origins, kept := s.values, s.origins, s.kept
	s.mu.RUnlock()

	if p.AllowedHosts != nil { // the caller's list stays the caller's
		hosts := copied(*p.AllowedHosts)
		p.AllowedHosts = &hosts
	}
	changed := maps.Clone(origins)
	var locked, invalid []domain.FieldError
	for _, k := range keys() {
		given, err := k.patch(&next, p)
		switch at := "body." + k.name; {
		case !given:
		case isLocked(origins[k.name]):
			locked = append(locked, domain.FieldError{Location: at, Message: "is fixed: " + describe(k, origins[k.name])})
		case err != nil:
			invalid = append(invalid, domain.FieldError{Location: at, Message: err.Error()})
		default:
			changed[k.name] = originStored
		}
	}
	if len(invalid) > 0 {
		return &domain.Error{Kind: domain.KindInvalid, Msg: "Some values are not valid.", Fields: invalid}
	}
	if len(locked) > 0 {
		return &domain.Error{Kind: domain.KindConflict, Msg: "A setting is fixed from outside: " + locked[0].Location[len("body."):] + ".",
			Hint: "Change it where it was set, and start again.", Fields: locked}
	}
	kept = merged(kept, p)
	if err := s.keep(ctx, kept); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values, s.origins, s.kept = next, changed, kept
	return nil
}

func (s *Settings) keep(ctx context.Context, p domain.SettingsPatch) error {
	if s.stored == nil {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	if err := s.stored.SetKV(ctx, storedKey, string(b)); err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	return nil
}

// merged returns old with what p gives in its place.
func merged(old, p domain.SettingsPatch) domain.SettingsPatch {
	return domain.SettingsPatch{
		Theme: cmp.Or(p.Theme, old.Theme), Language: cmp.Or(p.Language, old.Language), Debug: cmp.Or(p.Debug, old.Debug),
		TelemetryHz: cmp.Or(p.TelemetryHz, old.TelemetryHz), APIEnabled: cmp.Or(p.APIEnabled, old.APIEnabled),
		APIAddr: cmp.Or(p.APIAddr, old.APIAddr), AllowedHosts: cmp.Or(p.AllowedHosts, old.AllowedHosts),
		TLSCert: cmp.Or(p.TLSCert, old.TLSCert), TLSKey: cmp.Or(p.TLSKey, old.TLSKey),
		EnginePath: cmp.Or(p.EnginePath, old.EnginePath), ModelsDir: cmp.Or(p.ModelsDir, old.ModelsDir),
		StoreText: cmp.Or(p.StoreText, old.StoreText), OnboardingDone: cmp.Or(p.OnboardingDone, old.OnboardingDone),
		TariffPerKWh: cmp.Or(p.TariffPerKWh, old.TariffPerKWh), Currency: cmp.Or(p.Currency, old.Currency), CO2GPerKWh: cmp.Or(p.CO2GPerKWh, old.CO2GPerKWh),
		TrashDays: cmp.Or(p.TrashDays, old.TrashDays), DropTextsDays: cmp.Or(p.DropTextsDays, old.DropTextsDays),
		DropTelemetryDays: cmp.Or(p.DropTelemetryDays, old.DropTelemetryDays), BackupKeep: cmp.Or(p.BackupKeep, old.BackupKeep),
		WatchBuilds: cmp.Or(p.WatchBuilds, old.WatchBuilds),
	}
}

// copied is never nil, so that JSON shows [].
func copied(list []string) []string { return append([]string{}, list...) }

func isLocked(origin string) bool {
	return origin == originFlag || origin == originEnv || origin == originDotEnv
}

func (s *Settings) now() values {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values
}

// Settings returns every setting with its origin.
func (s *Settings) Settings() domain.Settings {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out domain.Settings
	v := s.values
	v.allowedHosts = copied(v.allowedHosts)
	for _, k := range keys() {
		out.Items = append(out.Items, domain.Setting{Key: k.name, Value: k.get(v), Origin: s.origins[k.name],
			Locked: isLocked(s.origins[k.name]), Help: k.help})
	}
	return out
}

// Problems lists what was found but could not be used, in words; it does not change after Load.
func (s *Settings) Problems() []string { return slices.Clone(s.problems) }

// Theme is system, dark or light.
func (s *Settings) Theme() string { return s.now().theme }

// Language is system, en or pt-BR.
func (s *Settings) Language() string { return s.now().language }

// Debug reports whether sample data and seed A's routes are on.
func (s *Settings) Debug() bool { return s.now().debug }

// TelemetryHz is how often sensors are read.
func (s *Settings) TelemetryHz() float64 { return s.now().telemetryHz }

// APIEnabled reports whether the REST interface is served beside the window.
func (s *Settings) APIEnabled() bool { return s.now().api }

// APIAddr is the host:port to listen on.
func (s *Settings) APIAddr() string { return s.now().apiAddr }

// AllowedHosts are further host names that requests may carry.
func (s *Settings) AllowedHosts() []string { return copied(s.now().allowedHosts) }

// TLSFiles are the files of a certificate and its key, or empty.
func (s *Settings) TLSFiles() (cert, key string) {
	v := s.now()
	return v.tlsCert, v.tlsKey
}

// EnginePath is an own engine binary, or empty.
func (s *Settings) EnginePath() string { return s.now().enginePath }

// ModelsDir is a further folder of models, or empty.
func (s *Settings) ModelsDir() string { return s.now().modelsDir }

// StoreText reports whether prompts and outputs are kept by default.
func (s *Settings) StoreText() bool { return s.now().storeText }

// OnboardingDone reports whether the introduction was seen.
func (s *Settings) OnboardingDone() bool { return s.now().onboarding }

// EnergyPrices are what a kWh costs and emits.
func (s *Settings) EnergyPrices() domain.EnergyPrices {
	v := s.now()
	return domain.EnergyPrices{PerKWh: v.tariff, Currency: v.currency, CO2GPerKWh: v.co2}
}

// Retention are the rules of what is deleted by itself.
func (s *Settings) Retention() domain.RetentionRules { return s.now().retention }

// WatchBuilds is ask, always or never: what is done about a build of the engine without runs.
func (s *Settings) WatchBuilds() string { return s.now().watchBuilds }

// BackupKeep is how many daily backups are kept.
func (s *Settings) BackupKeep() int { return s.now().backupKeep }

// TestDatabase is the file of sample results for debug mode, or empty.
func (s *Settings) TestDatabase() string { return s.now().testDatabase }
