package stats

import (
	"runtime"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// large is a run of so many streams with so many tokens each, with gaps of all sizes.
func large(streams, tokens int) Input {
	in := Input{Plan: domain.Plan{MaxTokens: tokens, Load: closedLoad(streams)}}
	state := uint32(1)
	for n := range streams {
		r := req(n, 0)
		r.ChunkUs = make([]int64, tokens)
		at := int64(100_000)
		for k := range r.ChunkUs {
			state = state*1664525 + 1013904223
			at += 15_000 + int64(state>>18)
			r.ChunkUs[k] = at
		}
		r.OutputTokens, r.TextTokens = &tokens, &tokens
		stamp(&r)
		in.Requests = append(in.Requests, r)
	}
	return in
}

func BenchmarkReport(b *testing.B) {
	for _, c := range []struct {
		name            string
		streams, tokens int
	}{{"256x256", 256, 256}, {"5000x64", 5000, 64}, {"10000x16", 10000, 16}, {"1000x1000", 1000, 1000}} {
		in := large(c.streams, c.tokens)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Report(in)
			}
		})
		b.Run(c.name+"/lenses", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Lenses(in)
			}
		})
	}
}

// The gaps of a run are copied once, not once for every figure made of them.
func TestReportCopiesTheGapsOnce(t *testing.T) {
	in := large(256, 1024)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Report(in)
	runtime.ReadMemStats(&after)
	gaps := uint64(256 * 1023 * 8)
	if took := after.TotalAlloc - before.TotalAlloc; took > 2*gaps+gaps/4 { // twice: the race detector keeps the compiler from growing a slice in place
		t.Errorf("a report of %d kB of gaps took %d kB", gaps/1024, took/1024)
	}
}
