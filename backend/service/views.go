package service

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/domain"
)

// most views that are kept
const mostViews = 200

// Facets counts the runs of a filter by model, engine, dataset, tag and status.
func (s *Service) Facets(ctx context.Context, f domain.RunFilter) (domain.Facets, error) {
	f.IncludeSample = f.IncludeSample && s.d.Settings.Debug()
	return s.d.Store.Facets(ctx, f)
}

// Views lists the saved views by name.
func (s *Service) Views(ctx context.Context) ([]domain.SavedView, error) { return s.d.Store.Views(ctx) }

// AddView keeps a view of the results.
func (s *Service) AddView(ctx context.Context, in domain.ViewInput) (domain.SavedView, error) {
	s.dataMu.Lock()
	defer s.dataMu.Unlock()
	have, err := s.d.Store.Views(ctx)
	if err != nil {
		return domain.SavedView{}, err
	}
	if len(have) >= mostViews {
		return domain.SavedView{}, domain.Errorf(domain.KindConflict, "There are %d views already; remove some first.", len(have))
	}
	v := domain.SavedView{ID: uuid.NewString(), CreatedAt: s.d.Now().UTC(), Columns: []string{}}
	return s.putView(ctx, v, in)
}

// EditView changes name, filters, order or columns of a view.
func (s *Service) EditView(ctx context.Context, id string, in domain.ViewInput) (domain.SavedView, error) {
	s.dataMu.Lock()
	defer s.dataMu.Unlock()
	v, err := s.d.Store.View(ctx, id)
	if err != nil {
		return v, err
	}
	return s.putView(ctx, v, in)
}

func (s *Service) putView(ctx context.Context, v domain.SavedView, in domain.ViewInput) (domain.SavedView, error) {
	v.Name = strings.TrimSpace(or(in.Name, v.Name))
	v.Filters, v.Sort, v.Columns = or(in.Filters, v.Filters), or(in.Sort, v.Sort), or(in.Columns, v.Columns)
	var bad fieldErrors
	if v.Name == "" {
		bad.add("body.name", "must not be empty")
	}
	checkLabels("body.name", v.Name, 60, &bad)
	for _, c := range v.Columns {
		if n := utf8.RuneCountInString(c); n == 0 || n > 32 {
			bad.add("body.columns", "must be names of columns")
			break
		}
	}
	if err := bad.err(); err != nil {
		return domain.SavedView{}, err
	}
	return v, s.d.Store.PutView(ctx, v)
}

// RemoveView forgets a view; no run is touched.
func (s *Service) RemoveView(ctx context.Context, id string) error {
	return s.d.Store.DeleteView(ctx, id)
}
