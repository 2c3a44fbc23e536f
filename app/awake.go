package app

import (
	"log/slog"
	"os/exec"
)

// keepAwake asks the system not to sleep until release is called. It is best effort: where the
// system offers no way, nothing happens.
func keepAwake(goos string, log *slog.Logger) func(reason string) (release func()) {
	return func(reason string) func() {
		var cmd *exec.Cmd
		switch goos {
		case "linux":
			cmd = exec.Command("systemd-inhibit", "--what=idle:sleep", "--who=Inferometer", "--why="+reason, "cat") // #nosec G204 -- a fixed program with fixed words
		case "darwin":
			cmd = exec.Command("caffeinate", "-i", "cat")
		default:
			return func() {}
		}
		// The helper lives as long as its standard input is open, so it also ends with this process.
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			log.Debug("Cannot keep the machine awake", "error", err)
			return func() {}
		}
		return func() {
			_ = in.Close() // ends the helper
			_ = cmd.Wait() // its exit code tells nothing
		}
	}
}
