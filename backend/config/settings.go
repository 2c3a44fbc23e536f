// Package config gathers the settings of the program from flags, environment, .env file and store,
// in this order, and remembers where each came from. It holds no secret, and it neither makes
// folders nor opens files other than the .env file.
package config

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/inferometer/inferometer/backend/domain"
)

// storedKey is where the stored settings lie in the KV.
const storedKey = "settings"

// The places a value can come from.
const (
	originFlag    = "flag"
	originEnv     = "env"
	originDotEnv  = "dotenv"
	originStored  = "stored"
	originDefault = "default"
)

// KV keeps the stored settings.
type KV interface {
	GetKV(ctx context.Context, key string) (string, bool, error)
	SetKV(ctx context.Context, key, value string) error
}

// Input is what Load reads.
type Input struct {
	// Flags holds the flags that were given, by name of the setting ("api_addr"; "api-addr" and
	// "addr" mean the same). "data_dir" is passed over: DataDir has decided on it before.
	Flags   map[string]string
	Environ []string // as os.Environ gives it
	DotEnv  string   // path of the .env file; empty or missing: none
	Stored  KV       // nil: nothing is stored
}

// Settings holds the settings in force. It is safe for concurrent use.
type Settings struct {
	stored   KV
	problems []string

	apply sync.Mutex // held while a patch is stored, so that patches follow one another

	mu      sync.RWMutex
	values  values
	origins map[string]string
	kept    domain.SettingsPatch // what is in the store
}

// Load gathers the settings. A flag, variable or .env line with a bad value is an error; a bad
// stored value is a problem and the default counts, so that the program can start to correct it.
func Load(ctx context.Context, in Input) (*Settings, error) {
	dotenv, err := ReadDotEnv(in.DotEnv)
	if err != nil {
		return nil, &domain.Error{Kind: domain.KindInvalid, Msg: "The .env file cannot be read.", Err: err}
	}
	s := &Settings{stored: in.Stored, values: defaults(), origins: map[string]string{}}
	for _, k := range keys() {
		s.origins[k.name] = originDefault
	}
	if err := s.loadStored(ctx); err != nil {
		return nil, err
	}
	env := environment(in.Environ)
	flags, err := flagsByKey(in.Flags)
	if err != nil {
		return nil, err
	}
	// From the weakest to the strongest.
	for _, source := range []struct {
		origin string
		vars   map[string]string
	}{{originDotEnv, dotenv}, {originEnv, env}, {originFlag, flags}} {
		if err := s.loadVars(source.origin, source.vars); err != nil {
			return nil, err
		}
	}
	s.reportUnknown("the environment", env)
	s.reportUnknown("the .env file", dotenv)
	return s, nil
}

func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	return env
}

// Lookup returns a getenv over the environment and, behind it, a .env file; for what is needed
// before the settings can be loaded, like DataDir.
func Lookup(environ []string, dotenv map[string]string) func(string) string {
	env := environment(environ)
	return func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return dotenv[name]
	}
}

// flagsByKey returns flags by the name of their setting.
func flagsByKey(flags map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name, value := range flags {
		k := strings.ReplaceAll(name, "-", "_")
		switch k {
		case "addr":
			k = "api_addr"
		case "data_dir": // decided before, by DataDir
			continue
		}
		if !slices.ContainsFunc(keys(), func(known key) bool { return known.name == k }) {
			return nil, fmt.Errorf("load settings: flag %s is no setting", name)
		}
		out[k] = value
	}
	return out, nil
}

func (s *Settings) loadVars(origin string, vars map[string]string) error {
	for _, k := range keys() {
		name := k.env
		if origin == originFlag {
			name = k.name
		}
		text, ok := vars[name]
		// An empty variable is an unset one, but for the debug switch, which it turns off.
		if !ok || text == "" && origin != originFlag && k.env != EnvDebug {
			continue
		}
		parse := k.parse
		if k.env == EnvDebug && origin == originFlag {
			parse = func(v *values, text string) (err error) { v.debug, err = boolean(text); return err }
		}
		if err := parse(&s.values, text); err != nil {
			return &domain.Error{Kind: domain.KindInvalid, Msg: describe(k, origin) + " " + err.Error() + "."}
		}
		s.origins[k.name] = origin
	}
	return nil
}

// describe names a setting as the place it came from spells it.
func describe(k key, origin string) string {
	switch origin {
	case originFlag:
		return "The flag --" + strings.ReplaceAll(strings.TrimPrefix(k.name, "api_"), "_", "-")
	case originEnv:
		return "The environment variable " + k.env
	}
	return k.env + " in the .env file"
}

func (s *Settings) reportUnknown(where string, vars map[string]string) {
	known := map[string]bool{EnvDataDir: true}
	for _, k := range keys() {
		known[k.env] = true
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if !known[name] && (strings.HasPrefix(name, "INFEROMETER_") || strings.HasPrefix(name, "SUPERBENCHMARK_")) {
			s.problems = append(s.problems, fmt.Sprintf("%s in %s is not a setting.", name, where))
		}
	}
}

// loadStored takes each stored value by itself, so that a bad one does not cost the others.
func (s *Settings) loadStored(ctx context.Context) error {
	if s.stored == nil {
		return nil
	}
	text, ok, err := s.stored.GetKV(ctx, storedKey)
	if err != nil {
		return fmt.Errorf("load stored settings: %w", err)
	}
	if !ok {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil {
		s.problems = append(s.problems, "The stored settings cannot be read; the defaults count.")
		return nil //nolint:nilerr // a broken value must not keep the program from starting
	}
	for _, k := range keys() {
		raw, ok := fields[k.name]
		if !ok {
			continue
		}
		delete(fields, k.name)
		one, err := json.Marshal(map[string]json.RawMessage{k.name: raw})
		if err != nil {
			return fmt.Errorf("load stored settings: %w", err)
		}
		var p domain.SettingsPatch
		given := false
		if err = json.Unmarshal(one, &p); err == nil {
			given, err = k.patch(&s.values, p)
		}
		if err != nil {
			s.problems = append(s.problems, fmt.Sprintf("The stored value of %s is not valid; the default counts.", k.name))
			continue
		}
		if given {
			s.origins[k.name] = originStored
			s.kept = merged(s.kept, p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		s.problems = append(s.problems, fmt.Sprintf("The stored setting %s is not known.", name))
	}
	return nil
}
