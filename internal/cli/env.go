package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/term"

	"github.com/lyft/dockernetes/internal/bootrecord"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/internal/readiness"
	"github.com/lyft/dockernetes/internal/told"
)

// Env is the world that the commands see. Tests make one of their own.
type Env struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	// Terminal returns the width of Stdout if that is a terminal, else 0.
	Terminal func() int

	Socket       string // PID 1's control socket
	ReadyFile    string // the readiness file
	VersionsFile string // the versions of the parts, as JSON, made with the image
	AdminConf    string // the administrator's kubeconfig
	ServerCert   string // the kube-apiserver's certificate

	Boots bootrecord.Store // the records of past boots
	Zero  time.Time        // when the first instruction of this process ran

	PID     int                        // of this process
	IsInit  func() bool                // whether PID 1 is a dnetinit
	Signal1 func(syscall.Signal) error // sends a signal to PID 1

	// Boot makes what init is to run. Notify sends to a socket of sd_notify.
	Told   <-chan os.Signal // a signal that came before anybody could listen
	Boot   func(ctx context.Context, config string, log *zap.Logger) (Machine, error)
	Notify func(socket string, states ...string) error
	// SaveSeed makes the seed of an image, of the cluster that is ready.
	SaveSeed func(ctx context.Context, config, dir string) error
}

// System returns the Env of this process. Boot, Notify and SaveSeed are left to the caller.
func System() *Env {
	return &Env{
		Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Terminal: func() int {
			if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
				return width
			}
			return 0
		},
		Socket:       control.SocketPath,
		ReadyFile:    readiness.Path,
		VersionsFile: "/usr/share/dnetinit/versions.json",
		AdminConf:    "/etc/kubernetes/admin.conf",
		ServerCert:   "/etc/kubernetes/pki/apiserver.crt",
		Boots:        bootrecord.Store{Dir: bootrecord.Dir},
		Zero:         bootrecord.FirstInstruction(),
		PID:          os.Getpid(),
		Told:         told.Early(),
		IsInit:       isInit,
		Signal1:      func(s syscall.Signal) error { return syscall.Kill(1, s) },
	}
}

// isInit compares the programs themselves: names and links may differ. A
// command that is PID 1 itself, as with "docker run IMAGE dnetinit wait", has
// nobody to ask.
func isInit() bool {
	if os.Getpid() == 1 {
		return false
	}
	one, err := os.Stat("/proc/1/exe")
	if err != nil {
		return false
	}
	self, err := os.Stat("/proc/self/exe")
	return err == nil && os.SameFile(one, self)
}

func (e *Env) client() *control.Client { return control.NewClient(e.Socket) }

// Main runs the command that args ask for, args[0] being the name by which the
// program was called, and returns the exit status. As "init", and as PID 1
// without arguments, it boots; as "systemctl" it is that.
func (e *Env) Main(ctx context.Context, args []string) int {
	name, args := filepath.Base(args[0]), args[1:]
	switch {
	case name == "systemctl":
		return e.systemctl(ctx, args)
	case name == "init":
		args = append([]string{"init"}, args...)
	case e.PID == 1 && len(args) == 0:
		args = []string{"init"}
	}
	return e.run(ctx, args)
}
