package phases

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"go.uber.org/zap"

	hostnet "github.com/lyft/dockernetes/pkg/net"
)

// Identity gives the container a machine-id and a product UUID of its own, new
// for each container and the same over its restarts.
func Identity(log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		return apply(ctx, log,
			machineID{"/etc/machine-id"},
			// The firmware's names are the host's. A cloud's name would make
			// programs in pods ask that cloud for credentials.
			optional{firmware{"/sys/class/dmi/id/product_name", "dockernetes", runDir + "/product_name"}},
			optional{firmware{"/sys/class/dmi/id/product_uuid", "", runDir + "/product_uuid"}},
		)
	}
}

// machineID is the file with the ID of this machine: 32 hexadecimal digits.
// The image has an empty one. It is the container's, so it lives as long as it.
type machineID struct{ path string }

func (m machineID) String() string { return m.path }

func (m machineID) Apply(context.Context) error {
	if _, err := m.read(); err == nil {
		return nil
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	// The bits of a random UUID (RFC 9562, version 4), as machine-id(5) asks.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	// An engine may have mounted the file.
	return hostnet.WriteInPlace(m.path, []byte(hex.EncodeToString(id)+"\n"))
}

func (m machineID) read() (string, error) {
	b, err := os.ReadFile(m.path)
	if err != nil {
		return "", fmt.Errorf("cannot read the machine-id: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 16 || strings.Trim(id, "0") == "" {
		return "", fmt.Errorf("cannot use %s: %q is no machine-id", m.path, id)
	}
	return id, nil
}

// firmware is a value of the machine's firmware that is covered by another.
type firmware struct {
	path  string
	value string // "" means a UUID made of the machine-id
	file  string // holds what is bound over path
}

func (f firmware) String() string { return f.path }

func (f firmware) Apply(context.Context) error {
	// The place in /sys/class is a link, and a mount is listed where it leads.
	path, err := filepath.EvalSymlinks(f.path)
	if os.IsNotExist(err) {
		return nil // no such firmware
	}
	if err != nil {
		return fmt.Errorf("cannot find %s: %w", f.path, err)
	}
	value := f.value
	if value == "" {
		id, err := machineID{"/etc/machine-id"}.read()
		if err != nil {
			return err
		}
		value = productUUID(id)
	}
	if err := hostnet.WriteInPlace(f.file, []byte(value+"\n")); err != nil {
		return err
	}
	if mounted, err := mountinfo.Mounted(path); mounted && err == nil {
		return nil
	}
	return bind(f.file, path, 0)
}

// productUUID is a UUID that belongs to a machine-id and doesn't give it away
// (RFC 9562, version 8).
func productUUID(machineID string) string {
	sum := sha256.Sum256([]byte("dockernetes product_uuid " + machineID))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// OwnEnvironment is env without what a pod's environment says of the cluster
// around it, for a Dockernetes that runs in a pod: every client inside would
// take that cluster for its own.
func OwnEnvironment(env []string) []string {
	var own []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "KUBERNETES_PORT") || strings.HasPrefix(name, "KUBERNETES_SERVICE_") {
			continue
		}
		own = append(own, v)
	}
	return own
}
