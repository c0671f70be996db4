package cli

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

const (
	contextName   = "dockernetes"
	defaultServer = "https://127.0.0.1:6443"
)

func (e *Env) kubeconfigCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig that works from the host",
		Long: `Prints the administrator's kubeconfig for a server as the host sees it, which is
where the container's port 6443 was published: docker run --publish 6443:6443 …
If the server's certificate is not made out to that name, the kubeconfig says
which name to expect (tls-server-name).`,
		Example: `  docker exec NAME dnetinit kubeconfig > kubeconfig
  docker exec NAME dnetinit kubeconfig --server https://ci-host:16443 > kubeconfig
  kubectl --kubeconfig kubeconfig get nodes`,
		Args: noArgs,
	}
	server := c.Flags().String("server", defaultServer, "the URL at which the host reaches the kube-apiserver")
	c.RunE = func(*cobra.Command, []string) error {
		u, err := url.Parse(*server)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" {
			return usagef("--server=%s is no URL of a server, such as %s", *server, defaultServer)
		}
		in, err := os.ReadFile(e.AdminConf)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no kubeconfig yet (%s). To wait for it: dnetinit wait --for=api", e.AdminConf)
		}
		if err != nil {
			return fmt.Errorf("cannot read the kubeconfig: %w", err)
		}
		out, err := rewriteKubeconfig(in, *server, tlsName(e.ServerCert, u.Hostname()))
		if err != nil {
			return fmt.Errorf("cannot rewrite %s: %w", e.AdminConf, err)
		}
		_, err = e.Stdout.Write(out)
		return err
	}
	return c
}

// kubeconfig is the part of a kubeconfig that is changed; what a user has is
// kept as it is.
type kubeconfig struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	Clusters       []namedCluster `json:"clusters"`
	Users          []namedUser    `json:"users"`
	Contexts       []namedContext `json:"contexts"`
	CurrentContext string         `json:"current-context"`
}

type namedCluster struct {
	Name    string         `json:"name"`
	Cluster map[string]any `json:"cluster"`
}

type namedUser struct {
	Name string         `json:"name"`
	User map[string]any `json:"user"`
}

type namedContext struct {
	Name    string            `json:"name"`
	Context map[string]string `json:"context"`
}

// rewriteKubeconfig lets the first cluster of a kubeconfig be at server, and
// names cluster, user and context so that they can be merged with others.
func rewriteKubeconfig(in []byte, server, tlsName string) ([]byte, error) {
	var k kubeconfig
	if err := yaml.Unmarshal(in, &k); err != nil {
		return nil, err
	}
	if len(k.Clusters) == 0 || k.Clusters[0].Cluster == nil || len(k.Users) == 0 {
		return nil, errors.New("it names no cluster or no user")
	}
	cluster := k.Clusters[0].Cluster
	cluster["server"] = server
	if tlsName != "" {
		cluster["tls-server-name"] = tlsName
	}
	k.Clusters = []namedCluster{{contextName, cluster}}
	k.Users = []namedUser{{contextName, k.Users[0].User}}
	k.Contexts = []namedContext{{contextName, map[string]string{"cluster": contextName, "user": contextName}}}
	k.CurrentContext = contextName
	return yaml.Marshal(k)
}

// tlsName returns the name to expect in the certificate at path, if it is not
// made out to host; "" if it is, or if that can't be known.
func tlsName(path, host string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return ""
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || cert.VerifyHostname(host) == nil || len(cert.DNSNames) == 0 {
		return ""
	}
	return cert.DNSNames[0]
}
