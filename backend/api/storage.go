package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) storageRoutes() {
	path, backups := base+"/storage", base+"/storage/backups"
	add(a, command("EmptyTrash", http.MethodDelete, base+"/trash", "Delete every job of the trash for good"), a.emptyTrash)
	add(a, command("EraseBenchmark", http.MethodDelete, base+"/trash/{id}", "Delete a job of the trash for good"), a.eraseBenchmark,
		status(http.StatusNoContent))
	add(a, read("Storage", path, "What takes space on disk"), a.storage)
	add(a, command("CompactStorage", http.MethodPost, path+"/compact", "Give free space back to the disk"), a.compactStorage)
	add(a, read("Retention", path+"/retention", "What the rules of retention would free now"), a.retention,
		describe("Rules that are not given are those of the settings."))
	add(a, command("ApplyRetention", http.MethodPost, path+"/retention", "Apply the rules of retention that are set"), a.applyRetention,
		describe("They are also applied by themselves, once an hour while nothing is measured."))
	add(a, read("StorageWork", path+"/work", "What works the disk now"), a.storageWork,
		describe("It reads next to nothing, so that it can be asked for again and again."))
	add(a, command("CancelStorageTask", http.MethodDelete, path+"/task", "Stop what works the whole database"), a.cancelStorageTask, status(http.StatusNoContent),
		describe("It answers before that has ended; whoever asked for it is told that it was stopped."))
	add(a, command("MoveStorage", http.MethodPost, path+"/move", "Move the data folder"), a.moveStorage, status(http.StatusAccepted),
		describe("Models, engines and backups are copied while nothing is measured; what changes is copied and read back at the next start, which then uses the new place. "+
			"The old copy stays until it is removed. It is refused when the data folder was named at the start."))
	add(a, command("CancelMove", http.MethodDelete, path+"/move", "Leave the data folder where it is after all"), a.cancelMove, status(http.StatusNoContent))
	add(a, command("RemoveOldData", http.MethodDelete, path+"/old", "Delete what a move left in the old place"), a.removeOldData)
	add(a, read("Backups", backups, "Copies of the database, newest first"), a.backups)
	add(a, command("AddBackup", http.MethodPost, backups, "Copy the database now"), a.addBackup, status(http.StatusCreated))
	add(a, command("RemoveBackup", http.MethodDelete, backups+"/{id}", "Delete a copy"), a.removeBackup, status(http.StatusNoContent))
	add(a, command("RestoreBackup", http.MethodPost, backups+"/{id}/restore", "Put a copy in place of the database at the next start"), a.restoreBackup,
		describe("The copy is read from end to end first. What is there now becomes a backup itself."))
	add(a, command("DismissRecovery", http.MethodDelete, path+"/recovery", "Put the notice of a recovery away"), a.dismissRecovery, status(http.StatusNoContent),
		describe("The database that was set aside stays in the data folder."))
	add(a, command("CancelRestore", http.MethodDelete, path+"/restore", "Keep the database after all"), a.cancelRestore, status(http.StatusNoContent))
}

func (a *API) emptyTrash(ctx context.Context, _ *none) (*body[domain.TrashEmptied], error) {
	n, err := a.svc.EmptyTrash(ctx)
	return &body[domain.TrashEmptied]{n}, err
}

func (a *API) eraseBenchmark(ctx context.Context, in *JobInput) (*nothing, error) {
	return nil, a.svc.EraseBenchmark(ctx, in.run())
}

func (a *API) storage(ctx context.Context, _ *none) (*body[domain.Storage], error) {
	s, err := a.svc.Storage(ctx)
	return &body[domain.Storage]{s}, err
}

func (a *API) storageWork(ctx context.Context, _ *none) (*body[domain.StorageWork], error) {
	w, err := a.svc.StorageWork(ctx)
	return &body[domain.StorageWork]{w}, err
}

func (a *API) cancelStorageTask(ctx context.Context, _ *none) (*nothing, error) {
	return nil, a.svc.CancelStorageTask(ctx)
}

type moveInput struct {
	Body struct {
		Path string `json:"path" minLength:"1" maxLength:"4096" doc:"An absolute path to a folder that is empty, or not there yet, in a folder that is"`
	}
}

func (a *API) moveStorage(ctx context.Context, in *moveInput) (*body[domain.Move], error) {
	m, err := a.svc.MoveStorage(ctx, in.Body.Path)
	return &body[domain.Move]{m}, err
}

func (a *API) cancelMove(ctx context.Context, _ *none) (*nothing, error) {
	return nil, a.svc.CancelMove(ctx)
}

func (a *API) removeOldData(ctx context.Context, _ *none) (*body[domain.OldData], error) {
	o, err := a.svc.RemoveOldData(ctx)
	return &body[domain.OldData]{o}, err
}

func (a *API) compactStorage(ctx context.Context, _ *none) (*body[domain.Compacted], error) {
	c, err := a.svc.CompactStorage(ctx)
	return &body[domain.Compacted]{c}, err
}

// notGiven stands for a rule that a query leaves to the settings.
const notGiven = -1

type retentionInput struct {
	Trash     int `query:"trash_days" default:"-1" minimum:"-1" maximum:"36500" doc:"0: never; -1: as set"`
	Texts     int `query:"drop_texts_days" default:"-1" minimum:"-1" maximum:"36500"`
	Telemetry int `query:"drop_telemetry_days" default:"-1" minimum:"-1" maximum:"36500"`
}

func (a *API) retention(ctx context.Context, in *retentionInput) (*body[domain.Retention], error) {
	given := func(days int) *int {
		if days == notGiven {
			return nil
		}
		return &days
	}
	r, err := a.svc.Retention(ctx, given(in.Trash), given(in.Texts), given(in.Telemetry))
	return &body[domain.Retention]{r}, err
}

func (a *API) applyRetention(ctx context.Context, _ *none) (*body[domain.Retention], error) {
	r, err := a.svc.ApplyRetention(ctx)
	return &body[domain.Retention]{r}, err
}

func (a *API) backups(ctx context.Context, _ *none) (*list[domain.Backup], error) {
	return whole(a.svc.Backups(ctx))
}

func (a *API) addBackup(ctx context.Context, _ *none) (*created[domain.Backup], error) {
	b, err := a.svc.AddBackup(ctx)
	return &created[domain.Backup]{Location: base + "/storage/backups/" + url.PathEscape(b.Name), Body: b}, err
}

func (a *API) removeBackup(ctx context.Context, in *IDInput) (*nothing, error) {
	return nil, a.svc.RemoveBackup(ctx, in.ID)
}

func (a *API) restoreBackup(ctx context.Context, in *IDInput) (*body[domain.Restore], error) {
	r, err := a.svc.RestoreBackup(ctx, in.ID)
	return &body[domain.Restore]{r}, err
}

func (a *API) dismissRecovery(ctx context.Context, _ *none) (*nothing, error) {
	return nil, a.svc.DismissRecovery(ctx)
}

func (a *API) cancelRestore(ctx context.Context, _ *none) (*nothing, error) {
	return nil, a.svc.CancelRestore(ctx)
}
