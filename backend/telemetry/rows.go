package telemetry

import (
	"math"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// rows keep readings as numbers side by side: no pointers, so that storing one allocates nothing and
// the collector has nothing to look at. What is missing is NaN.
type rows struct {
	shape
	heads  []head
	nums   []float64  // width for each row: figures, cores, then each GPU's gauges
	limits [][]string // gpus for each row; nobody changes the words
}

// shape is the room of a row.
type shape struct{ cores, gpus int }

// head is what of a reading is no number that may be missing.
type head struct {
	shape
	at     time.Time
	tUs    int64
	lateMs float64
	phase  domain.Phase
	remote []domain.RemoteSample
}

// scalars is how many figures a sample has beside its gauges, fixed how many both are.
const (
	scalars = 10
	fixed   = scalars + int(domain.Gauges)
)

func figuresOf(s *domain.Sample) (f [fixed]**float64) {
	f = [fixed]**float64{
		&s.CPUPercent, &s.RAMUsedGB, &s.SwapUsedGB, &s.EngineCPUPercent, &s.EngineRSSGB, &s.SelfCPUPercent,
		&s.GPUPercent, &s.VRAMUsedGB, &s.PowerW, &s.GPUTempC,
	}
	for i, g := range s.Gauges() {
		f[scalars+i] = g
	}
	return f
}

func (h shape) width() int { return fixed + h.cores + h.gpus*domain.GPUGauges }

// counter reports whether a column counts up: the last value of a span stands for it, not the mean.
func (h shape) counter(column int) bool {
	gpu := column - fixed - h.cores
	return column == scalars+int(domain.GaugeCPUEnergy) || gpu >= 0 && gpu%domain.GPUGauges == domain.GPUGaugeEnergy
}

func (h shape) holds(other shape) bool { return other.cores <= h.cores && other.gpus <= h.gpus }

func shapeOf(s *domain.Sample) shape { return shape{len(s.CPUCores), len(s.GPUs)} }

func newRows(n int, room shape) *rows {
	return &rows{
		shape: room, heads: make([]head, n), nums: make([]float64, n*room.width()), limits: make([][]string, n*room.gpus),
	}
}

// row returns the numbers of row i and the words of its GPUs.
func (r *rows) row(i int) ([]float64, [][]string) {
	h := r.heads[i].shape
	return r.nums[i*r.width():][:h.width():h.width()], r.limits[i*r.gpus:][:h.gpus]
}

// put stores a sample, for which there must be room.
func (r *rows) put(i int, s *domain.Sample) {
	r.heads[i] = head{shapeOf(s), s.Timestamp, s.TUs, s.LateMs, s.Phase, s.Remote}
	nums, limits := r.row(i)
	for k, f := range figuresOf(s) {
		nums[k] = known(*f)
	}
	copy(nums[fixed:], s.CPUCores)
	nums = nums[fixed+len(s.CPUCores):]
	for g := range s.GPUs {
		for k, f := range s.GPUs[g].Gauges() {
			nums[g*domain.GPUGauges+k] = known(*f)
		}
		limits[g] = s.GPUs[g].LimitReasons
	}
}

// copy stores row j of others.
func (r *rows) copy(i int, others *rows, j int) {
	r.heads[i] = others.heads[j]
	nums, limits := r.row(i)
	from, words := others.row(j)
	copy(nums, from)
	copy(limits, words)
}

// sample returns row i. Its figures lie in the row, which must not be written any more.
func (r *rows) sample(i int) domain.Sample {
	h := &r.heads[i]
	nums, limits := r.row(i)
	s := domain.Sample{
		Timestamp: h.at, TUs: h.tUs, TMs: float64(h.tUs) / 1000, Phase: h.phase, LateMs: h.lateMs, Remote: h.remote,
		CPUCores: nums[fixed:][:h.cores:h.cores], GPUs: make([]domain.GPUSample, h.gpus),
	}
	for k, f := range figuresOf(&s) {
		*f = pointer(&nums[k])
	}
	nums = nums[fixed+h.cores:]
	for g := range s.GPUs {
		s.GPUs[g].Index, s.GPUs[g].LimitReasons = g, limits[g]
		for k, f := range s.GPUs[g].Gauges() {
			*f = pointer(&nums[g*domain.GPUGauges+k])
		}
	}
	return s
}

func known(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func pointer(v *float64) *float64 {
	if math.IsNaN(*v) {
		return nil
	}
	return v
}

// handOut copies samples for those who keep them: a block of rows for many, never written again.
type handOut struct {
	rows *rows
	next int
}

// handOutRows is how many samples share a block; it lives as long as the last of them.
const handOutRows = 64

func (o *handOut) copy(s *domain.Sample) domain.Sample {
	if o.rows == nil || o.next == handOutRows || !o.rows.holds(shapeOf(s)) {
		o.rows, o.next = newRows(handOutRows, shapeOf(s)), 0
	}
	i := o.next
	o.next++
	o.rows.put(i, s)
	return o.rows.sample(i)
}
