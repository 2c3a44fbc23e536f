package store_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// What the test binary does with a database when one of these names it.
const (
	writerEnv = "STORE_TEST_WRITER" // writes until it is killed
	lockerEnv = "STORE_TEST_LOCKER" // holds it locked until its input ends
	openerEnv = "STORE_TEST_OPENER" // opens it and says how that went
)

// TestMain lets the test binary be its own victim: with writerEnv set it writes until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	if path := os.Getenv(lockerEnv); path != "" {
		fmt.Fprintln(os.Stderr, holdLocked(path))
		os.Exit(1)
	}
	if path := os.Getenv(openerEnv); path != "" {
		fmt.Println(tryOpening(path))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	perBatch  = 3
	readEach  = 61 // readings of a batch; after ten batches they fill a chunk
	producers = 8
)

func victim(p int) domain.RunID { return domain.RunID(fmt.Sprint("victim-", p)) }

// writeForever has several producers append batches to running runs, each its own, and print their
// number and that of the batch when it is stored.
func writeForever(path string) error {
	ctx := background()
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for p := range producers {
		go func() { errs <- produce(ctx, s, p) }()
	}
	return <-errs
}

func produce(ctx context.Context, s *store.Store, p int) error {
	r := newRun(string(victim(p)))
	r.Status = domain.StatusRunning
	if err := s.CreateRun(ctx, r); err != nil {
		return err
	}
	for batch := 0; ; batch++ {
		var b domain.Batch
		for i := range perBatch {
			q := okRequest(string(r.ID), batch*perBatch+i, t0().Add(time.Duration(batch)*time.Second), 9, 1, 1, 1)
			q.Prompt, q.Output = ptr("a prompt"), ptr(fmt.Sprintf("%4000d", q.N))
			q.ChunkUs = []int64{10, 20, 31}
			b.Requests = append(b.Requests, q)
		}
		for i := range readEach {
			b.Samples = append(b.Samples, domain.Sample{TUs: int64(batch*readEach + i), Timestamp: t0()})
		}
		if err := s.AppendRun(ctx, r.ID, b); err != nil {
			return err
		}
		fmt.Println(p, batch)
	}
}

// killWriter starts a writer, kills it after it has acknowledged some batches and a moment more,
// and returns how many batches of each producer it acknowledged.
func killWriter(t *testing.T, path string, batches int, more time.Duration) (acked [producers]int) {
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
	lines := bufio.NewScanner(out)
	for seen := 0; lines.Scan(); seen++ {
		var p, batch int
		if _, err := fmt.Sscan(lines.Text(), &p, &batch); err != nil || batch != acked[p] {
			t.Errorf("the writer says %q after %d batches", lines.Text(), acked[p])
		}
		acked[p]++
		if seen == batches {
			// Not at once: between two acknowledgements the kill would always hit the same place.
			time.AfterFunc(more, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed, so this is an error by design
	return acked
}

func TestKilledWriterLosesNothing(t *testing.T) {
	const kills = 100
	r := rand.New(rand.NewPCG(kills, 3))
	var acked, kept, folded int
	for range kills {
		path := filepath.Join(t.TempDir(), "inferometer.db")
		of := killWriter(t, path, r.IntN(200), time.Duration(r.IntN(5000))*time.Microsecond)
		acked += perBatch * sum(of[:])
		kept += afterKill(t, path, of)
		_, chunks := laid(t, openAt(t, path))
		folded += chunks
	}
	if folded < kills {
		t.Errorf("only %d chunks in %d kills", folded, kills)
	}
	t.Logf("%d kills, %d requests acknowledged, %d kept, %d chunks", kills, acked, kept, folded)
}

func sum(ns []int) (n int) {
	for _, x := range ns {
		n += x
	}
	return n
}

// afterKill opens what a killed writer left behind and returns how many requests are there.
func afterKill(t *testing.T, path string, acked [producers]int) (kept int) {
	t.Helper()
	s := openAt(t, path)
	defer s.Close()
	var verdict string
	if err := s.Reader().QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity: %s, %v", verdict, err)
	}
	sumsAreExact(t, s)
	runs, err := s.InterruptRunning(t.Context(), t0())
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		p := 0
		if _, err := fmt.Sscanf(string(run.ID), "victim-%d", &p); err != nil || run.Status != domain.StatusInterrupted {
			t.Fatalf("run %s is %s, %v", run.ID, run.Status, err)
		}
		qs := collect(t, s.Records(t.Context(), run.ID))
		if len(qs) < acked[p]*perBatch || len(qs)%perBatch != 0 {
			t.Errorf("%d requests are there, %d batches of %d were acknowledged", len(qs), acked[p], perBatch)
		}
		for n, q := range qs {
			if q.N != n || *q.Output != fmt.Sprintf("%4000d", n) || len(q.ChunkUs) != 3 {
				t.Fatalf("request %d is not what was written", n)
			}
		}
		ms := collect(t, s.Samples(t.Context(), run.ID))
		if len(ms) != len(qs)/perBatch*readEach {
			t.Errorf("%d samples beside %d requests", len(ms), len(qs))
		}
		for i, m := range ms {
			if m.TUs != int64(i) {
				t.Fatalf("sample %d is from %d", i, m.TUs)
			}
		}
		kept += len(qs)
	}
	if a := averages(t, s, domain.Window{}, domain.ResultFilter{}); int(a.Count) != kept || len(runs) < acksOf(acked) {
		t.Errorf("%d runs and %d results of %d requests", len(runs), a.Count, kept)
	}
	return kept
}

// acksOf is how many producers were told that something is stored.
func acksOf(acked [producers]int) (n int) {
	for _, batches := range acked {
		if batches > 0 {
			n++
		}
	}
	return n
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
