package service

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const telemetryHistory = time.Hour

// Health says whether store and server are well.
func (s *Service) Health(ctx context.Context) domain.Health {
	h := domain.Health{Status: "ok", Version: s.d.App().Version, Reasons: []string{},
		UptimeS: s.d.Now().Sub(s.started).Seconds()}
	if err := s.d.Store.Ping(ctx); err != nil {
		h.Status, h.Reasons = "unwell", append(h.Reasons, "The database does not answer.")
		s.d.Log.Error("The database does not answer", "error", err)
	}
	return h
}

// System describes machine, sensors and program.
func (s *Service) System(ctx context.Context) (domain.System, error) {
	sys := s.d.Sampler.System()
	sys.App = s.d.App()
	sys.App.DatabaseBytes, sys.App.Debug, sys.App.Database = s.d.Store.SizeBytes(), s.d.Settings.Debug(), s.d.Store.State()
	sys.Telemetry = s.d.Sampler.Stats()
	sys.GPUs = withPeaks(sys.GPUs)
	sys.Bandwidth = s.bandwidth(ctx, machineOf(sys), engineThreads(sys))
	return sys, nil
}

// SystemTelemetry returns the newest samples, outside any run too.
func (s *Service) SystemTelemetry(_ context.Context, last time.Duration) ([]domain.Sample, error) {
	if last < 0 || last > telemetryHistory {
		return nil, domain.Invalid("query.last", "must be at most 1h")
	}
	return s.d.Sampler.History(last), nil
}

// Doctor checks the installation.
func (s *Service) Doctor(ctx context.Context) (domain.DoctorReport, error) {
	pre, err := s.Preflight(ctx, 0)
	if err != nil {
		return domain.DoctorReport{}, err
	}
	db := domain.Check{Code: "database", State: "ok", Detail: "The database answers."}
	if err := s.d.Store.Ping(ctx); err != nil {
		db.State, db.Detail = "invalid", "The database does not answer."
	} else if s.d.Store.State().Check == "damaged" {
		db.State, db.Detail = "invalid", "The database is damaged."
	}
	sys, err := s.System(ctx)
	if err != nil {
		return domain.DoctorReport{}, err
	}
	rep := domain.DoctorReport{OK: pre.Ready && db.State == "ok", Checks: append([]domain.Check{db}, pre.Checks...)}
	rep.Text = withoutPaths(doctorText(sys, rep.Checks))
	return rep, nil
}

// doctorText is made to be pasted into a report; it holds no secret, prompt or path of a person.
func doctorText(sys domain.System, checks []domain.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Inferometer %s (%s)\n%s, kernel %s, %s\n%s, %d threads, %.1f GB RAM\n",
		sys.App.Version, sys.App.Commit, sys.OS, sys.Kernel, sys.Arch, sys.CPUModel, sys.CPUThreads, sys.RAMTotalGB)
	if sys.Virtual != "" {
		fmt.Fprintf(&b, "Virtualization: %s\n", sys.Virtual)
	}
	for _, g := range sys.GPUs {
		fmt.Fprintf(&b, "GPU %d: %s, driver %s\n", g.Index, g.Name, g.Driver)
	}
	if len(sys.GPUs) == 0 {
		fmt.Fprintf(&b, "GPU: none. %s\n", sys.GPUReason)
	}
	for _, c := range checks {
		fmt.Fprintf(&b, "%-8s %-14s %s\n", c.State, c.Code, c.Detail)
	}
	for _, x := range sys.Sensors {
		if !x.Available {
			fmt.Fprintf(&b, "missing  %-14s %s\n", x.Key, x.Reason)
		}
	}
	return b.String()
}

// withoutPaths hides the paths in a text that may tell of a person; those of the kernel do not.
func withoutPaths(text string) string {
	return anyPath.ReplaceAllStringFunc(text, func(found string) string {
		for _, known := range []string{"/sys/", "/proc/", "/dev/"} {
			if strings.HasPrefix(found[1:], known) {
				return found
			}
		}
		return found[:1] + "[path]"
	})
}

// anyPath is an absolute path after the sign before it: /a/b, ~/a, C:\a or \\host\a.
var anyPath = regexp.MustCompile(`[\s"'(=:](?:~?/[^\s"')]+|(?:[A-Za-z]:)?\\[^\s"')]+)`)

// Settings returns every setting with its origin.
func (s *Service) Settings(context.Context) (domain.Settings, error) {
	return s.d.Settings.Settings(), nil
}

// EditSettings changes stored settings. A new sampling rate counts at once, so it has to wait for
// the end of a run.
func (s *Service) EditSettings(ctx context.Context, p domain.SettingsPatch) (domain.Settings, error) {
	if _, busy := s.ActiveRun(); busy && p.TelemetryHz != nil {
		return domain.Settings{}, &domain.Error{Kind: domain.KindConflict, Hint: "Wait for it to end, or cancel it.",
			Msg:    "The sampling rate cannot change while a benchmark runs.",
			Fields: []domain.FieldError{{Location: "body.telemetry_hz", Message: "is fixed while a benchmark runs"}}}
	}
	var samples []domain.Result
	if or(p.Debug, false) { // read before anything changes: the file may be bad
		var err error
		if samples, err = s.sampleRows(); err != nil {
			return domain.Settings{}, err
		}
	}
	if err := s.d.Settings.Apply(ctx, p); err != nil {
		return domain.Settings{}, err
	}
	if p.TelemetryHz != nil {
		s.d.Sampler.SetRate(*p.TelemetryHz)
	}
	if samples != nil {
		if err := s.storeSamples(ctx, samples); err != nil {
			return domain.Settings{}, err
		}
	}
	return s.d.Settings.Settings(), nil
}

// Events follows the live events; lastID resumes.
func (s *Service) Events(ctx context.Context, lastID string) <-chan domain.Event {
	return s.d.Hub.Subscribe(ctx, lastID)
}

// userMessage is the sentence of an error that a person may see.
func userMessage(err error) string {
	var e *domain.Error
	if errors.As(err, &e) {
		return strings.TrimSpace(e.Msg + " " + e.Hint)
	}
	return err.Error()
}
