package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"github.com/lyft/dockernetes/internal/notify"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func lockThread() { runtime.LockOSThread() }

// children are the programs of the services.
var children = map[string]func(){
	"ready": func() {
		fmt.Println("good morning")
		tellReady()
		waitFor(syscall.SIGTERM)
	},
	// Answers whoever asks on the socket FAULTS_SOCKET.
	"answers": func() {
		path := os.Getenv("FAULTS_SOCKET")
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			panic(err)
		}
		l, err := net.Listen("unix", path)
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, "ok")
				c.Close()
			}
		}()
		tellReady()
		waitFor(syscall.SIGTERM)
	},
	"deaf": func() {
		signal.Ignore(syscall.SIGTERM)
		tellReady()
		select {}
	},
	"deaf-grandchild": func() {
		signal.Ignore(syscall.SIGTERM)
		select {}
	},
	// Leaves a deaf grandchild behind, in a session of its own, which holds its
	// output.
	"parent": func() {
		grandchild := exec.Command("/proc/self/exe")
		grandchild.Env = append(os.Environ(), roleVariable+"=deaf-grandchild")
		grandchild.Stdout = os.Stdout
		grandchild.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := grandchild.Start(); err != nil {
			panic(err)
		}
		tellReady()
		waitFor(syscall.SIGTERM)
	},
	// Forks without end, and so do its children. How many there can be is the
	// cgroup's to say.
	"bomb": func() {
		signal.Ignore(syscall.SIGTERM)
		tellReady()
		for {
			pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "trap '' TERM; while :; do sleep 100 & done 2>/dev/null"},
				&syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}})
			if err == nil && pid%8 == 0 {
				_, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			}
		}
	},
	// Takes FAULTS_MEGABYTES once somebody connects to FAULTS_SOCKET.
	"hungry": func() {
		l, err := net.Listen("unix", os.Getenv("FAULTS_SOCKET"))
		if err != nil {
			panic(err)
		}
		tellReady()
		if _, err := l.Accept(); err != nil {
			panic(err)
		}
		n, _ := strconv.Atoi(os.Getenv("FAULTS_MEGABYTES"))
		taken := make([]byte, n<<20)
		for i := 0; i < len(taken); i += os.Getpagesize() {
			taken[i] = 1
		}
		waitFor(syscall.SIGTERM)
		runtime.KeepAlive(taken)
	},
	"crash": func() {
		fmt.Println("the disk is full")
		os.Exit(7)
	},
}

func tellReady() {
	if err := notify.Send(os.Getenv("NOTIFY_SOCKET"), "READY=1"); err != nil {
		panic(err)
	}
}

func waitFor(s os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, s)
	<-c
}

// service declares a service whose program is one of children.
func service(name, child string, needs ...string) supervisor.Service {
	return supervisor.Service{
		Name: name, Summary: "a " + child + " child", Needs: needs,
		Command: []string{"/proc/self/exe"},
		Env:     []string{roleVariable + "=" + child},
		Ready:   supervisor.Readiness{Notify: true},
	}
}
