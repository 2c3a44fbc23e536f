//go:build linux

package main

import (
	"math"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestTable(t *testing.T) {
	reported := func(v float64) *float64 { return &v }
	var x table
	for _, v := range []float64{103, 99, 98} {
		x.add(off("TTFT", 2, reported(v), 100))
		x.add(least("load", "%.1f %%", 99, v))
		x.add(most("memory", "%.0f MB", 90, v))
	}
	x.add(off("missing", 2, nil, 100))
	x.add(most("only told", "%.1f s", told, 7))
	var out strings.Builder
	x.print(&out, options{rounds: 3})
	want := `| what | must | measured, best of 3 | |
|---|---|---|---|
| TTFT | ≤ 2 % | -1.00 % | reached |
| load | ≥ 99 % | 103.0 % | reached |
| memory | ≤ 90 MB | 98 MB | **missed** |
| missing | ≤ 2 % | +Inf % | **missed** |
| only told |  | 7.0 s |  |

`
	if out.String() != want {
		t.Errorf("the table is\n%s", out.String())
	}
}

func TestVerdict(t *testing.T) {
	report := func(ok, tokens int, ttft, tpot float64, warnings ...string) outcome {
		s := &domain.Summary{}
		s.Requests.OK, s.Tokens.Output, s.TTFTMs.Mean, s.TPOTMs.Mean = ok, tokens, &ttft, &tpot
		o := outcome{run: domain.Run{Summary: s}}
		for _, w := range warnings {
			o.run.Warnings = append(o.run.Warnings, domain.Warning{Code: w})
		}
		return o
	}
	sent := truth{Outcomes: map[string]int{"ok": 18}, Tokens: 1152, TTFT: stat{Mean: 50}, TPOT: stat{Mean: 5}}
	for _, x := range []struct {
		name string
		lies bool
		o    outcome
		want string
	}{
		{"right", false, report(18, 1152, 50.5, 5.01), "right"},
		{"an error told as success", false, report(24, 1152, 50, 5), "**wrong outcomes**"},
		{"reasoning left out", false, report(18, 1152, 211, 5), "**wrong TTFT**"},
		{"stretched", false, report(18, 1152, 50, 6), "**wrong TPOT**"},
		{"a lie believed", true, report(18, 2304, 50, 2.5), "**wrong tokens**"},
		{"a lie told", true, report(18, 2304, 50, 2.5, "token_count_mismatch"), "flagged"},
		{"wrong without a lie", false, report(18, 288, 50, 20, "token_count_mismatch"), "**wrong tokens**"},
	} {
		if got := (trap{lies: x.lies}).verdict(sent, x.o); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
}

// A pinned child sees its one core only, and this process keeps all of its own.
func TestPinned(t *testing.T) {
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !before.IsSet(core) {
		core++
	}
	cmd := exec.Command("nproc")
	var out strings.Builder
	cmd.Stdout = &out
	if err := pinned(cmd, core); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || strings.TrimSpace(out.String()) != "1" {
		t.Errorf("the child sees %q cores, %v", out.String(), err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("the cores are %v after %v, %v", after.Count(), before.Count(), err)
	}
}

func TestOff(t *testing.T) {
	if v := off("", 1, nil, 0).value; !math.IsInf(v, 1) {
		t.Errorf("a missing figure is %g off", v)
	}
}
