package transfer

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// kept is a Sink that keeps everything.
type kept struct {
	runs     []domain.Run
	phases   []domain.PhaseChange
	requests []domain.RequestRecord
	samples  []domain.Sample
	ended    int
	refuse   domain.RunID
}

func (k *kept) Begin(_ context.Context, r domain.Run) error {
	if r.ID == k.refuse {
		return ErrKnown
	}
	k.runs = append(k.runs, r)
	return nil
}
func (k *kept) Phase(_ context.Context, p domain.PhaseChange) error {
	k.phases = append(k.phases, p)
	return nil
}
func (k *kept) Request(_ context.Context, q domain.RequestRecord) error {
	k.requests = append(k.requests, q)
	return nil
}
func (k *kept) Sample(_ context.Context, s domain.Sample) error {
	k.samples = append(k.samples, s)
	return nil
}
func (k *kept) End(context.Context) error { k.ended++; return nil }

func testRun(id domain.RunID) domain.Run {
	return domain.Run{ID: id, Name: "<b>=1+1</b>", Model: "m", Status: domain.StatusCompleted, CreatedAt: at(), Tags: []string{"a"}, Warnings: []domain.Warning{},
		HardwareMetrics: domain.HardwareMetrics{}, Plan: domain.Plan{ModelID: "m", SLO: []domain.Objective{}, Stages: []domain.PlanStage{}, Phases: []domain.Phase{}}}
}

func testRequest(n int) domain.RequestRecord {
	return domain.RequestRecord{N: n, RequestID: "r", Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK, StartedAt: at(), SentUs: 12345,
		TTFTUs: new(int64(math.MaxInt64)), ChunkUs: []int64{1, 2, 5}, ChunkKinds: []domain.ChunkKind{domain.ChunkText, domain.ChunkReasoning, domain.ChunkOther},
		ChunkTokens: []int{1, 1, 0}, Output: new("a\u2028b</script>"), Prompt: new(""), TokensFrom: "usage"}
}

// writeRun writes one run with its records.
func writeRun(t *testing.T, w io.Writer, id domain.RunID) {
	t.Helper()
	out, err := NewWriter(w, Header{App: "1.0", ExportedAt: at()})
	for _, step := range []func() error{
		func() error { return err },
		func() error { return out.Run(testRun(id)) },
		func() error {
			return out.Phase(domain.PhaseChange{Phase: domain.PhaseMeasure, TUs: 7, At: at(), Stage: &domain.StageMark{Name: "closed:1"}})
		},
		func() error { return out.Request(testRequest(0)) },
		func() error { return out.Request(testRequest(1)) },
		func() error {
			return out.Sample(domain.Sample{Timestamp: at(), TUs: 1234567, TMs: 1234.567, Phase: domain.PhaseMeasure, CPUPercent: new(0.1 + 0.2)})
		},
		func() error { return out.End() },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is written is read back to the last bit.
func TestNativeRoundTrip(t *testing.T) {
	var b bytes.Buffer
	writeRun(t, &b, "a")
	if !IsNative(b.Bytes()) {
		t.Error("not told for a file of the program")
	}
	var k kept
	if err := ReadNative(t.Context(), &b, &k); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(k.requests, []domain.RequestRecord{testRequest(0), testRequest(1)}) {
		t.Errorf("requests %+v", k.requests)
	}
	if len(k.samples) != 1 || k.samples[0].TUs != 1234567 || *k.samples[0].CPUPercent != 0.1+0.2 {
		t.Errorf("samples %+v", k.samples)
	}
	if k.ended != 1 || len(k.phases) != 1 || k.phases[0].TUs != 7 || !reflect.DeepEqual(k.runs, []domain.Run{testRun("a")}) {
		t.Errorf("%+v", k)
	}
}

func TestNativeRefuses(t *testing.T) {
	var b bytes.Buffer
	writeRun(t, &b, "a")
	whole := b.String()
	for name, c := range map[string]struct{ data, says string }{
		"empty":         {"", "holds no result"},
		"cut in a line": {whole[:len(whole)/2], "cannot be read"},
		"no end":        {whole[:strings.LastIndex(whole, `{"end"`)], "cut off"},
		"line lost":     {strings.Replace(whole, strings.SplitAfter(whole, "\n")[3], "", 1), "says that its run has 2 requests"},
		"newer":         {strings.Replace(whole, `"version":1`, `"version":2`, 1), "newer Inferometer"},
		"no header":     {whole[strings.Index(whole, "\n")+1:], "does not say"},
		"unknown kind":  {strings.Replace(whole, `"chunk_kinds":[1,`, `"chunk_kinds":[9,`, 1), "unknown kind"},
		"short list":    {strings.Replace(whole, `"chunk_kinds":[1,`, `"chunk_kinds":[`, 1), "different lengths"},
		"unknown line":  {strings.Replace(whole, `{"sample"`, `{"simple"`, 1), "none that this version knows"},
		"running":       {strings.Replace(whole, `"completed"`, `"running"`, 1), "had not ended"},
		"no id":         {strings.Replace(whole, `"job_id":"a"`, `"job_id":""`, 1), "no job_id"},
		"twice begun":   {whole[:strings.LastIndex(whole, `{"end"`)] + whole, "before the last one ended"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ReadNative(t.Context(), strings.NewReader(c.data), &kept{})
			if c.says == "before the last one ended" && err != nil && strings.Contains(err.Error(), c.says) {
				return
			}
			var e *domain.Error
			if !errors.As(err, &e) || e.Kind != domain.KindInvalid || !strings.Contains(e.Msg, c.says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func testKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func testBundle(t *testing.T, key ed25519.PrivateKey) []byte {
	t.Helper()
	var out bytes.Buffer
	b := NewBundle(&out, "1.0", at(), key)
	for _, id := range []domain.RunID{"a", "b"} {
		if err := b.Run(id, func(w io.Writer) error { writeRun(t, w, id); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(data []byte) (*Opened, error) { return OpenBundle(bytes.NewReader(data), int64(len(data))) }

func TestBundle(t *testing.T) {
	data := testBundle(t, testKey())
	o, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	k := kept{refuse: "a"}
	if err := o.Read(t.Context(), &k); err != nil {
		t.Fatal(err)
	}
	if len(k.runs) != 1 || k.runs[0].ID != "b" || len(k.requests) != 2 || k.ended != 1 {
		t.Errorf("%+v", k)
	}
	if o.Signer != Fingerprint(testKey().Public().(ed25519.PublicKey)) || !o.Manifest.CreatedAt.Equal(at()) {
		t.Errorf("signed by %s at %s", o.Signer, o.Manifest.CreatedAt)
	}
}

// Whichever byte of a bundle is flipped, in whichever bit, it is refused.
func TestBundleWithOneByteFlipped(t *testing.T) {
	data := testBundle(t, testKey())
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		if _, err := open(changed); domain.KindOf(err) != domain.KindInvalid {
			t.Fatalf("byte %d of %d: %v", i, len(data), err)
		}
	}
	for _, n := range []int{0, 1, 100, len(data) / 2, len(data) - 1} {
		if _, err := open(data[:n]); err == nil {
			t.Errorf("cut to %d bytes it is taken", n)
		}
	}
	if _, err := open(append(bytes.Clone(data), 'x')); err == nil {
		t.Error("with a byte more it is taken")
	}
}

// forge signs an archive of any files with a key of its own: only what it holds can give it away.
func forge(t *testing.T, files map[string]string, manifest func(*Manifest)) []byte {
	t.Helper()
	var out bytes.Buffer
	b := NewBundle(&out, "1.0", at(), testKey())
	for name, text := range files {
		w, err := b.zip.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := &summed{w: w, sum: sha256.New()}
		_, _ = io.WriteString(sum, text)
		b.man.Files = append(b.man.Files, ManifestFile{Name: name, Bytes: sum.n, SHA256: hex.EncodeToString(sum.sum.Sum(nil))})
	}
	manifest(&b.man)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestForgedBundles(t *testing.T) {
	keep := func(*Manifest) {}
	for name, data := range map[string][]byte{
		"path out":            forge(t, map[string]string{"runs/../../x.jsonl": "x"}, keep),
		"absolute path":       forge(t, map[string]string{"/etc/passwd": "x"}, keep),
		"other file":          forge(t, map[string]string{"run.sh": "x"}, keep),
		"bomb":                forge(t, map[string]string{"runs/a.jsonl": strings.Repeat("0", 64<<20)}, keep),
		"wrong checksum":      forge(t, map[string]string{"runs/a.jsonl": "x"}, func(m *Manifest) { m.Files[0].SHA256 = strings.Repeat("0", 64) }),
		"wrong size":          forge(t, map[string]string{"runs/a.jsonl": "xx"}, func(m *Manifest) { m.Files[0].Bytes = 1 }),
		"file not named":      forge(t, map[string]string{"runs/a.jsonl": "x"}, func(m *Manifest) { m.Files = nil }),
		"file not there":      forge(t, nil, func(m *Manifest) { m.Files = []ManifestFile{{Name: "runs/a.jsonl"}} }),
		"other key":           forge(t, nil, func(m *Manifest) { m.PublicKey = "AAAA" }),
		"newer":               forge(t, nil, func(m *Manifest) { m.Version = 2 }),
		"other format":        forge(t, nil, func(m *Manifest) { m.Format = "x" }),
		"plain archive":       plainZip(t),
		"not even an archive": []byte(strings.Repeat("x", 400)),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := open(data); domain.KindOf(err) != domain.KindInvalid {
				t.Errorf("error %v", err)
			}
		})
	}
}

func plainZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("manifest.json")
	if err == nil {
		_, err = io.WriteString(w, strings.Repeat("{}", 200))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzNative holds that no file of lines does more than fail with an error for the caller.
func FuzzNative(f *testing.F) {
	var b bytes.Buffer
	out, _ := NewWriter(&b, Header{App: "1", ExportedAt: time.Unix(0, 0).UTC()})
	_ = out.Run(testRun("a"))
	_ = out.Request(testRequest(0))
	_ = out.End()
	f.Add(b.Bytes())
	f.Add([]byte(`{"inferometer":{"version":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var k kept
		if err := ReadNative(t.Context(), bytes.NewReader(data), &k); err != nil && domain.KindOf(err) != domain.KindInvalid {
			t.Error(err)
		}
		for i := range k.requests {
			if _, err := json.Marshal(k.requests[i]); err != nil {
				t.Error(err)
			}
		}
	})
}
