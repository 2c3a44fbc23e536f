package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const qualityColumns = `id, kind, model, model_sha256, endpoint_id, reference, reference_sha256, language, pack,
	engine, engine_build, status, created_us, started_us, ended_us, error, summary`

func qualityFields(q *domain.Quality) []any {
	return []any{&q.ID, &q.Kind, &q.ModelID, &q.ModelSHA256, &q.EndpointID, &q.ReferenceModelID, &q.ReferenceSHA256, &q.Language, &q.Pack,
		&q.Engine, &q.EngineBuild, &q.Status, usCol{&q.CreatedAt}, optUsCol{&q.StartedAt}, optUsCol{&q.EndedAt}, asJSON(&q.Error), asJSON(&q.Summary)}
}

// PutQuality stores a measurement of quality, in place of one with the same id; its records stay.
func (s *Store) PutQuality(ctx context.Context, q domain.Quality) error {
	return s.grow(ctx, "store quality", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO quality("+qualityColumns+") VALUES("+marks(qualityColumns)+`)
			ON CONFLICT(id) DO UPDATE SET model_sha256 = excluded.model_sha256, reference_sha256 = excluded.reference_sha256,
			engine_build = excluded.engine_build, status = excluded.status, started_us = excluded.started_us,
			ended_us = excluded.ended_us, error = excluded.error, summary = excluded.summary`, qualityFields(&q)...)
		return err
	})
}

// AppendQuality stores one raw record of a measurement.
func (s *Store) AppendQuality(ctx context.Context, id string, r domain.QualityRecord) error {
	return s.grow(ctx, "store quality record", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO quality_record(quality_id, n, data) VALUES(?, ?, ?)", id, r.N, packedCol[domain.QualityRecord]{&r})
		return err
	})
}

// QualityRecords returns the raw records of a measurement in their order.
func (s *Store) QualityRecords(ctx context.Context, id string) ([]domain.QualityRecord, error) {
	fields := func(r *domain.QualityRecord) []any { return []any{packedCol[domain.QualityRecord]{r}} }
	return list(ctx, s.r, "read quality records", fields, "SELECT data FROM quality_record WHERE quality_id = ? ORDER BY n", id)
}

// Qualities lists measurements, newest first.
func (s *Store) Qualities(ctx context.Context, f domain.QualityFilter) ([]domain.Quality, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = -1
	}
	return list(ctx, s.r, "list qualities", qualityFields, "SELECT "+qualityColumns+` FROM quality
		WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR model = ?2) AND (?3 = '' OR endpoint_id = ?3) AND (?4 = '' OR language = ?4)
		AND (?5 = '' OR status = ?5) ORDER BY created_us DESC, id LIMIT ?6`, f.Kind, f.Model, f.Endpoint, f.Language, f.Status, limit)
}

// Quality returns one measurement.
func (s *Store) Quality(ctx context.Context, id string) (domain.Quality, error) {
	var q domain.Quality
	err := s.r.QueryRowContext(ctx, "SELECT "+qualityColumns+" FROM quality WHERE id = ?", id).Scan(qualityFields(&q)...)
	if errors.Is(err, sql.ErrNoRows) {
		return q, &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such measurement of quality."}
	}
	return q, wrap("read quality", err)
}

// DeleteQuality removes a measurement with its records.
func (s *Store) DeleteQuality(ctx context.Context, id string) error {
	return s.deleteByID(ctx, "DELETE FROM quality WHERE id = ?", id, "There is no such measurement of quality.")
}

// InterruptQualities marks those that wait or run as interrupted: the program that did has ended.
func (s *Store) InterruptQualities(ctx context.Context, at time.Time, why domain.RunError) error {
	return s.inTx(ctx, "interrupt qualities", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE quality SET status = ?, ended_us = ?, error = ? WHERE status IN (?, ?)",
			domain.StatusInterrupted, usCol{&at}, asJSON(&why), domain.StatusQueued, domain.StatusRunning)
		return err
	})
}

// mostPacked bounds what a packed value may become, so that a damaged one cannot fill the memory.
const mostPacked = 64 << 20

// packedCol keeps what p points to as compressed JSON.
type packedCol[T any] struct{ p *T }

// Value implements driver.Valuer.
func (c packedCol[T]) Value() (driver.Value, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(c.p), z.Close()); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

// Scan implements sql.Scanner.
func (c packedCol[T]) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("packed column holds %T", src)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	var zero T
	*c.p = zero
	if err := json.NewDecoder(io.LimitReader(z, mostPacked)).Decode(c.p); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return nil
}
