package boot

import (
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// DockerSocket is where docker's clients connect.
const DockerSocket = "/var/run/docker.sock"

// relaxedGC keeps the garbage collector out of a component's way while it
// starts; cmd/kubernetes/gc.go says how, and when it is back. Measured with
// 400: half a CPU second less for kube-apiserver, half a second until the API
// serves. More gains nothing but takes memory.
const relaxedGC = "KUBERNETES_BOOT_GOGC=400"

// services is the one list of what is kept running. To add one, add it here;
// if it belongs to the cluster's readiness, let the milestone "ready" need it.
//
// What talks to the API server needs the milestone "api", not kube-apiserver:
// a client that starts before it is served and authorised backs off for
// seconds, and one that starts at that moment does not.
func services(command commands, ask *probes) []supervisor.Service {
	return []supervisor.Service{
		{
			Name:    "containerd",
			Summary: "runs containers, for the kubelet and for dockerd",
			Needs:   []string{"sweep", "limits", "network", "containerd-config", "containerd-seed"},
			Command: []string{"containerd"},
			Ready:   supervisor.Readiness{Notify: true, Probe: ask.containerd},
			Stop:    supervisor.Stop{KeepChildren: true}, // the shims: pods outlive its restart
		},
		{
			Name:    "etcd",
			Summary: "stores the cluster's objects",
			Needs:   []string{"sweep", "limits", "network", "pki", "etcd-seed"},
			Command: command["etcd"].argv,
			Env:     command["etcd"].env,
			Ready:   supervisor.Readiness{Notify: true, Probe: ask.etcd},
		},
		{
			Name:    "kube-apiserver",
			Summary: "serves the Kubernetes API",
			Needs:   []string{"etcd", "kubeconfigs"},
			Command: command["kube-apiserver"].argv,
			Env:     append(command["kube-apiserver"].env, relaxedGC),
			Ready:   supervisor.Readiness{Notify: true, Probe: ask.apiServer},
			Stop:    supervisor.Stop{Budget: 2 * time.Second},
		},
		{
			Name:    "kube-controller-manager",
			Summary: "runs the controllers",
			Needs:   []string{"api"},
			Command: command["kube-controller-manager"].argv,
			Env:     append(command["kube-controller-manager"].env, relaxedGC),
			Ready:   supervisor.Readiness{Probe: ask.controllerManager},
		},
		{
			Name:    "kube-scheduler",
			Summary: "gives pods their node",
			Needs:   []string{"api"},
			Command: command["kube-scheduler"].argv,
			Env:     append(command["kube-scheduler"].env, relaxedGC),
			Ready:   supervisor.Readiness{Probe: ask.scheduler},
		},
		{
			Name:    "kubelet",
			Summary: "runs the node's pods",
			Needs:   []string{"api", "pods", "images", "cni", "kubelet-config", "identity", "resolver"},
			Command: command["kubelet"].argv,
			Env:     []string{relaxedGC},
			Ready:   supervisor.Readiness{Probe: ask.kubelet},
		},
		{
			Name:    "kube-proxy",
			Summary: "makes the addresses of Services work",
			Needs:   []string{"api", "node-registered", "kube-proxy-config"},
			Command: command["kube-proxy"].argv,
			Env:     []string{relaxedGC},
			Ready:   supervisor.Readiness{Probe: ask.kubeProxy},
		},
		{
			Name:    "dockerd",
			Summary: "is the Docker engine, on the same images as the kubelet",
			Needs:   []string{"containerd", "dockerd-config"},
			Defer:   "ready", // or the first client
			Command: command["dockerd"].argv,
			Sockets: []supervisor.Socket{{Path: DockerSocket, Mode: 0o660, Group: "docker"}},
			Ready:   supervisor.Readiness{Notify: true, Probe: ask.docker},
			Stop:    supervisor.Stop{KeepChildren: true},
		},
	}
}
