package store

import (
	"context"
	"database/sql"
	"math"
	"math/big"

	"github.com/inferometer/inferometer/backend/domain"
)

// shifts are the levels of table agg, finest first: buckets of 4.2 s, 134 s, 72 min, 38 h and 51 days.
// The finest bounds what is read row by row at the ends of a window, also at a thousand results a second,
// the factor of 32 between two levels what is read of each.
func shifts() [5]int { return [...]int{22, 27, 32, 37, 42} }

// sumsColumns are the figures of agg, in the order of sums.fields.
const sumsColumns = `n, tokens_n, tokens_sum, tokens_hi, tokens_lo, ttft_n, ttft_sum, ttft_hi, ttft_lo,
	tpot_n, tpot_sum, tpot_hi, tpot_lo, total_n, total_sum, total_hi, total_lo`

// The four ways to the same columns: of rows of agg, of results that fit into it, and of one that does
// not, whose squares are left to the caller.
const (
	sumOfSums = `ifnull(sum(n), 0), ifnull(sum(tokens_n), 0), ifnull(sum(tokens_sum), 0), ifnull(sum(tokens_hi), 0), ifnull(sum(tokens_lo), 0),
	ifnull(sum(ttft_n), 0), ifnull(sum(ttft_sum), 0), ifnull(sum(ttft_hi), 0), ifnull(sum(ttft_lo), 0),
	ifnull(sum(tpot_n), 0), ifnull(sum(tpot_sum), 0), ifnull(sum(tpot_hi), 0), ifnull(sum(tpot_lo), 0),
	ifnull(sum(total_n), 0), ifnull(sum(total_sum), 0), ifnull(sum(total_hi), 0), ifnull(sum(total_lo), 0)`
	sumOfResults = `count(*),
	count(tokens), ifnull(sum(tokens), 0), ifnull(sum(tokens * tokens >> 32), 0), ifnull(sum(tokens * tokens & 0xFFFFFFFF), 0),
	count(ttft), ifnull(sum(ttft), 0), ifnull(sum(ttft * ttft >> 32), 0), ifnull(sum(ttft * ttft & 0xFFFFFFFF), 0),
	count(tpot), ifnull(sum(tpot), 0), ifnull(sum(tpot * tpot >> 32), 0), ifnull(sum(tpot * tpot & 0xFFFFFFFF), 0),
	count(total), ifnull(sum(total), 0), ifnull(sum(total * total >> 32), 0), ifnull(sum(total * total & 0xFFFFFFFF), 0)`
	oneResult = `1, tokens IS NOT NULL, ifnull(tokens, 0), 0, 0, ttft IS NOT NULL, ifnull(ttft, 0), 0, 0,
	tpot IS NOT NULL, ifnull(tpot, 0), 0, 0, total IS NOT NULL, ifnull(total, 0), 0, 0`
)

// windowSums sums a window by time, sample flag and model alone: whole buckets from agg, the rest at both
// ends from the results. Parameters: ?1 model or ”, ?2 sample flag or null, ?3 to ?6 the ends as two
// half-open ranges, then shift, first and past-the-last bucket and sign of nine ranges. What has the sign -1 is to be
// taken away: the buckets that a coarser one holds too many of.
const windowSums = `WITH ranges(level, first, past, sign) AS (VALUES (?7, ?8, ?9, ?10), (?11, ?12, ?13, ?14), (?15, ?16, ?17, ?18),
	(?19, ?20, ?21, ?22), (?23, ?24, ?25, ?26), (?27, ?28, ?29, ?30), (?31, ?32, ?33, ?34), (?35, ?36, ?37, ?38), (?39, ?40, ?41, ?42))
SELECT 1, 1, ` + sumOfSums + ` FROM ranges CROSS JOIN agg ON shift = level AND bucket >= first AND bucket < past
	WHERE sign = 1 AND (?1 = '' OR model = ?1) AND (?2 IS NULL OR sample = ?2)
UNION ALL SELECT -1, 1, ` + sumOfSums + ` FROM ranges CROSS JOIN agg ON shift = level AND bucket >= first AND bucket < past
	WHERE sign = -1 AND (?1 = '' OR model = ?1) AND (?2 IS NULL OR sample = ?2)
UNION ALL SELECT 1, 1, ` + sumOfResults + ` FROM result
	WHERE fits AND at_us >= ?3 AND at_us < ?4 AND (?1 = '' OR model = ?1) AND (?2 IS NULL OR sample = ?2)
UNION ALL SELECT 1, 1, ` + sumOfResults + ` FROM result
	WHERE fits AND at_us >= ?5 AND at_us < ?6 AND (?1 = '' OR model = ?1) AND (?2 IS NULL OR sample = ?2)
UNION ALL SELECT 1, 0, ` + oneResult + ` FROM unfit_result
	WHERE at_us >= ?3 AND at_us < ?6 AND (?1 = '' OR model = ?1) AND (?2 IS NULL OR sample = ?2)`

// ofRows is the same of any results, one by one; append conditions to both halves.
const (
	ofRows     = "SELECT 1, 1, " + sumOfResults + " FROM result"
	ofUnfitted = " UNION ALL SELECT 1, 0, " + oneResult + " FROM unfit_result AS result"
)

// windowArgs cuts the microseconds from first to last into what windowSums wants. An empty range matches
// nothing.
func windowArgs(first, last int64, model string, sample sql.NullBool) []any {
	past := last
	if last < math.MaxInt64 {
		past++
	}
	levels := shifts()
	from, to := bucketAfter(first, levels[0]), past>>levels[0]
	args := []any{model, sample}
	if from < to {
		args = append(args, first, from<<levels[0], to<<levels[0], past)
	} else { // no whole bucket
		args = append(args, first, past, past, past)
		from, to = 0, 0
	}
	for i, shift := range levels[:len(levels)-1] {
		step := levels[i+1] - shift
		innerFrom, innerTo := nearest(from, step), nearest(to, step)
		if innerFrom < innerTo {
			args = append(args, edge(shift, from, innerFrom<<step)...)
			args = append(args, edge(shift, innerTo<<step, to)...)
			from, to = innerFrom, innerTo
		} else { // and none of the next level
			args = append(append(args, edge(shift, from, to)...), edge(shift, 0, 0)...)
			from, to = 0, 0
		}
	}
	return append(args, edge(levels[len(levels)-1], from, to)...)
}

// edge is a range of buckets to add or, when its ends are the other way round, to take away.
func edge(shift int, first, past int64) []any {
	if first > past {
		return []any{shift, past, first, -1}
	}
	return []any{shift, first, past, 1}
}

// nearest is the bucket of 2^step smaller ones that begins nearest to one of these.
func nearest(b int64, step int) int64 { return (b + 1<<(step-1)) >> step }

// bucketAfter is the first bucket of 2^shift that begins at t or later.
func bucketAfter(t int64, shift int) int64 {
	b := t >> shift
	if b<<shift != t {
		b++
	}
	return b
}

// moments are how many results have a figure, and the sums of it and of its square. Nothing is rounded.
type moments struct {
	n            int64
	sum, squares big.Int
}

// sums are the moments of tokens, TTFT, TPOT and total time of n results.
type sums struct {
	n       int64
	figures [4]moments
}

// add adds one row of an answer, or with the sign -1 takes it away. Where squared is false it is a single result
// without its squares.
func (s *sums) add(sign int64, squared bool, n int64, figures *[4]row) {
	s.n += sign * n
	for i := range figures {
		to, from := &s.figures[i], &figures[i]
		to.n += sign * from.n
		sum := big.NewInt(sign * from.sum)
		to.sum.Add(&to.sum, sum)
		if !squared {
			to.squares.Add(&to.squares, sum.Mul(sum, sum))
			continue
		}
		hi := big.NewInt(sign * from.hi)
		to.squares.Add(&to.squares, hi.Lsh(hi, 32))
		to.squares.Add(&to.squares, big.NewInt(sign*from.lo))
	}
}

// row is one figure of one row, with the halves of its squares summed apart.
type row struct{ n, sum, hi, lo int64 }

func scanSums(rows *sql.Rows) (sums, error) {
	defer rows.Close()
	var s sums
	for rows.Next() {
		var squared bool
		var sign, n int64
		var figures [4]row
		fields := []any{&sign, &squared, &n}
		for i := range figures {
			f := &figures[i]
			fields = append(fields, &f.n, &f.sum, &f.hi, &f.lo)
		}
		if err := rows.Scan(fields...); err != nil {
			return s, err
		}
		s.add(sign, squared, n, &figures)
	}
	return s, rows.Err()
}

// mean is the mean in units of scale, rounded once; nil without a value.
func (m *moments) mean(scale int64) *float64 {
	if m.n == 0 {
		return nil
	}
	n := new(big.Int).Mul(big.NewInt(m.n), big.NewInt(scale))
	mean, _ := new(big.Rat).SetFrac(&m.sum, n).Float64()
	return &mean
}

// deviations is the sum of the squared deviations from the mean, in units of scale, rounded once:
// Σx² − (Σx)²/n. In floating point that difference would leave no digits.
func (m *moments) deviations(scale int64) float64 {
	if m.n == 0 {
		return 0
	}
	n, s := big.NewInt(m.n), big.NewInt(scale)
	top := new(big.Int).Mul(n, &m.squares)
	top.Sub(top, new(big.Int).Mul(&m.sum, &m.sum))
	d, _ := new(big.Rat).SetFrac(top, n.Mul(n, s.Mul(s, s))).Float64()
	return d
}

func (s *sums) averages() domain.Averages {
	tokens, ttft, tpot, total := &s.figures[0], &s.figures[1], &s.figures[2], &s.figures[3]
	a := domain.Averages{TokenCount: tokens.mean(1), TimeToFirstToken: ttft.mean(1000), TimePerToken: tpot.mean(1000),
		TotalTime: total.mean(1000), Count: s.n}
	a.Counts.TokenCount, a.Counts.TimeToFirstToken = tokens.n, ttft.n
	a.Counts.TimePerToken, a.Counts.TotalTime = tpot.n, total.n
	a.Squares.TokenCount, a.Squares.TimeToFirstToken = tokens.deviations(1), ttft.deviations(1000)
	a.Squares.TimePerToken, a.Squares.TotalTime = tpot.deviations(1000), total.deviations(1000)
	return a
}

// sums sums the results in the window that f lets through. Without a filter by engine, dataset or tag
// that costs the same whatever there is.
func (s *Store) sums(ctx context.Context, win domain.Window, f domain.ResultFilter) (sums, error) {
	rows, err := s.sumRows(ctx, win, f)
	if err != nil {
		return sums{}, err
	}
	return scanSums(rows)
}

func (s *Store) sumRows(ctx context.Context, win domain.Window, f domain.ResultFilter) (*sql.Rows, error) {
	if f.Engine == "" && f.Dataset == "" && f.Tag == "" {
		first, last := int64(math.MinInt64), int64(math.MaxInt64)
		if win.Start != nil {
			first = lowerUs(*win.Start)
		}
		if win.End != nil {
			last = upperUs(*win.End)
		}
		if first > last {
			first, last = 0, -1
		}
		return s.ofWindow.QueryContext(ctx, windowArgs(first, last, f.Model, sampleFlag(f))...)
	}
	w := resultsWhere(win, f)
	return s.r.QueryContext(ctx, ofRows+w.String()+" AND fits"+ofUnfitted+w.String(), append(w.args, w.args...)...)
}
