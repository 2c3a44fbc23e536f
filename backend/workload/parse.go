package workload

import (
	"io"

	"github.com/inferometer/inferometer/backend/domain"
)

// Parse reads a dataset; format is jsonl, csv or json. Errors are KindInvalid and name the line.
func Parse(format string, r io.Reader) ([]domain.Prompt, error) {
	return nil, domain.Errorf(domain.KindInvalid, "Reading datasets is not built yet.")
}
