//go:build acceptance

package acceptance

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

var readsOf = regexp.MustCompile(`reads (\d+\.\d) (?:of|GB/s where memory delivers) (\d+\.\d) GB/s(?: \((\d+) %\))?`)

// TestLimitOfARealRun measures the memory of this machine and then SmolLM2, and does the arithmetic of
// the run's sentence once more: bytes per token × decode speed against what memory delivers.
func TestLimitOfARealRun(t *testing.T) {
	s := newPlace(t).serve()
	memory, ok := s.bandwidth(20 * time.Second)
	r := s.finish(body(`"max_tokens":96`, `"stop":{"requests":4}`))
	b := r.Bottleneck
	if b == nil || b.Sentence == "" {
		t.Fatalf("no sentence: %+v", b)
	}
	t.Log(b.Sentence)
	facts := slices.Concat(b.Evidence, b.RuledOut, b.NotJudged)
	at := slices.IndexFunc(facts, func(f domain.LimitFact) bool { return f.About == domain.LimitMemory })
	if at < 0 {
		t.Fatalf("memory is not spoken of in %+v", facts)
	}
	if !ok { // others were at work all the time: then the run must say what it lacks
		if facts[at].Claim != "The memory bandwidth of this machine has not been measured yet." {
			t.Errorf("without a ceiling it says %q", facts[at].Claim)
		}
		return
	}
	t.Log(facts[at].Claim)
	reads := bytesPerToken(t, r) * *r.Summary.DecodeTokensPerSecond / 1e9
	m := readsOf.FindStringSubmatch(facts[at].Claim)
	if m == nil {
		t.Fatalf("no figures in %q", facts[at].Claim)
	}
	near := func(what, text string, want, tolerance float64) {
		if got, err := strconv.ParseFloat(text, 64); err != nil || math.Abs(got-want) > tolerance {
			t.Errorf("%s: told %s, computed %.2f", what, text, want)
		}
	}
	near("GB/s read", m[1], reads, 0.06+0.01*reads)
	near("GB/s of memory", m[2], memory.GBPerS, 0.06)
	if m[3] != "" {
		near("share", m[3], 100*reads/memory.GBPerS, 1.6)
	}
	if b.Limit == domain.LimitMemory && math.Abs(*b.Share-reads/memory.GBPerS) > .02 {
		t.Errorf("share %.3f of %+v", *b.Share, b)
	}
}

// bytesPerToken is what one token of the run reads on average: every weight of the file, whose table of
// tokens is its output layer too, and the context cache of 30 layers, 3 heads of keys and of values, 64
// numbers of 2 bytes each, for the tokens that came before.
func bytesPerToken(t *testing.T, r domain.Run) float64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", ".engine", "models", "SmolLM2-135M*.gguf"))
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("models %v", files)
	}
	st, err := os.Stat(files[0])
	must(t, err)
	weights := float64(*r.Environment.Model.BytesPerToken)
	if share := weights / float64(st.Size()); share < .95 || share > 1 {
		t.Errorf("a token reads %.0f of a file of %d bytes", weights, st.Size())
	}
	tokens := r.Summary.Tokens
	n := float64(r.Summary.Requests.OK)
	before := float64(*tokens.Prompt)/n + float64(tokens.Output)/n/2
	return weights + before*30*3*(64+64)*2
}

// bandwidth measures memory as soon as nobody else is at work; ok is false when that never is within the time.
func (s *server) bandwidth(within time.Duration) (b domain.Bandwidth, ok bool) {
	s.t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for end := time.Now().Add(within); time.Now().Before(end); <-tick.C {
		a := s.post(api+"/system/bandwidth", "{}")
		if a.status == http.StatusOK {
			return decode[domain.Bandwidth](a), true
		}
		if a.status != http.StatusConflict {
			s.t.Fatalf("%s: status %d: %s", a.what, a.status, fmt.Sprintf("%.300s", a.body))
		}
	}
	return b, false
}
