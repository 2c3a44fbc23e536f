package service

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"runtime"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// logMost is the most records of the log that are kept and given out.
const logMost = 1000

// Log returns the newest records of the program's log of a level or above, newest first.
func (s *Service) Log(_ context.Context, level string, limit int) ([]domain.LogRecord, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, domain.Invalid("query.level", "must be debug, info, warn or error")
	}
	if limit < 1 || limit > logMost {
		return nil, domain.Invalid("query.limit", "must be 1 to 1000")
	}
	return s.d.Logs.Records(least, limit), nil
}

// noLog is the log of a program that keeps none.
type noLog struct{}

func (noLog) Records(slog.Level, int) []domain.LogRecord { return []domain.LogRecord{} }

// supportReadme is the first file of a support bundle.
const supportReadme = `What a report about Inferometer needs, and nothing else.

  version.json   the program and what it was built for
  doctor.txt     the machine, what is ready and, for each missing reading, why
  system.json    the machine and its sensors
  settings.json  every setting with its origin; texts that may tell of a person are [set]
  storage.json   what takes space, how well the database is, and its schema
  log.jsonl      the newest records of the log, one a line

It holds no prompt, no output and no name that was given to a run. Keys, credentials in addresses, paths, and the names of
this machine and its user are taken out of every text. Look through it before you pass it on.
`

// supportVersion is version.json of a support bundle.
type supportVersion struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Window  bool   `json:"window"`
}

// Support returns a zip file with what a report about the program needs: no prompt, no output, no secret.
func (s *Service) Support(ctx context.Context) ([]byte, error) {
	r, err := s.redactor(ctx)
	if err != nil {
		return nil, err
	}
	doctor, err := s.Doctor(ctx)
	if err != nil {
		return nil, err
	}
	sys, err := s.System(ctx)
	if err != nil {
		return nil, err
	}
	storage, err := s.Storage(ctx)
	if err != nil {
		return nil, err
	}
	app := sys.App
	sys.App.DataDir, sys.App.Address, sys.App.AddressNote, storage.DataDir = hidden(app.DataDir), hidden(app.Address), "", hidden(storage.DataDir)
	storage.Move = nil // it names folders
	if storage.OldData != nil {
		storage.OldData.Dir = hidden(storage.OldData.Dir)
	}
	log := s.d.Logs.Records(slog.LevelDebug, logMost)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"README.txt", func(w io.Writer) error { return text(w, supportReadme) }},
		{"version.json", func(w io.Writer) error {
			return object(w, supportVersion{app.Version, app.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, app.Window})
		}},
		{"doctor.txt", func(w io.Writer) error { return text(w, r.clean(doctor.Text)) }},
		{"system.json", func(w io.Writer) error { return r.object(w, sys) }},
		{"settings.json", func(w io.Writer) error { return r.object(w, safeSettings(s.d.Settings.Settings())) }},
		{"storage.json", func(w io.Writer) error { return r.object(w, storage) }},
		{"log.jsonl", func(w io.Writer) error { return r.log(w, log) }},
	} {
		w, err := z.Create(part.name)
		if err == nil {
			err = part.write(w)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s of the support bundle: %w", part.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write the support bundle: %w", err)
	}
	return out.Bytes(), nil
}

func text(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

func object(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// hidden stands for a text that may tell of a person.
func hidden(text string) string {
	if text == "" {
		return ""
	}
	return "[set]"
}

// safeSettings leaves numbers, switches and choices.
func safeSettings(all domain.Settings) domain.Settings {
	choices := map[string]bool{"theme": true, "language": true, "currency": true}
	var out domain.Settings
	for _, item := range all.Items {
		switch v := item.Value.(type) {
		case string:
			if !choices[item.Key] {
				item.Value = hidden(v)
			}
		case []string:
			item.Value = fmt.Sprintf("[%d]", len(v))
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// redactor makes what takes the known secrets and names of this machine out of a text.
func (s *Service) redactor(ctx context.Context) (*redactor, error) {
	r := &redactor{}
	endpoints, err := s.d.Store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if key, err := s.d.Secrets.Get(e.ID); err == nil {
			r.secret(key)
		}
	}
	if u, err := user.Current(); err == nil {
		r.name(u.Username[strings.LastIndex(u.Username, `\`)+1:], "[user]")
		r.name(u.Name, "[user]")
	}
	if host, err := os.Hostname(); err == nil {
		r.name(host, "[host]")
	}
	return r, nil
}
