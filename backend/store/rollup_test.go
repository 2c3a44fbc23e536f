package store_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// FuzzSums does random things to a database, and holds its sums against its rows after each few.
func FuzzSums(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		x := newShuffle(t, seed)
		for step := range 60 {
			x.step(step)
			if step%6 == 5 {
				sumsAreExact(t, x.s)
				x.averages()
			}
		}
	})
}

// TestThinAndDenseResultsAreSummedAlike imports results that lie one in a bucket, then many in one, then the first
// ones anew: each goes into the sums another way.
func TestThinAndDenseResultsAreSummedAlike(t *testing.T) {
	x := newShuffle(t, 5)
	batch := func(name string, n int, apart time.Duration) {
		rs := make([]domain.Result, n)
		for i := range rs {
			tokens, ms := x.r.IntN(500), float64(x.r.IntN(1<<20))
			rs[i] = domain.Result{RequestID: fmt.Sprint(name, i), Timestamp: t0().Add(time.Duration(i) * apart), TimeToFirstToken: &ms}
			if i%3 > 0 {
				rs[i].TokenCount = &tokens
			}
			if i%5 > 0 {
				rs[i].TotalGenerationTime, rs[i].TimePerOutputToken = &ms, &ms
			}
		}
		x.must(x.s.UpsertResults(t.Context(), rs, false))
		sumsAreExact(t, x.s)
	}
	batch("thin", 700, 3*time.Second)
	batch("dense", 700, time.Millisecond)
	batch("thin again", 300, 5*time.Hour)
	batch("thin", 700, 7*time.Second)
}

// TestMigrationSumsWhatIsThere: a database from before the sums has them once it was opened.
func TestMigrationSumsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inferometer.db")
	db := raw(t, path)
	for n := 1; n < 7; n++ {
		files, err := filepath.Glob(fmt.Sprintf("migrations/%04d_*.sql", n))
		if err != nil || len(files) != 1 {
			t.Fatalf("migration %d: %v, %v", n, files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, db, string(text))
	}
	mustExec(t, db, "PRAGMA user_version = 6")
	x := &shuffle{t: t, r: rand.New(rand.NewPCG(1, 7))}
	for n := range 400 {
		x.spread = []int64{1e6, 1e9, 1e12, 3e15}[n%4]
		if _, err := db.Exec(`INSERT INTO request(request_id, n, phase, outcome, error_class, error_message, started_us, sent_us, ttft_us, tpot_us, last_us,
			output_tokens, tokens_from, finish_reason, prompt_sha256, sample) VALUES(?, 0, 'measure', 'ok', '', '', ?, 0, ?, ?, ?, ?, '', '', '', ?)`,
			fmt.Sprint(n), x.at().UnixMicro(), x.figure(), x.figure(), x.figure(), x.r.IntN(500), n%3 == 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	x.s = openAt(t, path)
	sumsAreExact(t, x.s)
	x.averages()
	if a := averages(t, x.s, domain.Window{}, domain.ResultFilter{}); a.Count != 400 {
		t.Errorf("%d results are left of 400", a.Count)
	}
}

// shuffle changes a database at random.
type shuffle struct {
	t    *testing.T
	s    *store.Store
	r    *rand.Rand
	runs []domain.Run
	// spread is how far results lie apart, in µs: within a bucket, or over the years.
	spread   int64
	results  int
	requests map[domain.RunID]int
}

func newShuffle(t *testing.T, seed uint64) *shuffle {
	r := rand.New(rand.NewPCG(seed, 7))
	spreads := []int64{1, 1e6, 1e8, 1e11, 3e15}
	return &shuffle{t: t, s: openNew(t), r: r, spread: spreads[seed%uint64(len(spreads))], requests: map[domain.RunID]int{}}
}

func (x *shuffle) at() time.Time {
	return t0().Add(time.Duration(x.r.Int64N(2*x.spread)-x.spread) * time.Microsecond)
}

func (x *shuffle) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *shuffle) step(n int) {
	ctx := x.t.Context()
	if len(x.runs) == 0 || x.r.IntN(10) == 0 {
		run := newRun(fmt.Sprint("run-", n))
		run.Model, run.Engine = fmt.Sprint("m", x.r.IntN(2)), fmt.Sprint("e", x.r.IntN(2))
		run.Sample, run.Tags = x.r.IntN(4) == 0, []string{fmt.Sprint("t", x.r.IntN(3))}
		x.must(x.s.CreateRun(ctx, run))
		x.runs = append(x.runs, run)
	}
	i := x.r.IntN(len(x.runs))
	run := &x.runs[i]
	switch x.r.IntN(8) {
	case 0, 1, 2:
		x.append(run.ID)
	case 3, 4:
		x.upsert()
	case 5: // a change of the run, of which most do not concern its results
		run.Notes += "x"
		switch x.r.IntN(4) {
		case 0:
			run.Model = fmt.Sprint("m", x.r.IntN(2))
		case 1:
			run.Sample = !run.Sample
		}
		x.must(x.s.UpdateRun(ctx, *run))
	case 6: // into the trash, or out of it
		if run.DeletedAt == nil {
			run.DeletedAt = ptr(t0())
		} else {
			run.DeletedAt = nil
		}
		x.must(x.s.UpdateRun(ctx, *run))
	case 7:
		if _, err := x.s.PurgeRuns(ctx, t0().Add(time.Second)); err != nil {
			x.t.Fatal(err)
		}
		x.runs = slices.DeleteFunc(x.runs, func(r domain.Run) bool { return r.DeletedAt != nil })
	}
}

// figure is missing at times, and at times too large for the sums.
func (x *shuffle) figure() *int64 {
	switch x.r.IntN(12) {
	case 0:
		return nil
	case 1:
		return ptr(int64(1)<<31 + x.r.Int64N(1e12))
	case 2:
		return ptr(int64(1)<<31 - 1)
	}
	return ptr(x.r.Int64N(1 << 20))
}

func (x *shuffle) append(id domain.RunID) {
	var b domain.Batch
	for range 1 + x.r.IntN(5) {
		q := okRequest(string(id), x.requests[id], x.at(), x.r.IntN(500), 1, 1, 1)
		q.TTFTUs, q.TPOTUs, q.LastUs = x.figure(), x.figure(), x.figure()
		switch x.r.IntN(6) {
		case 0:
			q.Outcome = domain.OutcomeError
		case 1:
			q.Phase = domain.PhaseWarmup
		case 2:
			q.OutputTokens = nil
		}
		x.requests[id]++
		b.Requests = append(b.Requests, q)
	}
	x.must(x.s.AppendRun(x.t.Context(), id, b))
}

// upsert stores results anew and over others; at times one that is refused, and the rest with it.
func (x *shuffle) upsert() {
	var rs []domain.Result
	for range 1 + x.r.IntN(4) {
		ms := float64(x.r.IntN(1e6)) / 8
		rs = append(rs, domain.Result{RequestID: fmt.Sprint("result-", x.r.IntN(x.results+3)), Timestamp: x.at(), TokenCount: ptr(x.r.IntN(100)), TotalGenerationTime: &ms})
	}
	x.results += len(rs)
	refused := false
	if run := x.runs[0]; x.requests[run.ID] > 0 && x.r.IntN(3) == 0 {
		rs, refused = append(rs, domain.Result{RequestID: fmt.Sprintf("%s-0", run.ID), Timestamp: x.at()}), true
	}
	err := x.s.UpsertResults(x.t.Context(), rs, x.r.IntN(2) == 0)
	if refused != (err != nil) {
		x.t.Fatalf("results: %v, refused %v", err, refused)
	}
}

// averages asks for windows that end at rows, at edges of buckets and beside both.
func (x *shuffle) averages() {
	x.t.Helper()
	for range 12 {
		var w domain.Window
		if x.r.IntN(3) > 0 {
			w.Start = ptr(x.edge())
		}
		if x.r.IntN(3) > 0 {
			w.End = ptr(x.edge())
		}
		f := domain.ResultFilter{Sample: []string{"", "only", "exclude"}[x.r.IntN(3)]}
		if x.r.IntN(3) == 0 {
			f.Model = fmt.Sprint("m", x.r.IntN(2))
		}
		switch x.r.IntN(8) {
		case 0:
			f.Engine = "e1"
		case 1:
			f.Tag = "t1"
		}
		got, err := x.s.Averages(x.t.Context(), w, f)
		x.must(err)
		equal(x.t, fmt.Sprintf("%v to %v, %+v", w.Start, w.End, f), got, rowByRow(x.t, x.s, w, f))
	}
}

func (x *shuffle) edge() time.Time {
	at := x.at().UnixMicro()
	if shift := []int{0, 22, 27, 32, 37, 42}[x.r.IntN(6)]; shift > 0 {
		at = at>>shift<<shift + int64(x.r.IntN(3)) - 1
	}
	return time.UnixMicro(at).UTC()
}

// sumsAreExact makes the sums of every level anew from the results and compares.
func sumsAreExact(t *testing.T, s *store.Store) {
	t.Helper()
	figures := func(name string) string {
		return strings.ReplaceAll("count(NAME), ifnull(sum(NAME), 0), ifnull(sum(NAME * NAME >> 32), 0), ifnull(sum(NAME * NAME & 0xFFFFFFFF), 0)", "NAME", name)
	}
	for _, shift := range []int{22, 27, 32, 37, 42} {
		anew := fmt.Sprintf("SELECT %d, at_us >> %[1]d AS bucket, sample, model, count(*), %s, %s, %s, %s FROM result WHERE fits GROUP BY bucket, sample, model",
			shift, figures("tokens"), figures("ttft"), figures("tpot"), figures("total"))
		kept := fmt.Sprint("SELECT * FROM agg WHERE shift = ", shift)
		var wrong int
		if err := s.Reader().QueryRow("SELECT count(*) FROM (SELECT * FROM (" + anew + ") EXCEPT " + kept + " UNION ALL SELECT * FROM (" + kept + " EXCEPT " + anew + "))").Scan(&wrong); err != nil {
			t.Fatal(err)
		}
		if wrong > 0 {
			t.Fatalf("%d sums of level %d are not those of the results", wrong, shift)
		}
	}
	var left int
	if err := s.Reader().QueryRow("SELECT count(*) FROM agg_delta").Scan(&left); err != nil || left > 0 {
		t.Fatalf("%d changes were left out, %v", left, err)
	}
}

// rowByRow makes the averages from the rows of the tables alone, in exact arithmetic.
func rowByRow(t *testing.T, s *store.Store, w domain.Window, f domain.ResultFilter) domain.Averages {
	t.Helper()
	rows, err := s.Reader().Query(`SELECT request.started_us, request.sample OR coalesce(run.sample, 0), coalesce(model, ''), coalesce(engine, ''), coalesce(tags, '[]'),
		output_tokens, ttft_us, tpot_us, last_us FROM request LEFT JOIN run ON run.id = run_id WHERE outcome = 'ok' AND phase = 'measure' AND deleted_us IS NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var a domain.Averages
	var figures [4][]*big.Int
	for rows.Next() {
		var at int64
		var sample bool
		var model, engine, tags string
		var v [4]*int64
		if err := rows.Scan(&at, &sample, &model, &engine, &tags, &v[0], &v[1], &v[2], &v[3]); err != nil {
			t.Fatal(err)
		}
		in := (w.Start == nil || at >= w.Start.UnixMicro()) && (w.End == nil || at <= w.End.UnixMicro())
		if !in || f.Sample == "only" && !sample || f.Sample == "exclude" && sample || f.Model != "" && model != f.Model ||
			f.Engine != "" && engine != f.Engine || f.Tag != "" && !strings.Contains(tags, `"`+f.Tag+`"`) {
			continue
		}
		a.Count++
		for i := range v {
			if v[i] != nil {
				figures[i] = append(figures[i], big.NewInt(*v[i]))
			}
		}
	}
	a.TokenCount, a.Counts.TokenCount, a.Squares.TokenCount = moments(figures[0], 1)
	a.TimeToFirstToken, a.Counts.TimeToFirstToken, a.Squares.TimeToFirstToken = moments(figures[1], 1000)
	a.TimePerToken, a.Counts.TimePerToken, a.Squares.TimePerToken = moments(figures[2], 1000)
	a.TotalTime, a.Counts.TotalTime, a.Squares.TotalTime = moments(figures[3], 1000)
	return a
}

// moments are mean, number and sum of the squared deviations, in units of scale.
func moments(values []*big.Int, scale int64) (mean *float64, n int64, squares float64) {
	if len(values) == 0 {
		return nil, 0, 0
	}
	sum := new(big.Int)
	for _, v := range values {
		sum.Add(sum, v)
	}
	exact := new(big.Rat).SetFrac(sum, big.NewInt(int64(len(values))*scale))
	m, _ := exact.Float64()
	total := new(big.Rat)
	for _, v := range values {
		d := new(big.Rat).SetFrac(v, big.NewInt(scale))
		d.Sub(d, exact)
		total.Add(total, d.Mul(d, d))
	}
	squares, _ = total.Float64()
	return &m, int64(len(values)), squares
}

// TestAveragesCostTheSame: the plan of a window reads sums by their key and rows by their time, both
// within bounds, and no table from end to end.
func TestAveragesCostTheSame(t *testing.T) {
	s := openNew(t)
	plan := s.WindowPlan(t)
	for _, step := range plan {
		if strings.HasPrefix(step, "SCAN") && step != "SCAN ranges" && !strings.Contains(step, "CONSTANT ROW") {
			t.Errorf("a window reads a whole table: %s", step)
		}
	}
	for _, want := range []string{"SEARCH agg USING PRIMARY KEY (shift=? AND bucket>? AND bucket<?)", "request_time (started_us>? AND started_us<?)", "request_unfit (started_us>? AND started_us<?)"} {
		if !slices.ContainsFunc(plan, func(step string) bool { return strings.Contains(step, want) }) {
			t.Errorf("no step has %q:\n%s", want, strings.Join(plan, "\n"))
		}
	}
}

func TestFiltersReadTheirRunsAlone(t *testing.T) {
	s := openNew(t)
	for _, f := range []domain.ResultFilter{{Engine: "e"}, {Dataset: "d"}, {Tag: "t"}} {
		plan := strings.Join(s.FilterPlan(t, f), "\n")
		if !strings.Contains(plan, "SEARCH request USING INDEX request_result (run_id=?)") {
			t.Errorf("%+v:\n%s", f, plan)
		}
	}
}
