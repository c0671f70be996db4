// Command dnetinit is PID 1 of a whole Kubernetes in one container, and its
// command line. The name by which it is called decides: as "init", and as PID 1
// without arguments, it boots; as "systemctl" it answers as that would.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lyft/dockernetes/internal/cgroup"
	"github.com/lyft/dockernetes/internal/cli"
	"github.com/lyft/dockernetes/internal/notify"
	"github.com/lyft/dockernetes/internal/told"
)

func main() {
	if os.Getpid() == 1 {
		select {
		case <-told.Early(): // and nothing has begun: EnterNamespace would forget it
			return
		default:
		}
		if err := cgroup.EnterNamespace(); err != nil {
			fmt.Fprintf(os.Stderr, "dnetinit: going on in the engine's cgroup namespace: %v\n", err)
		}
	}
	env := cli.System()
	env.Boot = prepare
	env.Notify = notify.Send
	env.SaveSeed = saveSeed
	os.Exit(env.Main(context.Background(), os.Args))
}
