package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

const writerEnv = "STORE_TEST_WRITER"

// TestMain lets the test binary be its own victim: with writerEnv set it writes until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const perBatch = 3

// writeForever appends batches to a running run and prints the number of each when it is stored.
func writeForever(path string) error {
	ctx := background()
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	r := newRun("victim")
	r.Status = domain.StatusRunning
	if err := s.CreateRun(ctx, r); err != nil {
		return err
	}
	for batch := 0; ; batch++ {
		var b domain.Batch
		for i := range perBatch {
			q := okRequest("victim", batch*perBatch+i, t0(), 9, 1, 1, 1)
			q.Prompt, q.Output = ptr("a prompt"), ptr(fmt.Sprintf("%4000d", q.N))
			q.ChunkUs = []int64{10, 20, 31}
			b.Requests = append(b.Requests, q)
			b.Samples = append(b.Samples, domain.Sample{TUs: int64(q.N), Timestamp: t0()})
		}
		if err := s.AppendRun(ctx, "victim", b); err != nil {
			return err
		}
		fmt.Println(batch)
	}
}

// killWriter starts a writer, kills it after it has acknowledged some batches and a moment more,
// and returns the last batch that it acknowledged.
func killWriter(t *testing.T, path string, batches int, more time.Duration) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Errorf("the writer says %q", lines.Text())
		}
		if last == batches {
			// Not at once: between two acknowledgements the kill would always hit the same place.
			time.AfterFunc(more, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed, so this is an error by design
	return last
}

func TestKilledWriterLosesNothing(t *testing.T) {
	for round := range 8 {
		path := filepath.Join(t.TempDir(), "inferometer.db")
		acked := killWriter(t, path, 5+3*round, time.Duration(round)*700*time.Microsecond)
		if acked < 5 {
			t.Fatalf("the writer ended after batch %d", acked)
		}
		s := openAt(t, path)
		var verdict string
		if err := s.Reader().QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("integrity: %s, %v", verdict, err)
		}
		qs := collect(t, s.Records(t.Context(), "victim"))
		if len(qs) < (acked+1)*perBatch || len(qs)%perBatch != 0 {
			t.Errorf("%d requests are there, %d batches of %d were acknowledged", len(qs), acked+1, perBatch)
		}
		for n, q := range qs {
			if q.N != n || *q.Output != fmt.Sprintf("%4000d", n) || len(q.ChunkUs) != 3 {
				t.Fatalf("request %d is not what was written", n)
			}
		}
		if ms := collect(t, s.Samples(t.Context(), "victim")); len(ms) != len(qs) {
			t.Errorf("%d samples beside %d requests", len(ms), len(qs))
		}
		runs, err := s.InterruptRunning(t.Context(), t0())
		if err != nil || len(runs) != 1 || runs[0].Status != domain.StatusInterrupted {
			t.Errorf("interrupted %v, %v", runs, err)
		}
		s.Close()
	}
}

// TestReadsDuringWrites reads everything while batches arrive; no read may fail or see half a batch.
func TestReadsDuringWrites(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, newRun("a"))
	done := make(chan error)
	const batches = 150
	go func() {
		for batch := range batches {
			var b domain.Batch
			for i := range perBatch {
				b.Requests = append(b.Requests, okRequest("a", batch*perBatch+i, t0(), 1, 1, 1, 1))
			}
			if err := s.AppendRun(background(), "a", b); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	read := func() (last bool) {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			last = true
		default:
		}
		if a := averages(t, s, domain.Window{}, domain.ResultFilter{}); a.Count%perBatch != 0 || last && a.Count != batches*perBatch {
			t.Fatalf("a read sees %d requests", a.Count)
		}
		if _, err := s.Requests(t.Context(), "a", domain.RequestFilter{Limit: 50}); err != nil {
			t.Fatal(err)
		}
		if qs := collect(t, s.Records(t.Context(), "a")); last && len(qs) != batches*perBatch {
			t.Fatalf("%d records", len(qs))
		}
		return last
	}
	for !read() {
	}
}

// TestManyWriters: writers wait for each other and none fails.
func TestManyWriters(t *testing.T) {
	s := openNew(t)
	errs := make(chan error)
	for w := range 8 {
		go func() {
			for i := range 20 {
				if err := s.SetKV(background(), fmt.Sprint(w, i), "v"); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
