package telemetry

import (
	"bytes"
	"strconv"

	"github.com/inferometer/inferometer/backend/domain"
)

// ticksPerS is the unit of times in /proc/PID/stat: the same on every Linux that Go runs on.
const ticksPerS = 100

// parseProcess reads /proc/PID/stat. The name, in parentheses, may itself hold blanks and parentheses.
func parseProcess(data []byte) (p domain.Process, ok bool) {
	from, to := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if from < 1 || to < from {
		return p, false
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(data[:from])))
	if err != nil || pid <= 0 {
		return p, false
	}
	p.PID, p.Name = pid, string(data[from+1:to])
	field, ticks := 2, uint64(0)
	for word := range bytes.FieldsSeq(data[to+1:]) {
		field++
		if field != 4 && field != 14 && field != 15 { // parent, user time, system time
			continue
		}
		v, rest, ok := nextUint(word)
		if !ok || len(rest) > 0 {
			return domain.Process{}, false
		}
		if field == 4 {
			p.Parent = int(v) // #nosec G115 -- pids fit
			continue
		}
		ticks += v
		if field == 15 {
			p.CPUS = float64(ticks) / ticksPerS
			return p, true
		}
	}
	return domain.Process{}, false
}
