package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

const datasetColumns = "id, name, description, prompts, language, builtin, sha256, created_us"

func datasetFields(d *domain.Dataset) []any {
	return []any{&d.ID, &d.Name, &d.Description, &d.Prompts, &d.Language, &d.Builtin, &d.SHA256, usCol{&d.CreatedAt}}
}

const promptColumns = "id, text, max_tokens, history, turns, input_tokens, at_ms, shared_prefix"

func promptFields(p *domain.Prompt) []any {
	return []any{&p.ID, &p.Text, &p.MaxTokens, asJSON(&p.History), asJSON(&p.Turns), &p.InputTokens, &p.AtMs, &p.SharedPrefix}
}

// PutDataset stores a dataset with its prompts, in place of one with the same id.
func (s *Store) PutDataset(ctx context.Context, d domain.Dataset, prompts []domain.Prompt) error {
	d.Prompts = len(prompts)
	return s.grow(ctx, "store dataset", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM dataset WHERE id = ?", d.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO dataset("+datasetColumns+") VALUES("+marks(datasetColumns)+")", datasetFields(&d)...); err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, "INSERT INTO dataset_prompt(dataset_id, seq, "+promptColumns+") VALUES(?, ?, "+marks(promptColumns)+")")
		if err != nil {
			return err
		}
		defer insert.Close()
		for i := range prompts {
			if _, err := insert.ExecContext(ctx, append([]any{d.ID, i}, promptFields(&prompts[i])...)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Datasets lists all datasets, built-in ones first, then by name.
func (s *Store) Datasets(ctx context.Context) ([]domain.Dataset, error) {
	return list(ctx, s.r, "list datasets", datasetFields, "SELECT "+datasetColumns+" FROM dataset ORDER BY builtin DESC, name, id")
}

// Dataset returns one dataset with all its prompts.
func (s *Store) Dataset(ctx context.Context, id string) (domain.Dataset, []domain.Prompt, error) {
	var d domain.Dataset
	// One transaction, so that prompts and their count are of one state.
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d, nil, wrap("read dataset", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	err = tx.QueryRowContext(ctx, "SELECT "+datasetColumns+" FROM dataset WHERE id = ?", id).Scan(datasetFields(&d)...)
	if errors.Is(err, sql.ErrNoRows) {
		return d, nil, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such dataset."}
	}
	if err != nil {
		return d, nil, wrap("read dataset", err)
	}
	prompts, err := list(ctx, tx, "read prompts", promptFields,
		"SELECT "+promptColumns+" FROM dataset_prompt WHERE dataset_id = ? ORDER BY seq", id)
	return d, prompts, err
}

// DeleteDataset removes a dataset; runs that used it keep their records.
func (s *Store) DeleteDataset(ctx context.Context, id string) error {
	return s.deleteByID(ctx, "DELETE FROM dataset WHERE id = ?", id, "There is no such dataset.")
}

func (s *Store) deleteByID(ctx context.Context, query, id, missing string) error {
	return s.inTx(ctx, "delete", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, id)
		if err != nil {
			return err
		}
		return expectRow(res, domain.KindNotFound, missing)
	})
}

const endpointColumns = "id, name, base_url, kind, has_key, key_from, created_us, metrics_urls"

func endpointFields(e *domain.Endpoint) []any {
	return []any{&e.ID, &e.Name, &e.BaseURL, &e.Kind, &e.HasKey, &e.KeyFrom, usCol{&e.CreatedAt}, asJSON(&e.MetricsURLs)}
}

// PutEndpoint stores an endpoint, in place of one with the same id.
func (s *Store) PutEndpoint(ctx context.Context, e domain.Endpoint) error {
	return s.inTx(ctx, "store endpoint", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO endpoint("+endpointColumns+") VALUES("+marks(endpointColumns)+")", endpointFields(&e)...)
		return err
	})
}

// Endpoints lists all endpoints by name.
func (s *Store) Endpoints(ctx context.Context) ([]domain.Endpoint, error) {
	return list(ctx, s.r, "list endpoints", endpointFields, "SELECT "+endpointColumns+" FROM endpoint ORDER BY name, id")
}

// Endpoint returns one endpoint.
func (s *Store) Endpoint(ctx context.Context, id string) (domain.Endpoint, error) {
	var e domain.Endpoint
	err := s.r.QueryRowContext(ctx, "SELECT "+endpointColumns+" FROM endpoint WHERE id = ?", id).Scan(endpointFields(&e)...)
	if errors.Is(err, sql.ErrNoRows) {
		return e, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such endpoint."}
	}
	return e, wrap("read endpoint", err)
}

// DeleteEndpoint removes an endpoint; its key lies elsewhere.
func (s *Store) DeleteEndpoint(ctx context.Context, id string) error {
	return s.deleteByID(ctx, "DELETE FROM endpoint WHERE id = ?", id, "There is no such endpoint.")
}

// GetKV returns the value of a key, or false.
func (s *Store) GetKV(ctx context.Context, key string) (string, bool, error) {
	var v string
	err := s.r.QueryRowContext(ctx, "SELECT value FROM kv WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return v, err == nil, wrap("read value", err)
}

// SetKV stores the value of a key.
func (s *Store) SetKV(ctx context.Context, key, value string) error {
	return s.inTx(ctx, "store value", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO kv(key, value) VALUES(?, ?)", key, value)
		return err
	})
}
