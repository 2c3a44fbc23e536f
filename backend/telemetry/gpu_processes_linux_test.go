//go:build linux && cgo

package telemetry

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

// A real child is found both ways: down from its parent and up from itself.
func TestFamily(t *testing.T) {
	child := exec.CommandContext(t.Context(), "cat")
	hold, err := child.StdinPipe() // it ends when this is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	proc, pid := os.DirFS("/proc"), child.Process.Pid
	if all := family(proc, os.Getpid()); all[0] != os.Getpid() || !slices.Contains(all, pid) {
		t.Errorf("family %v lacks the child %d", all, pid)
	}
	if !descends(pid, os.Getpid(), parentOf) || descends(os.Getppid(), os.Getpid(), parentOf) {
		t.Error("the child is not known by its parent")
	}
	if clients, why := drmClients(proc, os.Getpid()); len(clients) != 0 || why != "" {
		t.Errorf("clients %+v of a program that draws nothing, reason %q", clients, why)
	}
	if err := hold.Close(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, why := drmClients(proc, pid); why != engineEnded {
		t.Errorf("reason %q for a process that has ended", why)
	}
}

// What is read on other systems is compiled here, since no test of it runs here.
func TestOtherSystems(t *testing.T) {
	for _, system := range []string{"windows", "darwin", "linux"} {
		t.Run(system, func(t *testing.T) {
			build := exec.CommandContext(t.Context(), "go", "vet", ".")
			build.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOFLAGS=")
			if out, err := build.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
