// Command dnetinit is PID 1 of a whole Kubernetes in one container, and its
// command line. The name by which it is called decides: as "init", and as PID 1
// without arguments, it boots; as "systemctl" it answers as that would.
package main

import (
	"context"
	"os"

	"github.com/lyft/dockernetes/internal/cli"
	"github.com/lyft/dockernetes/internal/notify"
)

func main() {
	env := cli.System()
	env.Boot = prepare
	env.Notify = notify.Send
	os.Exit(env.Main(context.Background(), os.Args))
}
