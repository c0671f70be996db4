package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// variable names the environment variable that holds the configuration or its
// path: the way to configure a container without a mount.
const variable = "DNET_CONFIG"

// read returns the user's configuration and where it came from, both empty if
// there is none.
func read(path string, getenv func(string) string) (source string, text []byte, err error) {
	asked := getenv(variable)
	if strings.ContainsAny(asked, "\n") || strings.HasPrefix(strings.TrimSpace(asked), "{") {
		return "$" + variable, []byte(asked), nil
	}
	if asked != "" {
		path = asked
	}
	text, err = os.ReadFile(path)
	switch {
	case err == nil:
		return path, text, nil
	case errors.Is(err, fs.ErrNotExist) && asked == "":
		return "", nil, nil
	case asked != "":
		return "", nil, fmt.Errorf("cannot read the configuration that $%s names: %w; it is the path of a file, or the text itself in several lines", variable, err)
	default:
		return "", nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
}
