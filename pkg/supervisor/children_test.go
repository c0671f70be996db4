package supervisor

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/lyft/dockernetes/internal/notify"
)

// children are the programs that the tests supervise: this test binary, run
// again with the name of one as its argument.
var children = map[string]func(){
	"ready": func() {
		tellReady()
		waitFor(syscall.SIGTERM)
	},
	"never-ready": func() { waitFor(syscall.SIGTERM) },
	"exit-7": func() {
		fmt.Println("the disk is full")
		os.Exit(7)
	},
	"ready-then-exit": func() {
		tellReady()
		os.Exit(3)
	},
	"deaf": func() {
		signal.Ignore(syscall.SIGTERM)
		tellReady()
		select {}
	},
	// A child that leaves a deaf grandchild behind, which holds its output.
	"parent": func() {
		grandchild := exec.Command(os.Args[0], "deaf-silent")
		grandchild.Stdout = os.Stdout
		if err := grandchild.Start(); err != nil {
			panic(err)
		}
		fmt.Println("grandchild", grandchild.Process.Pid)
		tellReady()
		waitFor(syscall.SIGTERM)
	},
	"deaf-silent": func() {
		signal.Ignore(syscall.SIGTERM)
		select {}
	},
	// Accepts one connection on the socket that it was handed, and answers.
	"activated": func() {
		l, err := net.FileListener(os.NewFile(3, "socket"))
		if err != nil {
			panic(err)
		}
		if pid := os.Getenv("LISTEN_PID"); pid != strconv.Itoa(os.Getpid()) {
			panic("LISTEN_PID is " + pid)
		}
		tellReady()
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(c, "served by", os.Getpid())
		c.Close()
		waitFor(syscall.SIGTERM)
	},
}

func tellReady() {
	if err := notify.Send(os.Getenv("NOTIFY_SOCKET"), "READY=1"); err != nil {
		panic(err)
	}
}

func waitFor(sig os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	<-c
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && children[os.Args[1]] != nil {
		children[os.Args[1]]()
		return
	}
	goleak.VerifyTestMain(m)
}
