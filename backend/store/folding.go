package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// perBucket is how many results of a transaction lie in a bucket of the finest level from which on they are summed
// before they are added; fewer are added one by one, which costs less than to sum them first.
const perBucket = 2

// folding are the statements that move what a transaction has changed into the sums: all of it by way of
// agg_pending, or results that are new and lie thinly, the finest level one by one and the others by sums.
type folding struct{ look, add, prune, each, upper, clear *sql.Stmt }

func prepareFolding(ctx context.Context, db *sql.DB) (f folding, err error) {
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&f.look, fmt.Sprintf("SELECT min(n), count(*) / (%d.0 * ((max(at_us) >> %d) - (min(at_us) >> %[2]d) + 1)) < 1 FROM agg_delta", perBucket, shifts()[0])},
		{&f.add, intoAgg("SELECT * FROM agg_pending")},
		{&f.prune, `DELETE FROM agg WHERE n = 0 AND (shift, bucket, sample, model) IN
			(SELECT shift, bucket, sample, model FROM agg_pending)`},
		{&f.each, intoAgg(eachNew())},
		{&f.upper, intoAgg(upperNew())},
		{&f.clear, "DELETE FROM agg_delta"},
	} {
		if *p.to, err = db.PrepareContext(ctx, p.text); err != nil {
			return f, wrap("prepare sums", err)
		}
	}
	return f, nil
}

// intoAgg adds rows to what there is.
func intoAgg(rows string) string {
	var set []string
	for _, c := range sumsList() {
		set = append(set, c+" = "+c+" + excluded."+c)
	}
	return "INSERT INTO agg(shift, bucket, sample, model, " + sumsColumns + ") SELECT * FROM (" + rows + ") WHERE true ON CONFLICT DO UPDATE SET " +
		strings.Join(set, ", ")
}

func sumsList() []string {
	list := strings.Split(sumsColumns, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// ofFigures repeats a text, @ being the figure, for the four figures of agg_delta, in the order of the columns of agg.
func ofFigures(text string) string {
	var all []string
	for _, figure := range []string{"tokens", "ttft", "tpot", "total"} {
		all = append(all, strings.ReplaceAll(text, "@", figure))
	}
	return strings.Join(all, ", ")
}

// eachNew are new results as rows of the finest level.
func eachNew() string {
	return fmt.Sprintf("SELECT %d, at_us >> %[1]d, sample, model, 1, ", shifts()[0]) +
		ofFigures("@ IS NOT NULL, ifnull(@, 0), ifnull(@ * @ >> 32, 0), ifnull(@ * @ & 0xFFFFFFFF, 0)") + " FROM agg_delta"
}

// upperNew are new results as rows of all levels above the finest, each from the one below.
func upperNew() string {
	levels := shifts()
	with := []string{fmt.Sprintf("l1(bucket, sample, model, %s) AS MATERIALIZED (SELECT at_us >> %d, sample, model, count(*), ", sumsColumns, levels[1]) +
		ofFigures("count(@), ifnull(sum(@), 0), ifnull(sum(@ * @ >> 32), 0), ifnull(sum(@ * @ & 0xFFFFFFFF), 0)") + " FROM agg_delta GROUP BY 1, 2, 3)"}
	union := []string{fmt.Sprintf("SELECT %d, * FROM l1", levels[1])}
	sums := "sum(" + strings.Join(sumsList(), "), sum(") + ")"
	for i := 2; i < len(levels); i++ {
		with = append(with, fmt.Sprintf("l%d(bucket, sample, model, %s) AS MATERIALIZED (SELECT bucket >> %d, sample, model, %s FROM l%d GROUP BY 1, 2, 3)",
			i, sumsColumns, levels[i]-levels[i-1], sums, i-1))
		union = append(union, fmt.Sprintf("SELECT %d, * FROM l%d", levels[i], i))
	}
	return "WITH " + strings.Join(with, ", ") + " " + strings.Join(union, " UNION ALL ")
}

func (f folding) fold(ctx context.Context, tx *sql.Tx) error {
	var least sql.NullInt64
	var thin sql.NullBool
	if err := tx.StmtContext(ctx, f.look).QueryRowContext(ctx).Scan(&least, &thin); err != nil || !least.Valid {
		return err
	}
	steps := []*sql.Stmt{f.add, f.prune, f.clear}
	switch {
	case least.Int64 <= 0: // something was taken away
	case thin.Bool:
		steps = []*sql.Stmt{f.each, f.upper, f.clear}
	default:
		steps = []*sql.Stmt{f.add, f.clear}
	}
	for _, step := range steps {
		if _, err := tx.StmtContext(ctx, step).ExecContext(ctx); err != nil {
			return err
		}
	}
	return nil
}
