package infer

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// leastSpread is the standard deviation of logarithms below which values count as known no better: clocks and
// rounding alone make that much.
const leastSpread = 1e-9

// Blocks holds many arms against one another that were measured in blocks: arms of a block ran one after
// the other and in random order, each value one run. What a block has in common, such as a machine that warms up,
// cancels. A block need not hold every arm, as long as the arms hang together through common ones.
//
// It is the intrablock analysis of logarithms: value = arm + block + error, by least squares, with one spread of
// the error for all arms. With few values an arm that one spread is known far better than one of each.
//
// W. G. Cochran and G. M. Cox, "Experimental Designs", 2nd ed. (1957), chapter 9; S. R. Searle, "Linear Models"
// (1971), section 7.2.
type Blocks struct {
	arms       []float64  // least squares effect of each arm; NaN without a value that is held against another
	part       []int      // arms of different parts were never held against one another, nor through others
	inverse    *mat.Dense // of the normal equations: its entries give the variance of a difference
	spread     float64    // standard deviation of the error; NaN when nothing is left to tell it
	df         float64
	adjusted   [][]float64
	confidence float64
}

// BlockSpread is the standard deviation of one run about its arm and block, as a share of its value (of logarithms), with
// its degrees of freedom; rows are as for NewBlocks. It is false where one run an arm leaves nothing to tell it by.
func BlockSpread(rows [][]float64) (sd, df float64, ok bool) {
	b, ok := solved(rows)
	return b.spread, b.df, ok && b.df > 0
}

// SpreadInterval is the interval of a mean of n runs whose spread is known from elsewhere, as BlockSpread tells it.
func SpreadInterval(mean float64, n int, sd, df, confidence float64) Interval {
	half := tFactor(confidence, df) * sd / math.Sqrt(float64(n))
	return Interval{mean * math.Exp(-half), mean * math.Exp(half)}
}

// NewBlocks takes a row for each block with the value of each arm, NaN where it has none. Values that are not
// above 0 are left out, and so are blocks with one value. It is false where nothing is left.
func NewBlocks(rows [][]float64, confidence float64) (Blocks, bool) {
	b, ok := solved(rows)
	b.confidence = confidence
	if ok {
		b.adjusted = b.allPairs()
	}
	return b, ok && share(confidence)
}

func solved(rows [][]float64) (Blocks, bool) {
	arms := 0
	for _, row := range rows {
		arms = max(arms, len(row))
	}
	d := newDesign(arms)
	for _, row := range rows {
		d.add(row)
	}
	return d.solve()
}

// design are the normal equations of arms, blocks taken out.
type design struct {
	n, blocks float64
	equations *mat.SymDense
	right     []float64
	squares   float64 // of the deviations from the block means
	part      []int
	in        []bool
}

func newDesign(arms int) *design {
	d := &design{equations: mat.NewSymDense(max(1, arms), nil), right: make([]float64, arms), part: make([]int, arms), in: make([]bool, arms)}
	for i := range d.part {
		d.part[i] = i
	}
	return d
}

func (d *design) add(row []float64) {
	var at []int
	var logs []float64
	for i, v := range row {
		if l := math.Log(v); !notFinite(l) {
			at, logs = append(at, i), append(logs, l)
		}
	}
	if len(at) < 2 {
		return
	}
	m, squares := meanAndSquares(logs)
	size := float64(len(at))
	d.n, d.blocks, d.squares = d.n+size, d.blocks+1, d.squares+squares
	for k, i := range at {
		d.in[i] = true
		d.right[i] += logs[k] - m
		d.equations.SetSym(i, i, d.equations.At(i, i)+1-1/size)
		for _, j := range at[:k] {
			d.equations.SetSym(i, j, d.equations.At(i, j)-1/size)
		}
		d.join(at[0], i)
	}
}

// join makes two arms and all that hang on them one part.
func (d *design) join(i, j int) {
	from, to := d.part[j], d.part[i]
	for k := range d.part {
		if d.part[k] == from {
			d.part[k] = to
		}
	}
}

// solve adds to each part that its effects are 0 in sum, which the equations leave open.
func (d *design) solve() (Blocks, bool) {
	if d.n == 0 {
		return Blocks{}, false
	}
	arms, parts := len(d.right), map[int]bool{}
	held := 0.0
	for i := range arms {
		if !d.in[i] {
			d.equations.SetSym(i, i, 1)
			continue
		}
		held++
		parts[d.part[i]] = true
		for j := range i + 1 {
			if d.in[j] && d.part[i] == d.part[j] {
				d.equations.SetSym(i, j, d.equations.At(i, j)+1)
			}
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(d.equations) {
		return Blocks{}, false
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		return Blocks{}, false
	}
	var effects mat.VecDense
	right := mat.NewVecDense(arms, d.right)
	effects.MulVec(&inverse, right)
	b := Blocks{arms: make([]float64, arms), part: d.part, inverse: mat.DenseCopyOf(&inverse), spread: math.NaN()}
	for i := range arms {
		b.arms[i] = math.NaN()
		if d.in[i] {
			b.arms[i] = effects.AtVec(i)
		}
	}
	b.df = d.n - d.blocks - held + float64(len(parts))
	if b.df > 0 {
		b.spread = max(leastSpread, math.Sqrt(max(0, d.squares-mat.Dot(&effects, right))/b.df))
	}
	return b, true
}

// Level is how an arm stands, block effects taken out: the logarithm of its ratio to the mean of its part; NaN for an
// arm without a value.
func (b Blocks) Level(arm int) float64 { return b.arms[arm] }

// Ratio is how many times arm j is arm i. P is adjusted for all pairs of arms (Holm), because who holds the best of
// many against the others has looked at all of them. Interval and P are NaN where nothing tells the spread. It is false
// for arms that do not hang together.
func (b Blocks) Ratio(i, j int) (Ratio, bool) {
	if math.IsNaN(b.arms[i]) || math.IsNaN(b.arms[j]) || b.part[i] != b.part[j] {
		return Ratio{}, false
	}
	if !(b.df > 0) {
		nan := math.NaN()
		return Ratio{Ratio: math.Exp(b.arms[j] - b.arms[i]), Interval: Interval{nan, nan}, P: nan}, true
	}
	out := ratioOf(b.arms[j]-b.arms[i], b.standardError(i, j), b.df, b.confidence)
	if i != j {
		out.P = b.adjusted[max(i, j)][min(i, j)]
	}
	return out, true
}

// standardError is that of a difference.
func (b Blocks) standardError(i, j int) float64 {
	return b.spread * math.Sqrt(max(0, b.inverse.At(i, i)+b.inverse.At(j, j)-2*b.inverse.At(i, j)))
}

// allPairs is the adjusted p of each pair.
func (b Blocks) allPairs() [][]float64 {
	out := make([][]float64, len(b.arms))
	var p []float64
	for i := range b.arms {
		out[i] = make([]float64, i)
		for j := range i {
			v := math.NaN()
			if b.df > 0 && b.part[i] == b.part[j] && !math.IsNaN(b.arms[i]) && !math.IsNaN(b.arms[j]) {
				v = tP(b.arms[i]-b.arms[j], b.standardError(i, j), b.df)
			}
			p = append(p, v)
		}
	}
	p = Holm(p)
	for i := range out {
		p = p[copy(out[i], p):]
	}
	return out
}
