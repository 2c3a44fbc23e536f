package service

import (
	"context"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/predict"
)

const (
	mostContext   = 1 << 20
	mostBandwidth = 100_000 // GB/s
	learntFrom    = 500     // newest runs
)

// Quantizations are those that a prediction can be asked for.
func Quantizations() []string { return predict.Quantizations() }

// Predictions says what models would give here, learnt from the newest runs of this machine, with how often
// such predictions held. Nothing is stored: more runs make it better.
func (s *Service) Predictions(ctx context.Context, q domain.PredictionQuery) (domain.Predictions, error) {
	if err := checkPrediction(q); err != nil {
		return domain.Predictions{}, err
	}
	ms, err := s.predictable(ctx, q.ModelID)
	if err != nil {
		return domain.Predictions{}, err
	}
	page, err := s.d.Store.Runs(ctx, domain.RunFilter{Status: string(domain.StatusCompleted), Limit: learntFrom})
	if err != nil {
		return domain.Predictions{}, err
	}
	h := predict.Learn(page.Items)
	f := h.Fit(s.peakOf(ctx, h))
	out := domain.Predictions{ContextTokens: q.ContextTokens, Quantization: q.Quantization, BandwidthGBPS: q.BandwidthGBPS,
		Fit: f.Told(), Reason: f.Reason(), Score: f.Score(), Items: []domain.Prediction{}}
	for i := range ms {
		out.Items = append(out.Items, f.Model(&ms[i], q))
	}
	return out, nil
}

func checkPrediction(q domain.PredictionQuery) error {
	var bad fieldErrors
	if q.ContextTokens < 0 || q.ContextTokens > mostContext {
		bad.add("query.context_tokens", "must be a whole number from 0 to %d", mostContext)
	}
	if q.Quantization != "" && !slices.Contains(predict.Quantizations(), q.Quantization) {
		bad.add("query.quantization", "must be one of %s", strings.Join(predict.Quantizations(), ", "))
	}
	if q.BandwidthGBPS != nil && !(*q.BandwidthGBPS >= 1 && *q.BandwidthGBPS <= mostBandwidth) {
		bad.add("query.bandwidth_gbs", "must be from 1 to %d", mostBandwidth)
	}
	return bad.err()
}

// predictable are the models that this machine has or could fetch: one of them, or all.
func (s *Service) predictable(ctx context.Context, id string) ([]domain.Model, error) {
	ms, err := s.d.Library.Models(ctx, true)
	if err != nil {
		return nil, err
	}
	if err := s.addBest(ctx, ms); err != nil {
		return nil, err
	}
	rest, err := s.d.Library.Models(ctx, false)
	if err != nil {
		return nil, err
	}
	ms = append(ms, rest...)
	if id == "" {
		return ms, nil
	}
	if i := slices.IndexFunc(ms, func(m domain.Model) bool { return m.ID == id }); i >= 0 {
		return ms[i : i+1], nil
	}
	return nil, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such model here.", Hint: "“inferometer models” lists them."}
}

// peakOf is what the memory of the device delivers at most, in GB/s; 0 where that is not known.
func (s *Service) peakOf(ctx context.Context, h predict.History) float64 {
	if h.Newest == nil {
		return 0
	}
	e := h.Newest.Environment
	if !h.Device.GPU {
		b := s.bandwidth(ctx, machineOf(s.d.Sampler.System()), h.Device.Threads)
		if b == nil {
			b = e.Bandwidth
		}
		if b == nil {
			return 0
		}
		return b.GBPerS
	}
	slowest := 0.0
	for _, g := range e.GPUs {
		if only := h.Newest.Plan.GPU; only != nil && *only != g.Index {
			continue
		}
		peak := g.TheoreticalPeak()
		if peak == nil {
			return 0
		}
		if slowest == 0 || *peak < slowest {
			slowest = *peak
		}
	}
	return slowest
}
