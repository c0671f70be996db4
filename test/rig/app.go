package rig

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The images that tests are made of. Both are built in the container, from
// nothing that isn't there or on the host already.
const (
	// AppImage holds test/app, a static program, and nothing else.
	AppImage = "testapp:dev"
	// ShellImage holds a shell, tar and a few more of the container's own programs.
	ShellImage = "shell:dev"
)

// App is test/app, built for the container, or where there is no Go the file that
// DOCKERNETES_APP names.
var App = sync.OnceValues(func() ([]byte, error) {
	if built := os.Getenv("DOCKERNETES_APP"); built != "" {
		return os.ReadFile(built)
	}
	dir, err := os.MkdirTemp("", "dockernetes-app-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	program := filepath.Join(dir, "app")
	r := Run(ctx, nil, "env", "CGO_ENABLED=0", "GOOS=linux",
		"go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "github.com/lyft/dockernetes/test/app")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return os.ReadFile(program)
})

// BuildApp makes AppImage in the container, with docker build. Beside the
// program it has a file, /greeting.
func (c *Cluster) BuildApp(t testing.TB) {
	t.Helper()
	app, err := App()
	if err != nil {
		t.Fatal(err)
	}
	c.Put(t, "/root/testapp/app", app)
	c.Put(t, "/root/testapp/greeting", []byte("hello from the image\n"))
	c.Build(t, AppImage, "/root/testapp", "FROM scratch\nCOPY app greeting /\nENTRYPOINT [\"/app\"]\n")
}

// Build runs docker build in the container.
func (c *Cluster) Build(t testing.TB, image, dir, dockerfile string) string {
	t.Helper()
	c.Put(t, dir+"/Dockerfile", bytes.TrimLeft([]byte(dockerfile), "\n"))
	return c.Exec(t, "docker", "build", "--tag", image, dir)
}

// ImportShell makes ShellImage in the container, of the container's own
// programs and the libraries that they need.
func (c *Cluster) ImportShell(t testing.TB) {
	t.Helper()
	c.Shell(t, `
files=/bin/sh
for name in sh tar cat ls echo sleep id sed; do
	program=$(command -v $name)
	case $program in
	/*) files="$files $program $(ldd $program | grep -o '/[^ ]*' || true)" ;;
	esac
done
tar --create --dereference --hard-dereference $files 2>/dev/null | docker import - `+ShellImage+` >/dev/null
`)
}
