package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/workload"
)

const (
	previewPrompts = 20
	maxName        = 100
	maxSlug        = 60
)

// Datasets lists the datasets.
func (s *Service) Datasets(ctx context.Context) ([]domain.Dataset, error) {
	return s.d.Store.Datasets(ctx)
}

// Dataset returns one dataset with its first prompts.
func (s *Service) Dataset(ctx context.Context, id string) (domain.DatasetDetail, error) {
	d, prompts, err := s.d.Store.Dataset(ctx, id)
	if domain.KindOf(err) == domain.KindNotFound {
		return domain.DatasetDetail{}, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no dataset with this id.", Err: err}
	}
	return domain.DatasetDetail{Dataset: d, Preview: preview(prompts), Histogram: workload.Histogram(prompts)}, err
}

func preview(prompts []domain.Prompt) []domain.Prompt {
	return prompts[:min(len(prompts), previewPrompts)]
}

// AddDataset imports a dataset from a stream. A bad line refuses the whole and is told with its
// number, unless bad lines are skipped; a preview tells all of them and stores nothing.
func (s *Service) AddDataset(ctx context.Context, u DatasetUpload) (domain.DatasetImport, error) {
	name := strings.TrimSpace(u.Name)
	if n := utf8.RuneCountInString(name); n > maxName || n < 1 && !u.Preview {
		return domain.DatasetImport{}, domain.Invalid("query.name", "must have 1 to 100 characters")
	}
	in, err := workload.Import(u.Format, u.Body, workload.ImportOptions{SkipBad: u.SkipBad || u.Preview})
	if err != nil {
		return domain.DatasetImport{}, err
	}
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(in.Prompts); err != nil {
		return domain.DatasetImport{}, err
	}
	out := domain.DatasetImport{Format: in.Format, Rejected: in.Rejected, Preview: preview(in.Prompts),
		Histogram: workload.Histogram(in.Prompts),
		Dataset: domain.Dataset{Name: name, Prompts: len(in.Prompts), SHA256: hex.EncodeToString(sum.Sum(nil)),
			CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond)}}
	if u.Preview {
		return out, nil
	}
	s.dataMu.Lock()
	defer s.dataMu.Unlock()
	if out.ID, err = s.freeDatasetID(ctx, name); err != nil {
		return out, err
	}
	out.Stored = true
	return out, s.d.Store.PutDataset(ctx, out.Dataset, in.Prompts)
}

// freeDatasetID makes a short readable id of a name.
func (s *Service) freeDatasetID(ctx context.Context, name string) (string, error) {
	have, err := s.d.Store.Datasets(ctx)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, d := range have {
		taken[d.ID] = true
	}
	base := slug(name)
	id := base
	for n := 2; taken[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	return id, nil
}

// slug keeps letters and digits in lower case and joins the rest by hyphens.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
	id := strings.Join(words, "-")
	if id == "" {
		return "dataset"
	}
	return strings.TrimRight(id[:min(len(id), maxSlug)], "-")
}

// RemoveDataset deletes an imported dataset; a built-in one is KindConflict.
func (s *Service) RemoveDataset(ctx context.Context, id string) error {
	d, err := s.Dataset(ctx, id)
	if err != nil {
		return err
	}
	if d.Builtin {
		return domain.Errorf(domain.KindConflict, "A built-in dataset cannot be deleted.")
	}
	return s.d.Store.DeleteDataset(ctx, id)
}
