package telemetry

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// tree writes a recorded /proc.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestDrawingProcessesCountAsOurs(t *testing.T) {
	root := tree(t, map[string]string{
		"self/task/1/children": "10 11 ", "self/task/2/children": "12 ", "self/task/3/children": "",
		"10/comm": "WebKitWebProces\n", "11/comm": "llama-server\n", "12/comm": "WebKitNetworkPr\n",
	})
	used := map[int]time.Duration{10: 5 * time.Second, 11: time.Hour, 12: time.Second}
	s := newSelfProcess(root, func(pid int) (time.Duration, bool) { d, ok := used[pid]; return d, ok })
	start := time.Now()
	if got := s.drawing(start); got != 0 {
		t.Errorf("at first sight %v, want 0: what was before does not count", got)
	}
	used[10], used[11], used[12] = 7*time.Second, 2*time.Hour, 2*time.Second
	if got := s.drawing(start.Add(time.Millisecond)); got != 3*time.Second {
		t.Errorf("later %v, want 3 s of the two that draw, none of the engine", got)
	}
	delete(used, 12)
	if got := s.drawing(start.Add(2 * time.Millisecond)); got != 3*time.Second {
		t.Errorf("after one has ended %v, want what it had used", got)
	}
	used[10] = 8 * time.Second
	if got := s.drawing(start.Add(2 * lookEvery)); got != 4*time.Second {
		t.Errorf("at last %v, want 4 s", got)
	}
}

func TestSelfRunsOn(t *testing.T) {
	p, ok := newSelfSource()
	if !ok {
		t.Fatal("this program cannot be watched")
	}
	defer p.close()
	a, ok := p.cpuTime()
	spin := 0
	for x := range 10_000_000 { // use some time
		spin += x % 7
	}
	if b, ok2 := p.cpuTime(); !ok || !ok2 || b <= a || spin == 0 {
		t.Errorf("CPU time went from %v to %v", a, b)
	}
}
