package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// The flags of tune and capacity become the design, those of run the benchmark; nothing else is sent.
func TestTuneAndCapacityBodies(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"tune --model m --prompt p --seed 3 --try threads=1,2 --try flash_attention=on --candidates 4 --pairs 6 --min-effect 1",
			`{"kind":"tune","seed":3,"min_effect_percent":1,"benchmark":{"model_id":"m","prompt":"p"},
			"tune":{"values":{"threads":[1,2],"flash_attention":["on"]},"candidates":4,"pairs":6}}`},
		{"tune --model m --prompt p --settings threads,cache_type_k --requests 2", `{"kind":"tune","benchmark":{"model_id":"m","prompt":"p","stop":{"requests":2}},"tune":{"settings":["threads","cache_type_k"]}}`},
		{"capacity --model m", `{"kind":"capacity","benchmark":{"model_id":"m"},"capacity":{"personas":[{"key":"chat"}]}}`},
		{"capacity --model m --persona chat,custom --slo ttft<800ms --share 90 --requests 20 --think 2s --max-users 8 --repeats 2 --max-runs 9 --name N",
			`{"kind":"capacity","name":"N","benchmark":{"model_id":"m"},"capacity":{"personas":[
			{"key":"chat","objectives":[{"metric":"ttft","below_ms":800}],"share_percent":90},{"key":"custom","objectives":[{"metric":"ttft","below_ms":800}],"share_percent":90}],
			"requests":20,"think_time_ms":2000,"max_users":8,"repeats":2,"max_runs":9}}`},
	} {
		var body, want map[string]any
		h := &fakeHost{handler: recorder(domain.Experiment{ID: "x", Status: domain.StatusCompleted}, &body)}
		if _, err := line(t, h, strings.Fields(c.args)...); err != nil {
			t.Errorf("%s: %v", c.args, err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(body, want) {
			t.Errorf("%s sends\n%v, want\n%v", c.args, body, want)
		}
	}
	for _, args := range []string{"tune --model m --prompt p --try threads", "capacity --model m --slo luck"} {
		var body map[string]any
		if _, err := line(t, &fakeHost{handler: recorder(nil, &body)}, strings.Fields(args)...); err == nil || body != nil {
			t.Errorf("%s: %v, sent %v", args, err, body)
		}
	}
}

func TestTuneAndCapacityArePrinted(t *testing.T) {
	threads := 2
	x := domain.Experiment{ID: "x", Name: "M", Kind: "tune", Status: domain.StatusCompleted, Arms: []domain.Arm{{Name: "Default"}, {Name: "threads 2"}},
		Tune: &domain.TuneResult{Unit: "tok/s", Verdict: "use", Worse: []string{"ttft_ms"}, Sentence: "Use threads 2: +5.0 %, from +4.0 % to +6.0 %.",
			Settings: &domain.EngineOptions{Threads: &threads}, Rounds: []domain.TuneRound{{Candidates: []domain.TuneCandidate{
				{Arm: 1, Runs: 1, Value: new(52.5), Percent: new(5.0), State: "kept"}, {Arm: 0, Runs: 1, State: "failed", Reason: "Out of memory."}}}}}}
	var body map[string]any
	got, err := line(t, &fakeHost{handler: recorder(x, &body)}, "experiments", "x")
	for _, want := range []string{"Use threads 2: +5.0 %", "worse with them: ttft_ms", "--set threads=2", "52.50 tok/s", "+5.0 %", "failed: Out of memory."} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%q is not in %q, %v", want, got, err)
		}
	}
	x.Tune, x.Capacity = nil, &domain.CapacityResult{Personas: []domain.PersonaCapacity{{Key: "chat", SharePercent: 95, Spread: 1.5, Sentence: "3 users (2–3 with 95 % confidence).",
		Objectives: []domain.Objective{{Metric: "ttft", BelowMs: 500}}, Points: []domain.CapacityPoint{{Users: 4, Met: 10, Requests: 32, Share: new(0.3125),
			Interval: &domain.Interval{0.18, 0.49}, Holds: "refuted", Reason: "TTFT p95 is 740 ms; the limit is 500 ms."}}}}}
	got, err = line(t, &fakeHost{handler: recorder(x, &body)}, "experiments", "x")
	for _, want := range []string{"chat: 3 users (2–3 with 95 % confidence).", "ttft < 500 ms", "10 of 32", "31.2 %", "18.0 % … 49.0 %", "do not hold, shown", "TTFT p95 is 740 ms"} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%q is not in %q, %v", want, got, err)
		}
	}
}
