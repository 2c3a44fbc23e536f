package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// Environment variables that are read by name outside the table of keys.
const (
	EnvDataDir      = "INFEROMETER_DATA_DIR"
	EnvDebug        = "SUPERBENCHMARK_DEBUG"
	EnvTestDatabase = "SUPERBENCHMARK_TEST_DATABASE"
)

// values is every setting, typed.
type values struct {
	theme, language                     string
	debug, api, storeText, onboarding   bool
	telemetryHz, tariff, co2            float64
	apiAddr, currency, tlsCert, tlsKey  string
	retention                           domain.RetentionRules
	backupKeep                          int
	allowedHosts                        []string
	enginePath, modelsDir, testDatabase string
	watchBuilds                         string
}

func defaults() values {
	return values{theme: "system", language: "system", telemetryHz: 10, api: true, apiAddr: "127.0.0.1:8000",
		allowedHosts: []string{}, storeText: true, retention: domain.RetentionRules{TrashDays: 30}, backupKeep: 3, watchBuilds: domain.WatchAsk}
}

// key is one setting: its names, and how text or a patch becomes its value.
type key struct {
	name, env, help string
	parse           func(v *values, text string) error
	// patch takes the value out of p, if there is one, into v.
	patch func(v *values, p domain.SettingsPatch) (given bool, err error)
	get   func(v values) any
}

// setting builds a key of type T. parse reads text, check says what is wrong with a value.
func setting[T any](name, env, help string, field func(*values) *T, patched func(domain.SettingsPatch) *T,
	parse func(string) (T, error), check func(T) error) key {
	set := func(v *values, value T) error {
		if err := check(value); err != nil {
			return err
		}
		*field(v) = value
		return nil
	}
	return key{name: name, env: env, help: help,
		parse: func(v *values, text string) error {
			value, err := parse(text)
			if err != nil {
				return err
			}
			return set(v, value)
		},
		patch: func(v *values, p domain.SettingsPatch) (bool, error) {
			value := patched(p)
			if value == nil {
				return false, nil
			}
			return true, set(v, *value)
		},
		get: func(v values) any { return *field(&v) },
	}
}

// keys is the table of settings, in the order in which they are shown.
func keys() []key {
	type P = domain.SettingsPatch
	return []key{
		setting("theme", "INFEROMETER_THEME", "Colours: system, dark or light.",
			func(v *values) *string { return &v.theme }, func(p P) *string { return p.Theme }, text, oneOf("system", "dark", "light")),
		setting("language", "INFEROMETER_LANGUAGE", "Language of the interface: system, en or pt-BR.",
			func(v *values) *string { return &v.language }, func(p P) *string { return p.Language }, text, oneOf("system", "en", "pt-BR")),
		setting("debug", EnvDebug, "Sample data and the /results/average routes; in the environment exactly True switches it on.",
			func(v *values) *bool { return &v.debug }, func(p P) *bool { return p.Debug }, exactlyTrue, anything[bool]),
		setting("telemetry_hz", "INFEROMETER_TELEMETRY_HZ", "Readings of the sensors per second, 1 to 50.",
			func(v *values) *float64 { return &v.telemetryHz }, func(p P) *float64 { return p.TelemetryHz }, number, between(1, 50)),
		setting("api_enabled", "INFEROMETER_API_ENABLED", "Serve the REST interface while the window is open.",
			func(v *values) *bool { return &v.api }, func(p P) *bool { return p.APIEnabled }, boolean, anything[bool]),
		setting("api_addr", "INFEROMETER_API_ADDR", "Address of the REST interface, host:port; port 0 is any free one.",
			func(v *values) *string { return &v.apiAddr }, func(p P) *string { return p.APIAddr }, text, hostPort),
		setting("allowed_hosts", "INFEROMETER_ALLOWED_HOSTS", "Further names by which the REST interface may be reached, separated by commas.",
			func(v *values) *[]string { return &v.allowedHosts }, func(p P) *[]string { return p.AllowedHosts }, commaList, hostNames),
		setting("tls_cert", "INFEROMETER_TLS_CERT", "PEM file of a certificate, with which the REST interface is served as https; goes with tls_key.",
			func(v *values) *string { return &v.tlsCert }, func(p P) *string { return p.TLSCert }, text, filePath),
		setting("tls_key", "INFEROMETER_TLS_KEY", "PEM file of the certificate's key.",
			func(v *values) *string { return &v.tlsKey }, func(p P) *string { return p.TLSKey }, text, filePath),
		setting("engine_path", "INFEROMETER_ENGINE_PATH", "An own llama-server binary; empty finds the installed one.",
			func(v *values) *string { return &v.enginePath }, func(p P) *string { return p.EnginePath }, text, filePath),
		setting("models_dir", "INFEROMETER_MODELS_DIR", "A folder with models besides the data folder's own.",
			func(v *values) *string { return &v.modelsDir }, func(p P) *string { return p.ModelsDir }, text, filePath),
		setting("store_text", "INFEROMETER_STORE_TEXT", "Keep prompts and outputs with the results.",
			func(v *values) *bool { return &v.storeText }, func(p P) *bool { return p.StoreText }, boolean, anything[bool]),
		setting("onboarding_done", "INFEROMETER_ONBOARDING_DONE", "Skip the introduction at the first start.",
			func(v *values) *bool { return &v.onboarding }, func(p P) *bool { return p.OnboardingDone }, boolean, anything[bool]),
		setting("tariff_per_kwh", "INFEROMETER_TARIFF_PER_KWH", "Price of a kWh of electricity; 0: not known.",
			func(v *values) *float64 { return &v.tariff }, func(p P) *float64 { return p.TariffPerKWh }, number, between(0, 1e6)),
		setting("currency", "INFEROMETER_CURRENCY", "Currency of the tariff, e.g. EUR.",
			func(v *values) *string { return &v.currency }, func(p P) *string { return p.Currency }, text, shortWord),
		setting("co2_g_per_kwh", "INFEROMETER_CO2_G_PER_KWH", "Grams of CO2 that the grid emits for a kWh; 0: not known.",
			func(v *values) *float64 { return &v.co2 }, func(p P) *float64 { return p.CO2GPerKWh }, number, between(0, 10000)),
		setting("trash_days", "INFEROMETER_TRASH_DAYS", "Deleted runs are deleted for good after so many days; 0: never.",
			func(v *values) *int { return &v.retention.TrashDays }, func(p P) *int { return p.TrashDays }, whole, days),
		setting("drop_texts_days", "INFEROMETER_DROP_TEXTS_DAYS", "Prompts and outputs of runs older than so many days are deleted, unless pinned; 0: never.",
			func(v *values) *int { return &v.retention.DropTextsDays }, func(p P) *int { return p.DropTextsDays }, whole, days),
		setting("drop_telemetry_days", "INFEROMETER_DROP_TELEMETRY_DAYS", "Hardware readings of runs older than so many days are deleted, unless pinned; 0: never.",
			func(v *values) *int { return &v.retention.DropTelemetryDays }, func(p P) *int { return p.DropTelemetryDays }, whole, days),
		setting("backup_keep", "INFEROMETER_BACKUP_KEEP", "Daily backups of the database that are kept; 0: none are made.",
			func(v *values) *int { return &v.backupKeep }, func(p P) *int { return p.BackupKeep }, whole, upToAYear),
		setting("watch_builds", "INFEROMETER_WATCH_BUILDS", "A build of the engine without runs: ask offers to measure it against the one before, always does it, never neither.",
			func(v *values) *string { return &v.watchBuilds }, func(p P) *string { return p.WatchBuilds }, text, oneOf(domain.WatchAsk, domain.WatchAlways, domain.WatchNever)),
		setting("test_database", EnvTestDatabase, "File of sample results that debug mode loads; empty takes test_database.json here, else a built-in one.",
			func(v *values) *string { return &v.testDatabase }, func(P) *string { return nil }, text, filePath),
	}
}

func text(s string) (string, error) { return s, nil }

func boolean(s string) (bool, error) {
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return false, errors.New("must be true or false")
	}
	return b, nil
}

// exactlyTrue is the rule of SUPERBENCHMARK_DEBUG: any other text means false.
func exactlyTrue(s string) (bool, error) { return s == "True", nil }

func number(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errors.New("must be a number")
	}
	return f, nil
}

func whole(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, errors.New("must be a whole number")
	}
	return n, nil
}

// days are those of a rule of retention: up to a hundred years.
func days(n int) error { return between(0, 36500)(float64(n)) }

// upToAYear is a number of daily backups.
func upToAYear(n int) error { return between(0, 365)(float64(n)) }

func commaList(s string) ([]string, error) {
	out := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out, nil
}

func anything[T any](T) error { return nil }

func oneOf(words ...string) func(string) error {
	return func(s string) error {
		for _, w := range words {
			if s == w {
				return nil
			}
		}
		return errors.New("must be one of " + strings.Join(words, ", "))
	}
}

func between(low, high float64) func(float64) error {
	return func(f float64) error {
		if math.IsNaN(f) || f < low || f > high {
			return fmt.Errorf("must be %g to %g", low, high)
		}
		return nil
	}
}

func hostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return errors.New("must be host:port")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("must end in a port from 0 to 65535")
	}
	return nil
}

func hostNames(hosts []string) error {
	if len(hosts) > 64 {
		return errors.New("must be 64 names at most")
	}
	for _, h := range hosts {
		if h == "" || utf8.RuneCountInString(h) > domain.LongestHost || strings.ContainsFunc(h, func(c rune) bool { return c <= ' ' || strings.ContainsRune("/\\@?#*,", c) }) {
			return errors.New("must be host names without scheme, path or wildcard")
		}
	}
	return nil
}

func shortWord(s string) error {
	if utf8.RuneCountInString(s) > 8 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' }) {
		return errors.New("must be 8 signs at most, without blanks")
	}
	return nil
}

func filePath(s string) error {
	if utf8.RuneCountInString(s) > domain.LongestPath || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' }) {
		return errors.New("must be a path")
	}
	return nil
}
