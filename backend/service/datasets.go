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
	return domain.DatasetDetail{Dataset: d, Preview: prompts[:min(len(prompts), previewPrompts)]}, err
}

// AddDataset imports a dataset from a stream; a mistake is told with its line.
func (s *Service) AddDataset(ctx context.Context, u DatasetUpload) (domain.Dataset, error) {
	name := strings.TrimSpace(u.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return domain.Dataset{}, domain.Invalid("query.name", "must have 1 to 100 characters")
	}
	prompts, err := workload.Parse(u.Format, u.Body)
	if err != nil {
		return domain.Dataset{}, err
	}
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(prompts); err != nil {
		return domain.Dataset{}, err
	}
	s.dataMu.Lock()
	defer s.dataMu.Unlock()
	id, err := s.freeDatasetID(ctx, name)
	if err != nil {
		return domain.Dataset{}, err
	}
	d := domain.Dataset{ID: id, Name: name, Prompts: len(prompts),
		SHA256: hex.EncodeToString(sum.Sum(nil)), CreatedAt: s.d.Now().UTC().Truncate(time.Microsecond)}
	return d, s.d.Store.PutDataset(ctx, d, prompts)
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
