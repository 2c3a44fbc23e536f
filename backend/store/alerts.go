package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// mostAlerts are kept, the newest ones.
const mostAlerts = 1000

// alertFields reads the body first, so that what has a column of its own is as that says.
func alertFields(a *domain.Alert) []any { return []any{asJSON(a), optUsCol{&a.AcknowledgedAt}} }

const selectAlerts = "SELECT body, acknowledged_us FROM alert"

// PutAlert stores an alert, in place of one with the same id.
func (s *Store) PutAlert(ctx context.Context, a domain.Alert) error {
	return s.inTx(ctx, "store alert", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO alert(id, kind, series, since, created_us, acknowledged_us, body) VALUES(?,?,?,?,?,?,?)",
			a.ID, a.Kind, a.Series, string(a.Since), usCol{&a.CreatedAt}, optUsCol{&a.AcknowledgedAt}, asJSON(&a))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM alert WHERE id IN (SELECT id FROM alert ORDER BY created_us DESC, id LIMIT -1 OFFSET ?)", mostAlerts)
		return err
	})
}

// Alerts lists alerts, newest first; open ones are those that nobody has seen to.
func (s *Store) Alerts(ctx context.Context, open bool) ([]domain.Alert, error) {
	where := ""
	if open {
		where = " WHERE acknowledged_us IS NULL"
	}
	return list(ctx, s.r, "list alerts", alertFields, selectAlerts+where+" ORDER BY created_us DESC, id")
}

// AcknowledgeAlert notes when somebody has seen to an alert, or with nil that nobody has, and returns it.
func (s *Store) AcknowledgeAlert(ctx context.Context, id string, at *time.Time) (domain.Alert, error) {
	var a domain.Alert
	err := s.inTx(ctx, "acknowledge alert", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE alert SET acknowledged_us = ? WHERE id = ?", optUsCol{&at}, id); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, selectAlerts+" WHERE id = ?", id).Scan(alertFields(&a)...)
		if errors.Is(err, sql.ErrNoRows) {
			return &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such alert."}
		}
		return err
	})
	return a, err
}
