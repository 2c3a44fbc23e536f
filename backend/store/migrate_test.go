package store

import (
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/inferometer/inferometer/backend/domain"
)

var update = flag.Bool("update", false, "write the schema fixture of the newest version anew")

func embedded(t *testing.T) []migration {
	t.Helper()
	steps, err := migrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// schema lists all that the database is made of.
func schema(t *testing.T, db *sql.DB) string {
	t.Helper()
	rows, err := db.Query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		out.WriteString(text + ";\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestSchemaIsFrozen fails when a released migration is changed: then old databases would differ
// from new ones. A change belongs in a new migration.
func TestSchemaIsFrozen(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := schema(t, s.r)
	const file = "testdata/schema.sql"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema is not that of %s:\n%s", file, got)
	}
}

// fromFixture makes a database as version 1 wrote it.
func fromFixture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/v1.db.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "inferometer.db")
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE sample SET gpus = '[{"index":2,"gpu_usage_percent":37.5,"power_w":null}]'; UPDATE run SET validity = '{"verdict":"valid","checks":[]}'`); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestVersion1StaysReadable reads what the first version wrote, field by field where it matters.
func TestVersion1StaysReadable(t *testing.T) {
	s, err := Open(t.Context(), fromFixture(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Run(t.Context(), "5f0c6c1e-0000-4000-8000-000000000001")
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "first" || r.Status != domain.StatusCompleted || r.Plan.MaxTokens != 128 || !slices.Equal(r.Tags, []string{"old"}) || r.StartedAt == nil {
		t.Errorf("run %+v", r)
	}
	if r.Validity == nil || r.Validity.Verdict != "valid" || r.Validity.Interference == nil {
		t.Errorf("validity %+v", r.Validity)
	}
	q, err := s.Request(t.Context(), r.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if q.Stage != 0 || q.Turn != 0 || q.DueUs != nil || q.Conversation != nil || q.ChunkTokens != nil {
		t.Errorf("what the first version did not know is %+v", q)
	}
	if *q.Prompt != "Hello" || *q.OutputTokens != 3 || *q.TTFTUs != 1500 || !slices.Equal(q.ChunkUs, []int64{1500, 2500, 3600}) ||
		!slices.Equal(q.ChunkKinds, []domain.ChunkKind{1, 1, 2}) || q.Server.PredictedTokens != 3 {
		t.Errorf("request %+v", q)
	}
	sampleOfVersion1(t, s, r.ID)
	if _, err := s.FoldTelemetry(t.Context()); err != nil {
		t.Fatal(err)
	}
	sampleOfVersion1(t, s, r.ID)
	a, err := s.Averages(t.Context(), domain.Window{}, domain.ResultFilter{})
	if err != nil || a.Count != 2 || *a.TokenCount != 6.5 {
		t.Errorf("averages %+v, %v", a, err)
	}
	if v, ok, err := s.GetKV(t.Context(), "settings"); v != "{}" || !ok || err != nil {
		t.Errorf("kv %q %v %v", v, ok, err)
	}
}

func sampleOfVersion1(t *testing.T, s *Store, id domain.RunID) {
	t.Helper()
	n := 0
	for m, err := range s.Samples(t.Context(), id) {
		n++
		if err != nil || *m.CPUPercent != 12.5 || !slices.Equal(m.CPUCores, []float64{1, 24}) || m.RAMUsedGB != nil || m.StealPercent != nil {
			t.Errorf("sample %+v, %v", m, err)
		}
		if len(m.GPUs) != 1 || m.GPUs[0].Index != 2 || *m.GPUs[0].UtilPct != 37.5 || m.GPUs[0].PowerW != nil {
			t.Errorf("GPUs kept as text: %+v", m.GPUs)
		}
	}
	if n != 1 {
		t.Errorf("%d samples", n)
	}
}

func TestMigrationBacksUpAndAppliesAll(t *testing.T) {
	path := fromFixture(t)
	steps := embedded(t)
	last := len(steps) + 2
	steps = append(steps, migration{last - 1, "more", "ALTER TABLE kv ADD COLUMN extra TEXT"}, migration{last, "last", "UPDATE kv SET extra = 'x'; CREATE TABLE t(a)"})
	s, err := openWith(t.Context(), path, steps)
	if err != nil {
		t.Fatal(err)
	}
	var extra string
	var version int
	if err := s.r.QueryRow("SELECT extra, (SELECT * FROM pragma_user_version) FROM kv").Scan(&extra, &version); err != nil || extra != "x" || version != last {
		t.Errorf("%q, version %d, %v", extra, version, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	backups, err := filepath.Glob(filepath.Join(filepath.Dir(path), "backups", "inferometer-v0001-*.db"))
	if err != nil || len(backups) != 1 {
		t.Fatalf("backups %v, %v", backups, err)
	}
	if fi, err := os.Stat(backups[0]); err != nil || fi.Mode().Perm()&0o077 != 0 {
		t.Errorf("backup has mode %v, %v", fi.Mode(), err)
	}
	old, err := Open(t.Context(), backups[0])
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := old.Run(t.Context(), "5f0c6c1e-0000-4000-8000-000000000001"); err != nil {
		t.Error(err)
	}
	// And the newer file is refused by the older program.
	if s, err := Open(t.Context(), path); err == nil {
		s.Close()
		t.Error("a newer schema was opened")
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	path := fromFixture(t)
	steps := append(embedded(t), migration{3, "three", "CREATE TABLE t(a)"}, migration{4, "bad", "CREATE TABLE u(a); INSERT INTO nowhere VALUES(1)"})
	if _, err := openWith(t.Context(), path, steps); err == nil || !strings.Contains(err.Error(), "bad") {
		t.Fatalf("got %v", err)
	}
	s, err := openWith(t.Context(), path, steps[:3]) // step 3 was whole, step 4 left nothing
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := schema(t, s.r); !strings.Contains(got, "TABLE t(") || strings.Contains(got, "TABLE u(") {
		t.Error(got)
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("SELECT 1")}
	for _, names := range [][]string{{"0002_a.sql"}, {"0001_a.sql", "0001_b.sql"}, {"0001_a.sql", "0003_b.sql"}, {"x.sql"}} {
		fsys := fstest.MapFS{}
		for _, n := range names {
			fsys["migrations/"+n] = file
		}
		if _, err := migrations(fsys); err == nil {
			t.Errorf("%v was taken", names)
		}
	}
}

// TestPragmas asks every connection of both pools at once.
func TestPragmas(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(db *sql.DB, n int, want []pragma) {
		for range n {
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() // after all are open
			for _, p := range want {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+p.name).Scan(&got); err != nil || got != p.want {
					t.Errorf("%s is %q, %v; want %s", p.name, got, err, p.want)
				}
			}
		}
	}
	ask(s.r, readers, []pragma{{"query_only", "", "1"}, {"journal_mode", "", "wal"}, {"busy_timeout", "", "5000"}})
	ask(s.w, 1, []pragma{{"synchronous", "", "2"}, {"journal_mode", "", "wal"}, {"foreign_keys", "", "1"}, {"busy_timeout", "", "5000"}, {"auto_vacuum", "", "2"}})
	if _, err := s.r.Exec("INSERT INTO kv VALUES('a', 'b')"); err == nil {
		t.Error("a reader can write")
	}
}

func TestPragmaThatDoesNotHoldIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := prepareFile(path); err != nil {
		t.Fatal(err)
	}
	db := open(path, "mode=rw", 1, []pragma{{"page_size", "1000", "1000"}}) // not a power of two
	defer db.Close()
	if err := db.Ping(); err == nil || !strings.Contains(err.Error(), "page_size") {
		t.Errorf("got %v", err)
	}
}

// TestWritersBeginImmediate: a second writer waits at BEGIN, not in the middle of its work.
func TestWritersBeginImmediate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, err := s.w.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	other := open(path, "mode=rw&_txlock=immediate", 1, []pragma{{"busy_timeout", "1", "1"}})
	defer other.Close()
	folding, err := prepareFolding(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	second := &Store{path: path, w: other, r: s.r, writer: startWriter(other, folding)}
	defer second.writer.close()
	err = second.SetKV(t.Context(), "a", "b")
	if domain.KindOf(err) != domain.KindUnavailable || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got %v", err)
	}
}

func TestDiskFullSaysSo(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.w.Exec("PRAGMA max_page_count = 1"); err != nil { // as far as it may shrink: the present size
		t.Fatal(err)
	}
	err = s.SetKV(t.Context(), "a", strings.Repeat("x", 1<<20))
	if domain.KindOf(err) != domain.KindUnavailable || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("got %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
