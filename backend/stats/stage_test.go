package stats

import (
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func mark(us int64, index int, load domain.Load) domain.PhaseChange {
	return domain.PhaseChange{Phase: domain.PhaseMeasure, TUs: us, Stage: &domain.StageMark{Index: index, Name: nameOf(load), Load: load}}
}

func closedLoad(users int) domain.Load {
	return domain.Load{Kind: domain.LoadClosed, Concurrency: &users}
}

// at puts a record into a stage.
func at(stage int, r domain.RequestRecord) domain.RequestRecord {
	r.Stage = stage
	return r
}

// sweep is a run of two stages, of which a third was planned: one user, then two.
func sweep() Input {
	cpu := func(ms int64, v float64) domain.Sample {
		s := reading(ms, 1)
		s.CPUPercent = &v
		return s
	}
	drained := cpu(3300, 70)
	drained.Phase = domain.PhaseDrain
	return Input{
		Plan: domain.Plan{
			MaxTokens: 2, Load: domain.Load{Kind: domain.LoadSweep, Values: []float64{1, 2, 4}},
			SLO: []domain.Objective{{Metric: "ttft", BelowMs: 150}, {Metric: "itl", Percentile: new(50.0), BelowMs: 90}},
			Stages: []domain.PlanStage{
				{Index: 0, Name: "closed:1", Load: closedLoad(1)}, {Index: 1, Name: "closed:2", Load: closedLoad(2)}, {Index: 2, Name: "closed:4", Load: closedLoad(4)},
			},
		},
		Requests: []domain.RequestRecord{
			warmup(req(0, 0, 900, 1000)),
			at(0, req(1, 1000, 100, 200)), at(0, req(2, 1200, 100, 200)),
			at(1, req(3, 3000, 200, 280)), at(1, req(4, 3000, 200, 280)), at(1, req(5, 3290, 100, 180)),
			at(1, cooldown(req(6, 3290, 100, 400))),
		},
		Phases: []domain.PhaseChange{
			{Phase: domain.PhaseWarmup}, mark(1_000_000, 0, closedLoad(1)), mark(3_000_000, 1, closedLoad(2)),
			{Phase: domain.PhaseDrain, TUs: 3_290_000}, {Phase: domain.PhaseStop, TUs: 3_700_000},
		},
		Samples: []domain.Sample{cpu(1000, 90), cpu(1300, 10), cpu(1400, 20), cpu(3001, 80), cpu(3200, 50), drained},
	}
}

func cooldown(r domain.RequestRecord) domain.RequestRecord {
	r.Phase = domain.PhaseCooldown
	return r
}

func TestStages(t *testing.T) {
	rep := Report(sweep())
	s := rep.Summary
	if len(s.Stages) != 3 {
		t.Fatalf("%d stages", len(s.Stages))
	}
	one, two, three := s.Stages[0], s.Stages[1], s.Stages[2]
	if one.State != stageDone || two.State != stageDone || three.State != stagePlanned || three.Summary != nil || three.Hardware != nil || three.Concurrency != 4 {
		t.Errorf("states %s, %s, %s: %+v", one.State, two.State, three.State, three)
	}
	if *one.StartUs != 1_000_000 || *one.EndUs != 1_400_000 || *two.EndUs != 3_470_000 || two.Concurrency != 2 || two.Name != "closed:2" {
		t.Errorf("stages %+v, %+v", one, two)
	}
	near(t, "window of the first", one.Summary.WindowS, 0.4)
	near(t, "window of the second", two.Summary.WindowS, 0.47)
	near(t, "window of both", s.WindowS, 0.87)
	near(t, "throughput of the first", one.Summary.OutputTokensPerSecond, 4/0.4)
	near(t, "throughput of both", s.OutputTokensPerSecond, 10/0.87)
	near(t, "pooled TTFT", s.TTFTMs.Max, 200)
	near(t, "delivered by the second, cool-down included", two.Summary.DeliveredConcurrency, (2*0.285+2*0.18)/0.47)
	near(t, "CPU of the first", one.Hardware.CPUPercent, 15)
	near(t, "CPU of the second", two.Hardware.CPUPercent, 60)
	near(t, "CPU of the run", rep.HardwareMetrics.CPUPercent, 37.5)
	if s.AskedConcurrency != nil || *two.Summary.AskedConcurrency != 2 || s.TTFTMs.N != 5 || s.Requests.OK != 5 {
		t.Errorf("pooled %+v", s.Figures)
	}
	if s.BestStage == nil || *s.BestStage != 1 {
		t.Errorf("best stage %v: none met its objectives, the second is faster", s.BestStage)
	}
}

func TestObjectives(t *testing.T) {
	in := sweep()
	s := Report(in).Summary
	first, second := s.Stages[0].Objectives, s.Stages[1].Objectives
	near(t, "TTFT p95 of the first", first[0].ValueMs, 100)
	near(t, "TTFT p95 of the second", second[0].ValueMs, 200)
	near(t, "ITL p50 of the second", second[1].ValueMs, 80)
	if !first[0].Met || first[1].Met || second[0].Met || !second[1].Met {
		t.Errorf("objectives %+v, %+v", first, second)
	}
	g := s.Stages[1].Summary.Goodput
	near(t, "goodput", g.RequestsPerSecond, 1/0.47)
	near(t, "tokens of it", g.TokensPerSecond, 2/0.47)
	near(t, "share of it", g.Fraction, 1.0/3)
	if s.Goodput.Met != 1 || s.Stages[0].Summary.Goodput.Met != 0 {
		t.Errorf("goodput %+v, %+v", s.Goodput, s.Stages[0].Summary.Goodput)
	}
	in.Plan.SLO = []domain.Objective{{Metric: "itl", BelowMs: 200}}
	in.Requests = []domain.RequestRecord{req(0, 0, 10), failedRequest(1, 20, 30)}
	s = Report(in).Summary
	if o := s.Stages[0].Objectives[0]; o.Met || o.ValueMs != nil {
		t.Errorf("an objective without a value = %+v", o)
	}
	if g := s.Goodput; g.Met != 1 || *g.Fraction != 0.5 {
		t.Errorf("one token has no gap to miss: %+v", g)
	}
	in.Plan.SLO = nil
	if g := Report(in).Summary.Goodput; g != nil {
		t.Errorf("goodput without objectives = %+v", g)
	}
}

func TestBestStage(t *testing.T) {
	stage := func(index int, tps float64, met bool) domain.Stage {
		return domain.Stage{Index: index, Summary: &domain.Figures{OutputTokensPerSecond: &tps}, Objectives: []domain.ObjectiveResult{{Met: met}}}
	}
	for _, c := range []struct {
		stages []domain.Stage
		want   int
	}{
		{[]domain.Stage{stage(0, 10, true)}, -1},
		{[]domain.Stage{stage(0, 10, true), stage(1, 20, true), stage(2, 40, false)}, 1},
		{[]domain.Stage{stage(0, 10, false), stage(1, 20, false), {Index: 2}}, 1},
		{[]domain.Stage{stage(0, 40, false), stage(1, 20, true)}, 1},
	} {
		got := -1
		if b := best(c.stages); b != nil {
			got = *b
		}
		if got != c.want {
			t.Errorf("best = %d, want %d", got, c.want)
		}
	}
}

// A search judges a stage while the run goes on; it must see what the report will say.
func TestStageOfIsTheReportsStage(t *testing.T) {
	in := sweep()
	in.Plan.Load = domain.Load{Kind: domain.LoadKnee, Objective: &domain.Objective{Metric: "e2e", BelowMs: 250}}
	want := Report(in).Summary.Stages[1]
	got := StageOf(in.Plan, *in.Phases[2].Stage, in.Requests, in.Phases)
	if got.State != stageDone || got.Index != 1 || got.Name != "closed:2" || *got.StartUs != 3_000_000 {
		t.Errorf("stage = %+v", got)
	}
	near(t, "throughput", got.Summary.OutputTokensPerSecond, *want.Summary.OutputTokensPerSecond)
	if len(got.Objectives) != 3 || got.Objectives[2].Met || len(want.Objectives) != 3 {
		t.Errorf("the search's own objective is one too: %+v", got.Objectives)
	}
}

func TestStageStates(t *testing.T) {
	canceled := req(1, 100, 10, 20)
	canceled.Outcome, canceled.ErrorClass = domain.OutcomeCanceled, domain.ErrClassCanceled
	stop := func(s domain.Stop) func(*Input) {
		return func(in *Input) {
			in.Plan.Stages[0].Stop = s
		}
	}
	for _, c := range []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"ended", nil, stageDone},
		{"canceled", func(in *Input) { in.Requests = append(in.Requests, canceled) }, stagePartial},
		{"interrupted", func(in *Input) { in.Phases = in.Phases[:1] }, stagePartial},
		{"all requests", stop(domain.Stop{Requests: new(2)}), stageDone},
		{"too few requests", stop(domain.Stop{Requests: new(3)}), stagePartial},
		{"all the time", stop(domain.Stop{Requests: new(3), DurationS: new(0.5)}), stageDone},
		{"too early", stop(domain.Stop{DurationS: new(0.6)}), stagePartial},
		{"all tokens", stop(domain.Stop{Tokens: new(4)}), stageDone},
		{"too few tokens, none failed", stop(domain.Stop{Tokens: new(5), Errors: new(1)}), stagePartial},
	} {
		in := Input{
			Plan:     domain.Plan{Stages: []domain.PlanStage{{Load: closedLoad(1)}}},
			Requests: []domain.RequestRecord{req(0, 0, 10, 20), req(1, 100, 10, 20)},
			Phases:   []domain.PhaseChange{mark(0, 0, closedLoad(1)), {Phase: domain.PhaseDrain, TUs: 500_000}},
		}
		if c.change != nil {
			c.change(&in)
		}
		if got := Report(in).Summary.Stages[0].State; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// open is an open loop of n arrivals every 100 ms, each sent some time after it was due.
func open(n int, lateUs int64) Input {
	in := Input{Plan: plan(), Samples: quiet(int64(n) * 100)}
	in.Plan.Load = domain.Load{Kind: domain.LoadRate, RatePerS: new(10.0)}
	for i := range n {
		r := req(i, int64(i)*100, 300, 400)
		due := r.SentUs
		r.SentUs += lateUs
		r.DueUs = &due
		in.Requests = append(in.Requests, r)
	}
	return in
}

func TestOpenLoop(t *testing.T) {
	in := open(20, 2000)
	in.Requests[7].Outcome = domain.OutcomeDropped
	s := Report(in).Summary
	near(t, "lateness", s.LatenessMs.P50, 2)
	near(t, "TTFT from the send", s.TTFTMs.P50, 300)
	near(t, "TTFT from the due time", s.DueTTFTMs.P50, 302)
	near(t, "E2E from the due time", s.DueE2EMs.Max, 402)
	near(t, "arrivals", s.ArrivalsPerSecond, 10)
	near(t, "asked", s.AskedRatePerS, 10)
	near(t, "window from the first due time", s.WindowS, 2.302)
	near(t, "delivered", s.DeliveredConcurrency, 19*0.405/2.302-0.005/2.302)
	if s.Requests.Dropped != 1 || s.TTFTMs.N != 19 || s.LatenessMs.N != 19 || s.AskedConcurrency != nil {
		t.Errorf("figures %+v", s.Figures)
	}
	if st := s.Stages[0]; st.Concurrency != 0 || *st.RatePerS != 10 || st.Name != "rate:10/s" {
		t.Errorf("stage %+v", st)
	}
}

func TestClientCheck(t *testing.T) {
	check := func(rep domain.Report) domain.Check {
		return rep.Validity.Checks[slices.IndexFunc(rep.Validity.Checks, func(c domain.Check) bool { return c.Code == "client" })]
	}
	// loop is two users who wait so long between their requests.
	loop := func(pauseMs int64) Input {
		in := Input{Plan: plan(), Samples: quiet(4000)}
		in.Plan.Load = closedLoad(2)
		for i := range 10 {
			for user := range int64(2) {
				from := int64(i)*(200+pauseMs) + user
				in.Requests = append(in.Requests, req(1, from, 100, 195))
			}
		}
		return in
	}
	busy := func(pct float64) Input {
		in := loop(1)
		for i := range in.Samples {
			in.Samples[i].SelfCPUPercent = &pct
		}
		return in
	}
	steady, idle := loop(1), loop(20)
	think := idle
	think.Plan.Load.ThinkTimeMs = new(20)
	spread := loop(1) // the second user begins a second after the first, who goes on meanwhile
	spread.Plan.Load.SpreadMs = new(1000)
	spread.Requests = slices.DeleteFunc(spread.Requests, func(r domain.RequestRecord) bool { return r.SentUs%201_000 != 0 && r.SentUs < 1_000_000 })
	talk := loop(1) // one user goes on with a conversation when no other is left to begin
	for i := range int64(8) {
		turn := req(1, 2010+i*201, 100, 195)
		turn.Turn = 1
		talk.Requests = append(talk.Requests, turn)
	}
	fast := open(120, 6000)
	for i := range fast.Requests {
		fast.Requests[i].TTFTUs = new(int64(100_000))
	}
	dropped := open(20, 0)
	dropped.Requests[3].Outcome = domain.OutcomeDropped
	for _, c := range []struct {
		name, state, unit, code string
		in                      Input
	}{
		{"a full loop", stateOK, "%", "", steady},
		{"users wait for the client", stateCaution, "%", "client_limited", idle},
		{"users begin one by one", stateOK, "%", "", spread},
		{"conversations run out", stateOK, "%", "", talk},
		{"users think", stateUnknown, "%", "", think},
		{"on time", stateOK, "ms", "", open(120, 2000)},
		{"late", stateCaution, "ms", "late_sends", open(120, 11_000)},
		{"late for so short a TTFT", stateCaution, "ms", "late_sends", fast},
		{"the client takes a core", stateCaution, "%", "client_busy", busy(95)},
		{"dropped arrivals", stateOK, "ms", "dropped_arrivals", dropped},
	} {
		rep := Report(c.in)
		got := check(rep)
		if got.State != c.state || got.Unit != c.unit {
			t.Errorf("%s: %+v", c.name, got)
		}
		for _, code := range []string{"client_limited", "late_sends", "client_busy", "dropped_arrivals"} {
			if slices.Contains(codes(rep), code) != (code == c.code) {
				t.Errorf("%s: warnings %v", c.name, codes(rep))
			}
		}
		if (rep.Validity.Verdict == "caution") != (c.code != "") {
			t.Errorf("%s: verdict %s", c.name, rep.Validity.Verdict)
		}
	}
	if got := *check(Report(steady)).Value; got < 98 || got > 100 {
		t.Errorf("the loop was %.1f %% full", got)
	}
}

func TestTwoClocksAndDrafts(t *testing.T) {
	r := req(0, 0, 100, 1100)
	r.OutputTokens = new(101)
	r.Server = &domain.ServerTimings{PredictedTokens: 101, PredictedMs: 900, DraftTokens: 40, DraftAccepted: 30}
	rep := Report(Input{Plan: plan(), Requests: []domain.RequestRecord{r}})
	near(t, "difference of the clocks", rep.Summary.ClockDeltaPercent, -10)
	near(t, "acceptance", rep.Summary.Draft.Acceptance, 0.75)
	if !slices.Contains(codes(rep), "two_clocks") {
		t.Errorf("warnings %v", codes(rep))
	}
	r.Server.PredictedMs, r.Server.DraftTokens = 960, 0
	rep = Report(Input{Plan: plan(), Requests: []domain.RequestRecord{r}})
	if slices.Contains(codes(rep), "two_clocks") || rep.Summary.Draft != nil {
		t.Errorf("warnings %v, draft %+v", codes(rep), rep.Summary.Draft)
	}
}

func TestShortfallGoesByTheRequest(t *testing.T) {
	long, short := req(0, 0, 100, 200), req(1, 300, 100, 200)
	long.FinishReason, short.FinishReason = "stop", "stop"
	long.MaxTokens, short.MaxTokens = 8, 2
	if n := Report(Input{Plan: plan(), Requests: []domain.RequestRecord{long, short}}).Summary.LengthShortfall; n != 1 {
		t.Errorf("%d requests fell short, want 1", n)
	}
}
