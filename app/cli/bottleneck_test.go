package cli

import (
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestBandwidthSaysWhatWasRead(t *testing.T) {
	for args, threads := range map[string]any{"bandwidth": nil, "bandwidth --threads 3": 3.0} {
		var body map[string]any
		h := &fakeHost{handler: recorder(domain.Bandwidth{GBPerS: 28.46, Threads: 3}, &body)}
		out, err := line(t, h, strings.Fields(args)...)
		if err != nil || !strings.Contains(out, "Memory bandwidth: 28.5 GB/s with 3 thread(s), estimated peak of reading, ± 20 %") || body["threads"] != threads {
			t.Errorf("%s: %q, sent %v, %v", args, out, body, err)
		}
	}
}

func TestShowSaysWhatLimitedARun(t *testing.T) {
	run := domain.Run{ID: "x", Status: domain.StatusCompleted, Bottleneck: &domain.Bottleneck{
		Sentence: "Decoding is limited by memory bandwidth.",
		Evidence: []domain.LimitFact{{Claim: "Decoding is limited by memory bandwidth."}, {Claim: "Decoding reads 20 GB/s."}},
		RuledOut: []domain.LimitFact{{About: domain.LimitClient, Claim: "Processor use of Inferometer itself.", Value: new(2.0), Unit: "%"},
			{About: domain.LimitMemory, Claim: "Much is left.", Value: new(3.0)}},
		NotJudged: []domain.LimitFact{{About: domain.LimitThermal, Claim: "The clock cannot be read."}},
	}}
	var body map[string]any
	out, err := line(t, &fakeHost{handler: recorder(run, &body)}, "show", "x")
	if err != nil {
		t.Fatal(err)
	}
	want := "\nLimit: Decoding is limited by memory bandwidth.\n  Decoding reads 20 GB/s.\n" +
		"  ruled out: client. Processor use of Inferometer itself. 2 %\n  ruled out: memory bandwidth. Much is left.\n" +
		"  not judged: thermal. The clock cannot be read.\n"
	if !strings.Contains(out, want) {
		t.Errorf("%s\nlacks\n%s", out, want)
	}
}
