//go:build realengine

package library

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// TestInstallReal fetches the true engine and model, as a fresh machine does, then again with
// everything there. INFEROMETER_INSTALL_DIR keeps the result.
func TestInstallReal(t *testing.T) {
	root := os.Getenv("INFEROMETER_INSTALL_DIR")
	if root == "" {
		root = t.TempDir()
	}
	l, err := New(Options{DataDir: root, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	show := func(d domain.Download) { t.Logf("%s %s %d %s %s", d.ID, d.State, d.DoneBytes, d.Source, d.Error) }
	if err := l.Install(t.Context(), root, nil, show); err != nil {
		t.Fatal(err)
	}
	b, err := l.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("engine: %+v", b)
	again := time.Now()
	if err := l.Install(t.Context(), root, nil, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(again); took > time.Second {
		t.Errorf("a second install took %v", took)
	}
	m, err := l.Model(t.Context(), "HuggingFaceTB/SmolLM2-135M-Instruct")
	if err != nil || !m.Installed || m.ID != "smollm2-135m" || m.SHA256 == "" {
		t.Errorf("model: %+v, %v", m, err)
	}
}
