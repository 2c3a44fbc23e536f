package api

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestLogAndSupportOverREST(t *testing.T) {
	w := newWorld(t, false)
	if got := decode[[]domain.LogRecord](w.get(base + "/log").want(http.StatusOK)); got == nil {
		t.Error("the log is null")
	}
	for query, field := range map[string]string{"level=loud": "query.level", "limit=0": "query.limit", "limit=1001": "query.limit"} {
		if p := w.get(base + "/log?" + query).problem(http.StatusUnprocessableEntity); !p.names(field) {
			t.Errorf("%s: %+v", query, p)
		}
	}
	a := w.get(base + "/support").want(http.StatusOK)
	if a.header.Get("Content-Type") != "application/zip" || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%v", a.header)
	}
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil || len(z.File) != 7 {
		t.Errorf("%d files, %v", len(z.File), err)
	}
}
