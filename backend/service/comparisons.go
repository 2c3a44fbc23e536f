package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
)

const (
	mostSides       = 8
	mostComparedRun = 100
)

// Compare holds stored runs against one another. Runs that are not given sides stand together where they
// were measured alike. When all of them are the runs of one experiment they are compared in pairs.
func (s *Service) Compare(ctx context.Context, r domain.ComparisonRequest) (domain.Comparison, error) {
	sides, err := s.comparedSides(ctx, r)
	if err != nil {
		return domain.Comparison{}, err
	}
	base := or(r.Baseline, 0)
	var bad fieldErrors
	if len(sides) < 2 || len(sides) > mostSides {
		bad.add("body.runs", "must make 2 to %d sides; these make %d: those of the same model, engine, settings and machine stand together", mostSides, len(sides))
	}
	if base < 0 || base >= max(1, len(sides)) {
		bad.add("body.baseline", "must be the index of a side, from 0 to %d", len(sides)-1)
	}
	least := or(r.MinEffectPercent, compare.DefaultMinEffect)
	checkRange(&bad, "body.min_effect_percent", least, 0, 100)
	for i, key := range r.Judged {
		if !slices.Contains(compare.Metrics(), key) {
			bad.add(fmt.Sprintf("body.judged[%d]", i), "must be one of %s", strings.Join(compare.Metrics(), ", "))
		}
	}
	load := or(r.Load, "")
	if load != "" && !anyAt(sides, load) {
		bad.add("body.load", "is no load of these benchmarks")
	}
	if err := bad.err(); err != nil {
		return domain.Comparison{}, err
	}
	paired := inBlocks(sides)
	return compare.With(sides, compare.Asked{Baseline: base, Paired: paired, MinEffect: least, Load: load, Judged: r.Judged}), nil
}

// anyAt reports whether any run was measured at a load.
func anyAt(sides []compare.Side, load string) bool {
	for _, s := range sides {
		for i := range s.Runs {
			if f, _ := compare.PointOf(&s.Runs[i], load); f != nil {
				return true
			}
		}
	}
	return false
}

// comparedSides reads the runs and puts them on their sides.
func (s *Service) comparedSides(ctx context.Context, r domain.ComparisonRequest) ([]compare.Side, error) {
	if (len(r.Runs) > 0) == (len(r.Sides) > 0) {
		return nil, domain.Invalid("body.runs", "give runs or sides, and one of them")
	}
	if len(r.Runs) > 0 {
		return s.alike(ctx, r.Runs)
	}
	var sides []compare.Side
	seen := map[domain.RunID]bool{}
	for i, in := range r.Sides {
		side := compare.Side{Name: or(in.Name, "")}
		for j, id := range in.Runs {
			run, err := s.compared(ctx, id, fmt.Sprintf("body.sides[%d].runs[%d]", i, j), seen)
			if err != nil {
				return nil, err
			}
			side.Runs = append(side.Runs, run)
		}
		if len(side.Runs) == 0 {
			return nil, domain.Invalid(fmt.Sprintf("body.sides[%d].runs", i), "must name a run")
		}
		if side.Name == "" {
			side.Name = s.sideName(ctx, side.Runs[0])
		}
		sides = append(sides, side)
	}
	return sides, nil
}

// alike groups runs by how they were measured, in the order in which they are given.
func (s *Service) alike(ctx context.Context, ids []domain.RunID) ([]compare.Side, error) {
	if len(ids) > mostComparedRun {
		return nil, domain.Invalid("body.runs", fmt.Sprintf("must have at most %d entries", mostComparedRun))
	}
	var sides []compare.Side
	at, seen := map[string]int{}, map[domain.RunID]bool{}
	for i, id := range ids {
		run, err := s.compared(ctx, id, fmt.Sprintf("body.runs[%d]", i), seen)
		if err != nil {
			return nil, err
		}
		key := compare.Key(&run)
		if p := run.Experiment; p != nil { // arms may be alike on purpose
			key = fmt.Sprintf("%s arm %d", p.ID, p.Arm)
		}
		n, known := at[key]
		if !known {
			n = len(sides)
			at[key] = n
			sides = append(sides, compare.Side{Name: s.sideName(ctx, run)})
		}
		sides[n].Runs = append(sides[n].Runs, run)
	}
	return sides, nil
}

// compared reads one run that is to be compared: it has ended with figures, and is named once.
func (s *Service) compared(ctx context.Context, id domain.RunID, location string, seen map[domain.RunID]bool) (domain.Run, error) {
	if seen[id] {
		return domain.Run{}, domain.Invalid(location, "is named twice")
	}
	seen[id] = true
	run, err := s.Benchmark(ctx, id)
	if domain.KindOf(err) == domain.KindNotFound {
		return run, domain.Invalid(location, "there is no such benchmark")
	}
	if err == nil && (!run.Status.Ended() || compare.Figures(&run) == nil) {
		return run, domain.Invalid(location, "has no figures")
	}
	return run, err
}

// sideName is a run as people tell it from others: by its arm, its name or its model.
func (s *Service) sideName(ctx context.Context, r domain.Run) string {
	if p := r.Experiment; p != nil {
		if e, err := s.d.Store.Experiment(ctx, p.ID); err == nil && p.Arm < len(e.Arms) {
			return e.Arms[p.Arm].Name
		}
	}
	return cmp.Or(r.Name, r.Model)
}

// inBlocks reports whether every side is an arm of one experiment, and puts the runs of the sides in the order
// of their blocks; those of blocks that are not complete are left out then.
func inBlocks(sides []compare.Side) bool {
	blocks := map[int]int{}
	id := ""
	for _, s := range sides {
		arm := -1
		for i := range s.Runs {
			p := s.Runs[i].Experiment
			switch {
			case p == nil || id != "" && p.ID != id || arm >= 0 && p.Arm != arm:
				return false
			}
			id, arm = p.ID, p.Arm
			blocks[p.Block]++
		}
	}
	for i := range sides {
		sides[i].Runs = complete(sides[i].Runs, blocks, len(sides))
	}
	return true
}

// complete keeps the runs whose block has all sides, in the order of the blocks.
func complete(runs []domain.Run, blocks map[int]int, sides int) []domain.Run {
	var out []domain.Run
	for _, r := range runs {
		if blocks[r.Experiment.Block] == sides {
			out = append(out, r)
		}
	}
	sortByBlock(out)
	return out
}

// mostTrendRuns is how many runs a trend looks at, the newest ones.
const mostTrendRuns = 2000

// Trends follows one figure over the runs of a filter, and says where it moved to another level.
func (s *Service) Trends(ctx context.Context, f domain.RunFilter, metric string) ([]domain.Trend, error) {
	if !slices.Contains(compare.Metrics(), metric) {
		return nil, domain.Invalid("query.metric", "must be one of "+strings.Join(compare.Metrics(), ", "))
	}
	f.Status, f.Limit, f.Cursor, f.IncludeSample = string(domain.StatusCompleted), maxPage, "", false
	var runs []domain.Run
	for {
		page, err := s.d.Store.Runs(ctx, f)
		if err != nil {
			return nil, err
		}
		runs = append(runs, page.Items...)
		if f.Cursor = page.Next; f.Cursor == "" || len(runs) >= mostTrendRuns {
			return compare.Trends(runs, metric), nil
		}
	}
}

// TrendMetrics are the figures that can be followed over time.
func TrendMetrics() []string { return compare.Metrics() }
