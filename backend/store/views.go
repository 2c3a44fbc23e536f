package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

const viewColumns = "id, name, filters, sort, columns, created_us"

func viewFields(v *domain.SavedView) []any {
	return []any{&v.ID, &v.Name, asJSON(&v.Filters), asJSON(&v.Sort), asJSON(&v.Columns), usCol{&v.CreatedAt}}
}

// PutView stores a view, in place of one with the same id; a name that another view has is KindConflict.
func (s *Store) PutView(ctx context.Context, v domain.SavedView) error {
	return s.inTx(ctx, "store view", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO saved_view(`+viewColumns+`) SELECT `+marks(viewColumns)+`
			WHERE NOT EXISTS(SELECT 1 FROM saved_view WHERE name = ? AND id <> ?)
			ON CONFLICT(id) DO UPDATE SET name = excluded.name, filters = excluded.filters, sort = excluded.sort, columns = excluded.columns`,
			append(viewFields(&v), v.Name, v.ID)...)
		if err != nil {
			return err
		}
		return expectRow(res, domain.KindConflict, "There is a view with this name already.")
	})
}

// Views lists all views by name.
func (s *Store) Views(ctx context.Context) ([]domain.SavedView, error) {
	return list(ctx, s.r, "list views", viewFields, "SELECT "+viewColumns+" FROM saved_view ORDER BY name, id")
}

// View returns one view.
func (s *Store) View(ctx context.Context, id string) (domain.SavedView, error) {
	var v domain.SavedView
	err := s.r.QueryRowContext(ctx, "SELECT "+viewColumns+" FROM saved_view WHERE id = ?", id).Scan(viewFields(&v)...)
	if errors.Is(err, sql.ErrNoRows) {
		return v, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such view."}
	}
	return v, wrap("read view", err)
}

// DeleteView removes a view; no run is touched.
func (s *Store) DeleteView(ctx context.Context, id string) error {
	return s.deleteByID(ctx, "DELETE FROM saved_view WHERE id = ?", id, "There is no such view.")
}

// Facets counts the runs of a filter by the values of some columns, each without its own filter.
func (s *Store) Facets(ctx context.Context, f domain.RunFilter) (domain.Facets, error) {
	var out domain.Facets
	all, err := s.runsWhere(ctx, f)
	if err != nil {
		return out, err
	}
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // so that the counts are of one state
	if err != nil {
		return out, wrap("count runs", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM run"+all.String(), all.args...).Scan(&out.Total); err != nil {
		return out, wrap("count runs", err)
	}
	for _, facet := range []struct {
		to   *[]domain.FacetCount
		own  *string
		text string
	}{
		{&out.Model, &f.Model, "SELECT model AS value, count(*) FROM run"},
		{&out.Engine, &f.Engine, "SELECT engine AS value, count(*) FROM run"},
		{&out.Dataset, &f.Dataset, "SELECT dataset_id AS value, count(*) FROM run"},
		{&out.Status, &f.Status, "SELECT status AS value, count(*) FROM run"},
		// A run that has a tag twice counts once.
		{&out.Tag, &f.Tag, "SELECT tag.value AS value, count(DISTINCT run.id) FROM run, json_each(run.tags) AS tag"},
	} {
		w := all
		if *facet.own != "" {
			kept := *facet.own
			*facet.own = ""
			w, err = s.runsWhere(ctx, f)
			*facet.own = kept
			if err != nil {
				return out, err
			}
		}
		fields := func(c *domain.FacetCount) []any { return []any{&c.Value, &c.Count} }
		*facet.to, err = list(ctx, tx, "count runs", fields, facet.text+w.String()+
			" GROUP BY value HAVING value IS NOT NULL AND value <> '' ORDER BY 2 DESC, 1", w.args...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}
