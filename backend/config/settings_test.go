package config_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/inferometer/inferometer/backend/config"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

var _ service.SettingsStore = (*config.Settings)(nil)

// memory is a KV; err makes it fail.
type memory struct {
	mu  sync.Mutex
	m   map[string]string
	err error
}

func (k *memory) GetKV(_ context.Context, key string) (string, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.m[key]
	return v, ok, k.err
}

func (k *memory) SetKV(_ context.Context, key, value string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	if k.m == nil {
		k.m = map[string]string{}
	}
	k.m[key] = value
	return nil
}

func stored(text string) *memory { return &memory{m: map[string]string{"settings": text}} }

func ptr[T any](v T) *T { return &v }

func dotenv(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, in config.Input) *config.Settings {
	t.Helper()
	s, err := config.Load(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func item(t *testing.T, s *config.Settings, key string) domain.Setting {
	t.Helper()
	for _, i := range s.Settings().Items {
		if i.Key == key {
			return i
		}
	}
	t.Fatalf("no setting %s", key)
	return domain.Setting{}
}

func TestDefaults(t *testing.T) {
	s := load(t, config.Input{})
	price := s.EnergyPrices()
	cert, key := s.TLSFiles()
	got := []any{s.Theme(), s.Language(), s.Debug(), s.TelemetryHz(), s.APIEnabled(), s.APIAddr(), s.AllowedHosts(), cert, key, s.EnginePath(),
		s.ModelsDir(), s.StoreText(), s.OnboardingDone(), price.PerKWh, price.Currency, price.CO2GPerKWh,
		s.Retention().TrashDays, s.Retention().DropTextsDays, s.Retention().DropTelemetryDays, s.BackupKeep(), s.WatchBuilds(), s.TestDatabase()}
	want := []any{"system", "system", false, 10.0, true, "127.0.0.1:8000", []string{}, "", "", "", "", true, false, 0.0, "", 0.0, 30, 0, 0, 3, "ask", ""}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for n, i := range s.Settings().Items {
		if i.Origin != "default" || i.Locked || i.Help == "" || !reflect.DeepEqual(i.Value, want[n]) {
			t.Errorf("item %+v, want value %v", i, want[n])
		}
	}
	if p := s.Problems(); len(p) != 0 {
		t.Errorf("problems %q", p)
	}
}

// TestOrderOfOrigins gives a setting in each place and then takes the strongest away, one by one.
func TestOrderOfOrigins(t *testing.T) {
	in := config.Input{
		Flags:   map[string]string{"addr": "127.0.0.1:1", "data-dir": "/d"},
		Environ: []string{"INFEROMETER_API_ADDR=127.0.0.1:2"},
		DotEnv:  dotenv(t, "INFEROMETER_API_ADDR=127.0.0.1:3"),
		Stored:  stored(`{"api_addr":"127.0.0.1:4"}`),
	}
	for n, want := range []string{"flag", "env", "dotenv", "stored"} {
		s := load(t, in)
		i := item(t, s, "api_addr")
		if addr := fmt.Sprint("127.0.0.1:", n+1); i.Origin != want || i.Value != addr || s.APIAddr() != addr || i.Locked != (want != "stored") {
			t.Errorf("from %s: %+v", want, i)
		}
		switch n {
		case 0:
			in.Flags = nil
		case 1:
			in.Environ = []string{"INFEROMETER_API_ADDR="} // empty is unset
		case 2:
			in.DotEnv = filepath.Join(t.TempDir(), "missing")
		}
	}
}

func TestDebugSwitch(t *testing.T) {
	cases := []struct {
		value  string
		want   bool
		origin string
	}{{"True", true, "env"}, {"true", false, "env"}, {"1", false, "env"}, {" True", false, "env"}, {"TRUE", false, "env"}, {"", false, "env"}, {"False", false, "env"}}
	for _, c := range cases {
		s := load(t, config.Input{Environ: []string{config.EnvDebug + "=" + c.value}, Stored: stored(`{"debug":true}`)})
		if s.Debug() != c.want || item(t, s, "debug").Origin != c.origin {
			t.Errorf("%q: %v from %s", c.value, s.Debug(), item(t, s, "debug").Origin)
		}
	}
	if !load(t, config.Input{Stored: stored(`{"debug":true}`)}).Debug() {
		t.Error("the stored switch does not count")
	}
	if !load(t, config.Input{Flags: map[string]string{"debug": "true"}, Environ: []string{config.EnvDebug + "=False"}}).Debug() {
		t.Error("the flag does not win")
	}
	if !load(t, config.Input{DotEnv: dotenv(t, config.EnvDebug+`="True"`)}).Debug() {
		t.Error("the .env file does not count")
	}
}

func TestBadValuesNameKeyAndOrigin(t *testing.T) {
	cases := []struct {
		in   config.Input
		want string
	}{
		{config.Input{Environ: []string{"INFEROMETER_TELEMETRY_HZ=s3cret"}}, "environment variable INFEROMETER_TELEMETRY_HZ must be a number"},
		{config.Input{Environ: []string{"INFEROMETER_TELEMETRY_HZ=NaN"}}, "must be 1 to 50"},
		{config.Input{Environ: []string{"INFEROMETER_TELEMETRY_HZ=51"}}, "must be 1 to 50"},
		{config.Input{Flags: map[string]string{"api-addr": "8000"}}, "flag --addr must be host:port"},
		{config.Input{Flags: map[string]string{"addr": ":8000"}}, "must be host:port"},
		{config.Input{Flags: map[string]string{"addr": "a:70000"}}, "must end in a port"},
		{config.Input{Flags: map[string]string{"debug": "perhaps"}}, "flag --debug must be true or false"},
		{config.Input{Flags: map[string]string{"nonsense": "1"}}, "flag nonsense is no setting"},
		{config.Input{Environ: []string{"INFEROMETER_API_ENABLED=yes"}}, "must be true or false"},
		{config.Input{Environ: []string{"INFEROMETER_THEME=pink"}}, "must be one of system, dark, light"},
		{config.Input{Environ: []string{"INFEROMETER_ALLOWED_HOSTS=a,http://b"}}, "must be host names"},
		{config.Input{Environ: []string{"INFEROMETER_MODELS_DIR=a\nb"}}, "must be a path"},
		{config.Input{DotEnv: dotenv(t, "\nINFEROMETER_LANGUAGE=xx")}, "INFEROMETER_LANGUAGE in the .env file must be"},
		{config.Input{DotEnv: dotenv(t, "\nA='s3cret")}, "line 2: A has no closing quote"},
		{config.Input{DotEnv: t.TempDir()}, ".env"},
		{config.Input{Stored: &memory{err: errors.New("disk on fire")}}, "disk on fire"},
	}
	for _, c := range cases {
		_, err := config.Load(t.Context(), c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestProblems(t *testing.T) {
	s := load(t, config.Input{
		Environ: []string{"INFEROMETER_TELEMETRYHZ=9", "INFEROMETER_DATA_DIR=/x", "HOME=/h", "SUPERBENCHMARK_DEBUGG=True"},
		DotEnv:  dotenv(t, "OTHER=1\nINFEROMETER_ADR=x"),
		Stored:  stored(`{"theme":"pink","telemetry_hz":"no","language":"en","gone":1}`),
	})
	want := []string{
		"The stored value of theme is not valid; the default counts.",
		"The stored value of telemetry_hz is not valid; the default counts.",
		"The stored setting gone is not known.",
		"INFEROMETER_TELEMETRYHZ in the environment is not a setting.",
		"SUPERBENCHMARK_DEBUGG in the environment is not a setting.",
		"INFEROMETER_ADR in the .env file is not a setting.",
	}
	if got := s.Problems(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if s.Theme() != "system" || s.TelemetryHz() != 10 || s.Language() != "en" {
		t.Errorf("%s %v %s", s.Theme(), s.TelemetryHz(), s.Language())
	}
	if got := load(t, config.Input{Stored: stored(`{`)}).Problems(); len(got) != 1 {
		t.Errorf("broken store: %q", got)
	}
}

func TestApply(t *testing.T) {
	kv := &memory{}
	s := load(t, config.Input{Stored: kv})
	// Every field of the patch has a setting, and the reverse; proven by giving all of them.
	all := domain.SettingsPatch{Theme: ptr("dark"), Language: ptr("pt-BR"), Debug: ptr(true), TelemetryHz: ptr(2.5), APIEnabled: ptr(false),
		APIAddr: ptr("[::1]:0"), AllowedHosts: &[]string{"box.local"}, TLSCert: ptr("/c"), TLSKey: ptr("/k"), EnginePath: ptr("/e"), ModelsDir: ptr("/m"), StoreText: ptr(false), OnboardingDone: ptr(true),
		TariffPerKWh: ptr(0.35), Currency: ptr("EUR"), CO2GPerKWh: ptr(380.0),
		TrashDays: ptr(0), DropTextsDays: ptr(90), DropTelemetryDays: ptr(365), BackupKeep: ptr(7), WatchBuilds: ptr("never")}
	for _, p := range []domain.SettingsPatch{{Theme: ptr("light")}, all, {}} {
		if err := s.Apply(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	(*all.AllowedHosts)[0] = "changed by the caller"
	for _, s := range []*config.Settings{s, load(t, config.Input{Stored: kv})} {
		cert, key := s.TLSFiles()
		got := []any{s.Theme(), s.Language(), s.Debug(), s.TelemetryHz(), s.APIEnabled(), s.APIAddr(), s.AllowedHosts(), cert, key, s.EnginePath(),
			s.ModelsDir(), s.StoreText(), s.OnboardingDone(), s.EnergyPrices(), s.Retention(), s.BackupKeep(), s.WatchBuilds()}
		want := []any{"dark", "pt-BR", true, 2.5, false, "[::1]:0", []string{"box.local"}, "/c", "/k", "/e", "/m", false, true,
			domain.EnergyPrices{PerKWh: .35, Currency: "EUR", CO2GPerKWh: 380}, domain.RetentionRules{DropTextsDays: 90, DropTelemetryDays: 365}, 7, "never"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		fields := reflect.TypeFor[domain.SettingsPatch]()
		for n := range fields.NumField() {
			name, _, _ := strings.Cut(fields.Field(n).Tag.Get("json"), ",")
			if i := item(t, s, name); i.Origin != "stored" || i.Locked {
				t.Errorf("%+v", i)
			}
		}
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	kv := &memory{}
	s := load(t, config.Input{Stored: kv, Environ: []string{"INFEROMETER_THEME=dark"}, Flags: map[string]string{"telemetry_hz": "5"}})
	before, _ := json.Marshal(s.Settings())
	cases := []struct {
		p     domain.SettingsPatch
		kind  domain.Kind
		field string
	}{
		{domain.SettingsPatch{Language: ptr("en"), Theme: ptr("light")}, domain.KindConflict, "body.theme is fixed: The environment variable INFEROMETER_THEME"},
		{domain.SettingsPatch{TelemetryHz: ptr(4.0)}, domain.KindConflict, "body.telemetry_hz is fixed: The flag --telemetry-hz"},
		{domain.SettingsPatch{Language: ptr("en"), APIAddr: ptr("x")}, domain.KindInvalid, "body.api_addr must be host:port"},
		{domain.SettingsPatch{TariffPerKWh: ptr(-1.0)}, domain.KindInvalid, "body.tariff_per_kwh must be 0 to 1e+06"},
		{domain.SettingsPatch{Currency: ptr("a b")}, domain.KindInvalid, "body.currency must be 8 signs at most, without blanks"},
		{domain.SettingsPatch{AllowedHosts: ptr(make([]string, 65))}, domain.KindInvalid, "body.allowed_hosts must be 64 names at most"},
	}
	for _, c := range cases {
		err := s.Apply(t.Context(), c.p)
		var e *domain.Error
		if !errors.As(err, &e) || e.Kind != c.kind || len(e.Fields) != 1 || e.Fields[0].Location+" "+e.Fields[0].Message != c.field {
			t.Errorf("got %+v, want %s %q", err, c.kind, c.field)
		}
	}
	kv.err = errors.New("disk on fire")
	if err := s.Apply(t.Context(), domain.SettingsPatch{Language: ptr("en")}); !errors.Is(err, kv.err) {
		t.Errorf("a failing store: %v", err)
	}
	if after, _ := json.Marshal(s.Settings()); string(after) != string(before) || len(kv.m) != 0 {
		t.Errorf("changed from %s to %s, stored %v", before, after, kv.m)
	}
}

// TestApplyKeepsWhatIsHidden: a stored value under an environment variable survives other patches.
func TestApplyKeepsWhatIsHidden(t *testing.T) {
	kv := stored(`{"theme":"light"}`)
	s := load(t, config.Input{Stored: kv, Environ: []string{"INFEROMETER_THEME=dark"}})
	if err := s.Apply(t.Context(), domain.SettingsPatch{Language: ptr("en")}); err != nil {
		t.Fatal(err)
	}
	if got := load(t, config.Input{Stored: kv}); got.Theme() != "light" || got.Language() != "en" {
		t.Errorf("theme %s, language %s", got.Theme(), got.Language())
	}
}

func TestApplyAtOnce(t *testing.T) {
	kv := &memory{}
	s := load(t, config.Input{Stored: kv})
	var wait sync.WaitGroup
	for n := range 16 {
		wait.Go(func() {
			p := domain.SettingsPatch{ModelsDir: ptr(fmt.Sprint(n))}
			if n%2 == 0 {
				p = domain.SettingsPatch{EnginePath: ptr(fmt.Sprint(n)), AllowedHosts: &[]string{"a"}}
			}
			if err := s.Apply(t.Context(), p); err != nil {
				t.Error(err)
			}
			s.Settings()
			s.AllowedHosts()
		})
	}
	wait.Wait()
	again := load(t, config.Input{Stored: kv})
	if again.EnginePath() != s.EnginePath() || again.ModelsDir() != s.ModelsDir() || s.EnginePath() == "" || s.ModelsDir() == "" {
		t.Errorf("stored %q %q, in force %q %q", again.EnginePath(), again.ModelsDir(), s.EnginePath(), s.ModelsDir())
	}
}

// What is taken is stored, and read back at the next start as it was taken.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{`{}`, `{"theme":"dark","telemetry_hz":2.5}`, `{"api_addr":"[::1]:0","allowed_hosts":["a","b:1"]}`, `{"currency":"€","trash_days":0}`,
		`{"engine_path":"/a\u0000b"}`, `{"co2_g_per_kwh":1e4,"language":"pt-BR","tls_cert":"é"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p domain.SettingsPatch
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		kv := &memory{}
		s := load(t, config.Input{Stored: kv})
		if s.Apply(t.Context(), p) != nil {
			return
		}
		again := load(t, config.Input{Stored: kv})
		if got := again.Problems(); len(got) != 0 || !reflect.DeepEqual(values(again), values(s)) {
			t.Errorf("%s: %q\n%v\n%v", text, got, values(s), values(again))
		}
	})
}

func values(s *config.Settings) map[string]any {
	out := map[string]any{}
	for _, i := range s.Settings().Items {
		out[i.Key] = i.Value
	}
	return out
}
