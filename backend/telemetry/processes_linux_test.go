package telemetry

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const statLine = "%d (%s) S %d 1 1 0 -1 4194560 1 2 3 4 %d %d 0 0 20 0 1 0 5 6 7\n"

func TestParseProcess(t *testing.T) {
	for line, want := range map[string]domain.Process{
		fmt.Sprintf(statLine, 42, "cc1plus", 7, 150, 50): {PID: 42, Parent: 7, Name: "cc1plus", CPUS: 2},
		fmt.Sprintf(statLine, 9, "a) S 1 (b", 1, 0, 1):   {PID: 9, Parent: 1, Name: "a) S 1 (b", CPUS: .01},
		"9 (short) S 1 2": {},
		"x (y) S 1":       {},
		"":                {},
		fmt.Sprintf(statLine, 9, "minus", -1, 0, 1)[:20]: {},
	} {
		got, ok := parseProcess([]byte(line))
		if got != want || ok != (want.PID > 0) {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
}

func FuzzParseProcess(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(statLine, 42, "x", 7, 150, 50)))
	f.Add([]byte("1 ()) S"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, ok := parseProcess(data)
		if ok && (p.PID <= 0 || p.CPUS < 0) || !ok && p != (domain.Process{}) && p.CPUS != 0 {
			t.Errorf("%q: %+v %v", data, p, ok)
		}
	})
}

// TestScanFindsWhoBurns really burns a processor in a child.
func TestScanFindsWhoBurns(t *testing.T) {
	burner := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := burner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = burner.Process.Kill()
		_ = burner.Wait()
	})
	scan := NewProcesses()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		for _, p := range scan.Scan() {
			if p.PID == burner.Process.Pid && p.CPUS > .1 {
				if p.Parent != os.Getpid() || p.Name == "" {
					t.Errorf("%+v", p)
				}
				return
			}
		}
	}
	t.Error("the child was not seen at work")
}

func TestScanKeepsItsBudget(t *testing.T) {
	root := t.TempDir()
	for _, pid := range []int{3, 20, 100} {
		dir := filepath.Join(root, fmt.Sprint(pid))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "stat"), fmt.Appendf(nil, statLine, pid, "p", 1, 0, 0), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clock := time.Unix(0, 0)
	slow := Processes{proc: root, now: func() time.Time { clock = clock.Add(3 * time.Millisecond); return clock }}
	var seen [][]int
	for range 3 {
		var pids []int
		for _, p := range slow.Scan() {
			pids = append(pids, p.PID)
		}
		seen = append(seen, pids)
	}
	want := [][]int{{3, 20}, {100}, {3, 20}} // the clock has moved on by 6 ms after two
	if !slices.EqualFunc(seen, want, slices.Equal) {
		t.Errorf("scans saw %v, want %v", seen, want)
	}
	if got := (&Processes{proc: filepath.Join(root, "none"), now: time.Now}).Scan(); got != nil {
		t.Errorf("no /proc: %v", got)
	}
}
