package domain

// Setting is one value with where it came from.
type Setting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Origin string `json:"origin"` // flag, env, dotenv, stored, default
	Locked bool   `json:"locked"` // fixed by flag, environment or .env
	Help   string `json:"help"`
}

// Settings is the answer of GET /api/v1/settings.
type Settings struct {
	Items []Setting `json:"items"`
}

// The longest texts of some settings, in characters.
const (
	LongestHost = 253
	LongestPath = 4096
)

// SettingsPatch is the body of PATCH /api/v1/settings; absent fields stay.
type SettingsPatch struct {
	Theme             *string   `json:"theme,omitempty" doc:"system, dark or light"`
	Language          *string   `json:"language,omitempty" doc:"system, en or pt-BR"`
	Debug             *bool     `json:"debug,omitempty" doc:"Sample data and the seed's average routes"`
	TelemetryHz       *float64  `json:"telemetry_hz,omitempty" minimum:"1" maximum:"50"`
	APIEnabled        *bool     `json:"api_enabled,omitempty"`
	APIAddr           *string   `json:"api_addr,omitempty" doc:"host:port; used at the next start"`
	AllowedHosts      *[]string `json:"allowed_hosts,omitempty" maxItems:"64"`
	TLSCert           *string   `json:"tls_cert,omitempty" doc:"PEM file of a certificate, with which REST is served as https; used at the next start"`
	TLSKey            *string   `json:"tls_key,omitempty" doc:"PEM file of the certificate's key"`
	EnginePath        *string   `json:"engine_path,omitempty" doc:"An own llama-server binary"`
	ModelsDir         *string   `json:"models_dir,omitempty"`
	StoreText         *bool     `json:"store_text,omitempty"`
	OnboardingDone    *bool     `json:"onboarding_done,omitempty"`
	TariffPerKWh      *float64  `json:"tariff_per_kwh,omitempty" minimum:"0" maximum:"1000000" doc:"Price of a kWh; 0: not known"`
	Currency          *string   `json:"currency,omitempty" maxLength:"8" doc:"Of the tariff, e.g. EUR"`
	TrashDays         *int      `json:"trash_days,omitempty" minimum:"0" maximum:"36500" doc:"Deleted runs are deleted for good after so many days; 0: never"`
	DropTextsDays     *int      `json:"drop_texts_days,omitempty" minimum:"0" maximum:"36500" doc:"Prompts and outputs of runs older than so many days are deleted, unless pinned; 0: never"`
	DropTelemetryDays *int      `json:"drop_telemetry_days,omitempty" minimum:"0" maximum:"36500" doc:"Hardware readings of runs older than so many days are deleted, unless pinned; 0: never"`
	BackupKeep        *int      `json:"backup_keep,omitempty" minimum:"0" maximum:"365" doc:"Daily backups that are kept; 0: none are made"`
	WatchBuilds       *string   `json:"watch_builds,omitempty" doc:"What is done about a build of the engine without runs: ask, always or never"`
	CO2GPerKWh        *float64  `json:"co2_g_per_kwh,omitempty" minimum:"0" maximum:"10000" doc:"Grams of CO2 emitted for a kWh; 0: not known"`
}

// Health is the answer of GET /api/v1/health.
type Health struct {
	Status  string   `json:"status"` // ok, unwell
	Version string   `json:"version"`
	UptimeS float64  `json:"uptime_s"`
	Reasons []string `json:"reasons"`
}

// DoctorReport is the answer of GET /api/v1/system/doctor.
type DoctorReport struct {
	OK     bool    `json:"ok"`
	Checks []Check `json:"checks"`
	Text   string  `json:"text"` // to paste into a report; holds no secret
}

// Preflight is the answer of GET /api/v1/system/preflight: what will spoil a run now.
type Preflight struct {
	Ready   bool    `json:"ready"` // a run can start: no check is invalid
	Quiet   bool    `json:"quiet"` // and nothing would spoil its figures: no check is caution either
	WaitedS float64 `json:"waited_s"`
	Checks  []Check `json:"checks"`
}
