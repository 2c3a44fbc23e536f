package stats

import (
	"fmt"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// llamaBench speaks as llama-bench of llama.cpp does (tools/llama-bench): prompt processing (pp)
// and text generation (tg) in tokens per second, the mean over repetitions ± the sample standard
// deviation. Each successful request is one repetition; each depth is a test of its own.
func llamaBench(v view) domain.Lens {
	byDepth := map[int][]record{}
	for _, p := range v.stages {
		depth := 0
		if p.mark.DepthTokens != nil {
			depth = *p.mark.DepthTokens
		}
		byDepth[depth] = append(byDepth[depth], p.ok...)
	}
	depths := make([]int, 0, len(byDepth))
	for d := range byDepth {
		depths = append(depths, d)
	}
	slices.Sort(depths)
	rows := []domain.LensRow{}
	for _, d := range depths {
		ours := v.ours
		if len(depths) > 1 {
			ours = domain.Figures{} // the pooled figures mix depths
		}
		rows = append(rows, benchRows(byDepth[d], d, ours)...)
	}
	return domain.Lens{Tool: "llama-bench", Name: "llama-bench", Rows: rows}
}

func benchRows(rs []record, depth int, ours domain.Figures) []domain.LensRow {
	suffix := ""
	if depth > 0 {
		suffix = fmt.Sprintf(" @ d%d", depth)
	}
	prompt, decode := serverPrefill, serverDecode
	from := "The engine's own times."
	if !slices.ContainsFunc(rs, func(r record) bool { return r.Server != nil }) {
		prompt, decode = clientPrefill, decodeSpeed
		from = "The engine gave no times: the client's, so pp is a lower bound."
	}
	var in, out []int
	for _, r := range rs {
		if r.Server != nil {
			in = append(in, r.Server.PromptTokens)
		} else if r.PromptTokens != nil {
			in = append(in, *r.PromptTokens)
		}
		if r.OutputTokens != nil {
			out = append(out, *r.OutputTokens)
		}
	}
	pp, tg := valuesOf(each(rs, prompt)), valuesOf(each(rs, decode))
	ppName, tgName := lengthOf("pp", in)+suffix, lengthOf("tg", out)+suffix
	return []domain.LensRow{
		row(ppName+" avg_ts", ppName+" t/s", "t/s", pp.mean(), ours.PrefillTokensPerSecond,
			"Prompt tokens ÷ time to process them; mean over requests. Ours is their median. "+from),
		row(ppName+" stddev_ts", ppName+" ±", "t/s", pp.std(1), nil, "Sample standard deviation over requests; 0 for one."),
		row(tgName+" avg_ts", tgName+" t/s", "t/s", tg.mean(), ours.DecodeTokensPerSecond,
			"Decode steps ÷ their time; mean over requests. The first token comes out of the prompt, so n tokens are n − 1 steps. Ours is the median by the client's clock. "+from),
		row(tgName+" stddev_ts", tgName+" ±", "t/s", tg.std(1), nil, "Sample standard deviation over requests; 0 for one."),
	}
}
