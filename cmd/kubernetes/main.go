// Command kubernetes is every upstream Kubernetes command in one multi-call
// binary, chosen by the name that it is called by: kube-apiserver, kubelet,
// kubectl and so on are links to it.
//
// One binary is 170 MB where seven are 450, and its pages are shared by all of
// the control plane's processes. Nothing of Kubernetes is patched: each row of
// commands does what the main function of that upstream command does.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // time zones of CronJobs, as upstream's kube-apiserver and kube-controller-manager have them

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl's credential plugins
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client-go's metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // the version metric
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	kubeadmerrors "k8s.io/kubernetes/cmd/kubeadm/app/util/errors"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// commands maps a name to what runs under it and returns the exit status.
var commands = map[string]func() int{
	"kube-apiserver":          component(apiserver.NewAPIServerCommand),
	"kube-controller-manager": component(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          component(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kube-proxy":              component(proxy.NewProxyCommand),
	"kubelet":                 component(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"kubeadm":                 runKubeadm,
	"kubectl":                 runKubectl,
}

func component(command func() *cobra.Command) func() int {
	return func() int { return cli.Run(command()) }
}

// runKubeadm ends the process itself when kubeadm failed.
func runKubeadm() int {
	kubeadmerrors.HandleError(kubeadm.Run())
	return 0
}

// runKubectl reads -v ahead of kubectl's own flags, as messages about plugins
// and kuberc files are logged before those are parsed.
func runKubectl() int {
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args)) // fails only on a level that is no number; the flag parser reports that
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
	return 0
}

func main() {
	name := filepath.Base(os.Args[0])
	if _, known := commands[name]; !known && len(os.Args) > 1 {
		// "kubernetes kubectl get pods": for where there are no links.
		name = os.Args[1]
		os.Args = os.Args[1:]
	}
	run, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, "kubernetes: %q is none of its commands; call it by one of these names, or with one as the first argument: %s\n",
			name, strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
		os.Exit(2)
	}
	relaxGC()
	os.Exit(run())
}
