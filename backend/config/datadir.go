package config

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/inferometer/inferometer/backend/domain"
)

// DataDir chooses the data folder: flag, then INFEROMETER_DATA_DIR, then the platform's own. It
// makes nothing. goos is runtime.GOOS; home may be empty when it is not known.
func DataDir(flag string, getenv func(string) string, goos, home string) (string, error) {
	for _, dir := range []string{flag, getenv(EnvDataDir)} {
		if dir != "" {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return "", fmt.Errorf("resolve data folder: %w", err)
			}
			return abs, nil
		}
	}
	if goos == "windows" {
		if local := getenv("LOCALAPPDATA"); local != "" {
			return local + `\Inferometer`, nil
		}
	} else if xdg := getenv("XDG_DATA_HOME"); goos != "darwin" && path.IsAbs(xdg) { // a relative one is to be ignored
		return path.Join(xdg, "inferometer"), nil
	}
	if home == "" {
		return "", &domain.Error{Kind: domain.KindInvalid, Msg: "There is no home folder to keep data in.",
			Hint: "Name a folder with --data-dir or " + EnvDataDir + ".", Err: errors.New("home folder unknown")}
	}
	switch goos {
	case "windows":
		return home + `\AppData\Local\Inferometer`, nil
	case "darwin":
		return path.Join(home, "Library/Application Support/Inferometer"), nil
	}
	return path.Join(home, ".local/share/inferometer"), nil
}
