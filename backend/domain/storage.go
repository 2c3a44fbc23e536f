package domain

import "time"

// Storage is the answer of GET /api/v1/storage: what takes space on disk.
type Storage struct {
	DataDir string `json:"data_dir"`
	// Parts are texts, token_times, telemetry, search, results and free of the database, and models, engines,
	// logs and backups beside it, in this order.
	Parts          []StoragePart `json:"parts"`
	DatabaseBytes  int64         `json:"database_bytes"`
	TotalBytes     int64         `json:"total_bytes"`
	DiskFreeBytes  *int64        `json:"disk_free_bytes"`
	PendingRestore string        `json:"pending_restore"` // the backup that takes its place at the next start; empty: none
	Database       DatabaseState `json:"database"`
	// OldData is what a move of the data folder left in its old place; null: nothing.
	OldData *OldData `json:"old_data"`
	// Move is a move of the data folder that was asked for; null: none.
	Move *Move `json:"move"`
}

// StorageWork is the answer of GET /api/v1/storage/work: what works the disk now.
type StorageWork struct {
	Movable bool  `json:"movable"` // the data folder was not named at the start, so that it can be moved
	Move    *Move `json:"move"`    // null: the data folder stays where it is
	// Task is what reads or writes the whole database because somebody asked for it; null: nothing.
	Task *StorageTask `json:"task"`
}

// StorageTask is work on the whole database that takes its time.
type StorageTask struct {
	Kind       string    `json:"kind"` // compact, backup, restore
	DoneBytes  int64     `json:"done_bytes"`
	TotalBytes int64     `json:"total_bytes"` // 0: not known yet
	StartedAt  time.Time `json:"started_at"`
}

// Move is a move of the data folder that was asked for.
type Move struct {
	To         string `json:"to"`
	State      string `json:"state"`  // copying, ready (it happens at the next start), switching, failed
	Reason     string `json:"reason"` // why it failed; else empty
	DoneBytes  int64  `json:"done_bytes"`
	TotalBytes int64  `json:"total_bytes"` // of all that is moved, what is copied at the next start included
}

// OldData is what a move of the data folder left in its old place.
type OldData struct {
	Dir     string    `json:"dir"`
	Bytes   int64     `json:"bytes"`
	MovedAt time.Time `json:"moved_at"`
}

// DatabaseState says how well the database is.
type DatabaseState struct {
	// Check is none (nothing asked for one), due, running, ok or damaged.
	Check      string    `json:"check"`
	Detail     string    `json:"detail"`      // what the check found; empty unless damaged
	UncleanEnd bool      `json:"unclean_end"` // the program before this one was killed, or the machine stopped
	Restores   string    `json:"restores"`    // the backup that takes the place of a damaged database at the next start; empty: none
	Schema     int       `json:"schema"`
	DiskFull   bool      `json:"disk_full"` // something could not be stored; deleting still works
	Recovery   *Recovery `json:"recovery"`  // null: none, or its notice was put away
}

// Recovery says that a database which could not be used was set aside.
type Recovery struct {
	At           time.Time `json:"at"`
	Reason       string    `json:"reason"`
	Quarantined  string    `json:"quarantined"`   // where it lies in the data folder now
	RestoredFrom string    `json:"restored_from"` // the backup in its place; empty: there was no good one, so an empty database was begun
}

// StoragePart is one kind of what is kept.
type StoragePart struct {
	Kind       string `json:"kind"`
	Bytes      int64  `json:"bytes"`
	Rows       *int64 `json:"rows"`        // requests, readings or files; null where it means nothing
	InDatabase bool   `json:"in_database"` // a share of database_bytes
}

// Compacted is the answer of POST /api/v1/storage/compact.
type Compacted struct {
	BeforeBytes int64 `json:"before_bytes"`
	AfterBytes  int64 `json:"after_bytes"`
}

// Backup is one copy of the database.
type Backup struct {
	Name      string    `json:"name"`
	Reason    string    `json:"reason"` // manual, daily, migration, restore (what was there before one)
	Schema    int       `json:"schema"`
	Bytes     int64     `json:"bytes"`
	CreatedAt time.Time `json:"created_at"`
}

// Restore is the answer of POST /api/v1/storage/backups/{name}/restore.
type Restore struct {
	Name    string `json:"name"`
	Restart bool   `json:"restart"` // the program has to be started again
}

// RetentionRules say what is deleted by itself; 0 days: never.
type RetentionRules struct {
	TrashDays         int `json:"trash_days"`
	DropTextsDays     int `json:"drop_texts_days"`     // prompts and outputs of runs that ended longer ago, unless pinned
	DropTelemetryDays int `json:"drop_telemetry_days"` // hardware readings of runs that ended longer ago, unless pinned
}

// Retention is what rules free now, or have freed.
type Retention struct {
	RetentionRules
	Trash     RetentionPart `json:"trash"`
	Texts     RetentionPart `json:"texts"`
	Telemetry RetentionPart `json:"telemetry"`
}

// RetentionPart counts the runs that a rule touches and the bytes it frees.
type RetentionPart struct {
	Runs  int   `json:"runs"`
	Bytes int64 `json:"bytes"`
}

// TrashEmptied is the answer of DELETE /api/v1/trash.
type TrashEmptied struct {
	Deleted int `json:"deleted"`
}
