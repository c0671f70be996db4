package boot

import (
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/phases"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Graph is all that c asks for: which phases are run, which services, and what
// is observed.
func Graph(c *config.Config, log *zap.Logger) (supervisor.Graph, error) {
	client := phases.NewClient(c)
	ask, err := newProbes(c, client)
	if err != nil {
		return supervisor.Graph{}, err
	}
	commands, err := commandLines(c)
	if err != nil {
		return supervisor.Graph{}, fmt.Errorf("cannot make the command lines: %w", err)
	}
	g := supervisor.Graph{
		Phases:     phases.List(c, client, log),
		Services:   withEnv(services(commands, ask), c.Env),
		Milestones: milestones(c, client, ask),
	}
	return without(g, unwanted(c)), nil
}

// withEnv gives every service the variables env as well.
func withEnv(services []supervisor.Service, env []string) []supervisor.Service {
	for i, s := range services {
		services[i].Env = slices.Concat(env, s.Env)
	}
	return services
}

// unwanted are the units that c switches off.
func unwanted(c *config.Config) []string {
	var names []string
	if c.Init.Etcd.Local == nil {
		names = append(names, "etcd", "etcd-seed")
	}
	if c.Init.DNS.Disabled {
		names = append(names, "coredns", "dns")
	}
	if c.Init.Proxy.Disabled {
		names = append(names, "kube-proxy", "kube-proxy-config")
	}
	if c.Own.Docker.Disabled {
		names = append(names, "dockerd", "docker", "dockerd-config")
	}
	return names
}
