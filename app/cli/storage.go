package cli

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

const storagePath = "/api/v1/storage"

func (e *env) storage() *cobra.Command {
	c := &cobra.Command{Use: "storage", Short: "Show what takes space, compact it, back it up", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, storagePath, nil, printStorage)
		}}
	compact := &cobra.Command{Use: "compact", Short: "Give free space back to the disk", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return shown(c.Context(), e, storagePath+"/compact", func(w io.Writer, x domain.Compacted) error {
				_, err := fmt.Fprintf(w, "%s before, %s now.\n", size(x.BeforeBytes), size(x.AfterBytes))
				return err
			})
		}}
	backup := &cobra.Command{Use: "backup", Short: "Copy the database now", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return shown(c.Context(), e, storagePath+"/backups", func(w io.Writer, b domain.Backup) error {
				_, err := fmt.Fprintf(w, "%s (%s)\n", b.Name, size(b.Bytes))
				return err
			})
		}}
	keep := &cobra.Command{Use: "keep", Short: "Keep the database after all, instead of the backup that was to be restored", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodDelete, storagePath+"/restore", nil, say("The database stays."))
		}}
	dismiss := &cobra.Command{Use: "dismiss", Short: "Put the notice of a recovery away", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodDelete, storagePath+"/recovery", nil, say("The notice is gone; what was set aside stays."))
		}}
	c.AddCommand(compact, backup, e.backups(), keep, dismiss, e.retention(), e.move(), e.stay(), e.removeOld(), e.stop(),
		e.idVerb("restore", "Put a backup in place of the database at the next start", http.MethodPost, storagePath+"/backups/", "/restore", "Start the program again to restore it."),
		e.idVerb("rm", "Delete a backup", http.MethodDelete, storagePath+"/backups/", "", "Deleted."))
	return c
}

func (e *env) backups() *cobra.Command {
	return &cobra.Command{Use: "backups", Short: "List the copies of the database", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, storagePath+"/backups", nil, func(w io.Writer, bs []domain.Backup) error {
				rows := [][]string{{"NAME", "WHEN", "WHY", "SIZE"}}
				for _, b := range bs {
					rows = append(rows, []string{b.Name, b.CreatedAt.Local().Format("2006-01-02 15:04"), b.Reason, size(b.Bytes)})
				}
				return table(w, rows...)
			})
		}}
}

func (e *env) retention() *cobra.Command {
	c := &cobra.Command{Use: "tidy", Short: "Show what the rules of retention free, or apply them with --apply", Args: cobra.NoArgs}
	apply := c.Flags().Bool("apply", false, "apply them now")
	c.RunE = func(c *cobra.Command, _ []string) error {
		method := http.MethodGet
		if *apply {
			method = http.MethodPost
		}
		return show1(c.Context(), e, method, storagePath+"/retention", nil, func(w io.Writer, r domain.Retention) error {
			row := func(name string, days int, p domain.RetentionPart) []string {
				rule := "never"
				if days > 0 {
					rule = strconv.Itoa(days) + " days"
				}
				return []string{name, rule, strconv.Itoa(p.Runs), size(p.Bytes)}
			}
			return table(w, []string{"WHAT", "AFTER", "RUNS", "SIZE"}, row("trash", r.TrashDays, r.Trash),
				row("texts", r.DropTextsDays, r.Texts), row("telemetry", r.DropTelemetryDays, r.Telemetry))
		})
	}
	return c
}

func (e *env) trash() *cobra.Command {
	c := &cobra.Command{Use: "trash", Short: "List the deleted runs", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, "/api/v1/benchmarks?trash=true&limit=500", nil, printRuns)
		}}
	c.AddCommand(e.idVerb("rm", "Delete a run of the trash for good", http.MethodDelete, "/api/v1/trash/", "", "Deleted for good."),
		&cobra.Command{Use: "empty", Short: "Delete every run of the trash for good", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return show1(c.Context(), e, http.MethodDelete, "/api/v1/trash", nil, func(w io.Writer, x domain.TrashEmptied) error {
					_, err := fmt.Fprintf(w, "%d deleted for good.\n", x.Deleted)
					return err
				})
			}})
	return c
}

func printStorage(w io.Writer, s domain.Storage) error {
	rows := [][]string{{"WHAT", "SIZE", "ROWS"}}
	for _, p := range s.Parts {
		name, count := p.Kind, missing
		if p.InDatabase {
			name = "database: " + name
		}
		if p.Rows != nil {
			count = strconv.FormatInt(*p.Rows, 10)
		}
		rows = append(rows, []string{name, size(p.Bytes), count})
	}
	rows = append(rows, []string{"in all", size(s.TotalBytes), ""})
	if s.DiskFreeBytes != nil {
		rows = append(rows, []string{"free on the disk", size(*s.DiskFreeBytes), ""})
	}
	fmt.Fprintln(w, s.DataDir)
	if m := s.Move; m != nil && m.State == "failed" {
		fmt.Fprintf(w, "It was not moved to %s: %s “inferometer storage move” goes on, “inferometer storage stay” takes it back.\n", m.To, m.Reason)
	} else if m != nil {
		fmt.Fprintf(w, "The next start moves it to %s. “inferometer storage stay” takes it back.\n", m.To)
	}
	if o := s.OldData; o != nil {
		fmt.Fprintf(w, "%s still holds %s from before the move. “inferometer storage remove-old” deletes it.\n", o.Dir, size(o.Bytes))
	}
	if s.PendingRestore != "" {
		fmt.Fprintf(w, "At the next start %s takes the place of the database. “inferometer storage keep” prevents it.\n", s.PendingRestore)
	}
	for _, line := range DatabaseNotes(s.Database) {
		fmt.Fprintln(w, line)
	}
	return table(w, rows...)
}

// DatabaseNotes are what a person has to know of the state of the database, a line each.
func DatabaseNotes(d domain.DatabaseState) (lines []string) {
	if r := d.Recovery; r != nil {
		lines = append(lines, fmt.Sprintf("%s It was set aside as %s at %s.", r.Reason, r.Quarantined, r.At.Local().Format("2006-01-02 15:04")))
		if r.RestoredFrom != "" {
			lines[0] += " The backup " + r.RestoredFrom + " took its place."
		} else {
			lines[0] += " There was no good backup, so an empty database was begun."
		}
		lines = append(lines, "“inferometer storage dismiss” puts this notice away.")
	}
	if d.DiskFull {
		lines = append(lines, "The disk is full: nothing more is stored until there is room. Runs, models and backups can still be deleted.")
	}
	switch {
	case d.Check != "damaged":
	case d.Restores != "":
		lines = append(lines, "The database is damaged. At the next start the backup "+d.Restores+" takes its place; what is there now is kept.")
	default:
		lines = append(lines, "The database is damaged, and there is no good backup of it. What can be read stays readable.")
	}
	return lines
}

func size(bytes int64) string {
	if bytes >= 1e9 {
		return fmt.Sprintf("%.2f GB", float64(bytes)/1e9)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
