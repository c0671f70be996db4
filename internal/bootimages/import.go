package bootimages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Namespace is containerd's namespace of the kubelet's images; dockerd uses it
// too.
const Namespace = "k8s.io"

// Store is a containerd that images are imported into.
type Store struct {
	Address     string // of its socket, a path
	Snapshotter string
}

// Import has containerd's own tool read and unpack the layout's images; itself
// (--local), as containerd would only do that for the snapshotter that it prefers.
// The label keeps the kubelet from ever deleting them.
func (s Store) Import(ctx context.Context, l Layout) error {
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := l.WriteTar(writer)
		writer.CloseWithError(err)
		written <- err
	}()
	command := exec.CommandContext(ctx, "ctr", "--address", s.Address, "--namespace", Namespace, "images", "import", "--local",
		"--snapshotter", s.Snapshotter, "--label", "io.cri-containerd.pinned=pinned", "-")
	command.Stdin = reader
	output, err := command.CombinedOutput()
	reader.Close()
	unread := <-written
	if err != nil {
		return fmt.Errorf("cannot import %s: %w: %s", l.Dir, errors.Join(ctx.Err(), err), lastLine(string(output)))
	}
	if errors.Is(unread, io.ErrClosedPipe) {
		unread = nil // it had read enough
	}
	return unread
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
