package logbook_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/logbook"
)

func newLog(b *logbook.Book) (*slog.Logger, *bytes.Buffer) {
	var file bytes.Buffer
	return slog.New(b.Handler(slog.NewJSONHandler(&file, nil))), &file
}

func TestRecordsAreKeptAndHandedOn(t *testing.T) {
	var b logbook.Book
	var followed []domain.LogRecord
	b.Follow(func(r domain.LogRecord) { followed = append(followed, r) })
	log, file := newLog(&b)
	log.With("component", "store").WithGroup("run").Info("one", "id", 7, slog.Group("of", "x", "y"))
	log.Debug("not in the file, so not here")
	log.Error("two", "error", errors.New("it broke"), "long", strings.Repeat("é", 9000))
	got := b.Records(slog.LevelInfo, 10)
	if len(got) != 2 || got[0].Message != "two" || got[0].Level != "ERROR" || got[0].Attrs["error"] != "it broke" || len(got[0].Attrs["long"]) > 8200 {
		t.Fatalf("%+v", got)
	}
	if r := got[1]; r.Component != "store" || !maps.Equal(r.Attrs, map[string]string{"run.id": "7", "run.of.x": "y"}) || r.At.IsZero() {
		t.Errorf("%+v", r)
	}
	if len(followed) != 2 || strings.Count(file.String(), "\n") != 2 {
		t.Errorf("followed %d, file %s", len(followed), file)
	}
	if got := b.Records(slog.LevelWarn, 10); len(got) != 1 {
		t.Errorf("warnings and above: %+v", got)
	}
}

func TestTheNewestThousandAreKept(t *testing.T) {
	var b logbook.Book
	log, _ := newLog(&b)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range logbook.Size {
				log.Info("older")
			}
		})
	}
	writers.Wait()
	for n := range 300 {
		log.Info(fmt.Sprint(n))
	}
	got := b.Records(slog.LevelDebug, 5000)
	if len(got) != logbook.Size || got[0].Message != "299" || got[299].Message != "0" || got[300].Message != "older" {
		t.Errorf("%d records, the newest is %+v", len(got), got[0])
	}
	if got := b.Records(slog.LevelDebug, 3); len(got) != 3 || got[2].Message != "297" {
		t.Errorf("%+v", got)
	}
}

func TestRecordsOfEarlierStartsAreRead(t *testing.T) {
	var old logbook.Book
	log, file := newLog(&old)
	log.With("component", "store").Warn("of before", "n", 3)
	text := "half a line\"}\n[]\n{\"time\":\"never\",\"level\":\"INFO\",\"msg\":\"x\"}\n" + file.String()
	var b logbook.Book
	if err := b.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	got := b.Records(slog.LevelDebug, 10)
	if len(got) != 1 || got[0].Message != "of before" || got[0].Component != "store" || got[0].Attrs["n"] != "3" || got[0].Level != "WARN" ||
		!got[0].At.Equal(old.Records(slog.LevelDebug, 1)[0].At) {
		t.Errorf("%+v", got)
	}
	if err := b.Read(strings.NewReader(strings.Repeat("x", 2<<20))); err == nil {
		t.Error("a line without an end was read")
	}
}
