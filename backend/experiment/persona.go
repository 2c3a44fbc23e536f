package experiment

import "github.com/inferometer/inferometer/backend/domain"

// defaultShare is how many of 100 requests must meet the objectives.
const defaultShare = 95.0

// Custom is the persona without objectives of its own.
const Custom = "custom"

// Personas are the kinds of users that the program knows, with what each of them needs. The lengths and limits are
// starting points; docs/capacity.md tells where each comes from:
//
//   - reading: the limits of MLPerf Inference for Llama 2 70B, server scenario: 2 s, 200 ms a token, which are
//     about 240 words a minute, the speed of silent reading (Brysbaert 2019: 238).
//   - chat: one second keeps a train of thought (Nielsen 1993); 100 ms a token is DistServe's limit for a
//     chat program (Zhong et al. 2024), twice the speed of reading, because people skim.
//   - coding_agent: long prompts may take a while, but the next step waits for the whole answer: the 50 ms a
//     token that SLOs-Serve (2025) gives coding, with 5 s for some 4,000 tokens of context.
//   - voice: people take turns after about 200 ms and find a pause of a second strange (Stivers et al. 2009); of
//     that half a second is left for the model. Speech has about three to four tokens a second, but a voice is
//     made clause by clause, so that tokens must come three times as fast.
func Personas() []domain.Persona {
	of := func(key string, ttft, tpot float64, in, out int) domain.Persona {
		return domain.Persona{Key: key, SharePercent: new(defaultShare), InputTokens: new(in), OutputTokens: new(out), Objectives: []domain.Objective{
			{Metric: "ttft", Percentile: new(defaultShare), BelowMs: ttft}, {Metric: "tpot", Percentile: new(defaultShare), BelowMs: tpot}}}
	}
	return []domain.Persona{of("reading", 2000, 200, 512, 256), of("chat", 1000, 100, 256, 192), of("coding_agent", 5000, 50, 4096, 256), of("voice", 500, 100, 256, 64)}
}

// filled is a persona with everything that it leaves out. Each objective is judged at the percentile that the share
// stands for.
func filled(p domain.Persona) domain.Persona {
	own := domain.Persona{InputTokens: new(256), OutputTokens: new(128)}
	for _, known := range Personas() {
		if known.Key == p.Key {
			own = known
		}
	}
	p.SharePercent = new(or(p.SharePercent, defaultShare))
	p.InputTokens, p.OutputTokens = new(or(p.InputTokens, *own.InputTokens)), new(or(p.OutputTokens, *own.OutputTokens))
	if len(p.Objectives) == 0 {
		p.Objectives = own.Objectives
	}
	objectives := make([]domain.Objective, len(p.Objectives))
	for i, o := range p.Objectives {
		o.Percentile = p.SharePercent
		objectives[i] = o
	}
	p.Objectives = objectives
	return p
}
