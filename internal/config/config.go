package config

import (
	_ "embed"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	kubeproxyconfig "k8s.io/kube-proxy/config/v1alpha1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/componentconfigs"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"
	kubeadmconfig "k8s.io/kubernetes/cmd/kubeadm/app/util/config"
)

// KubernetesVersion is the version of the Kubernetes in the image.
const KubernetesVersion = "v1.37.2"

// DefaultPath is where a user's configuration is looked for.
const DefaultPath = "/etc/dnetinit/config.yaml"

// PauseImage is the image of every pod's sandbox. It is made by this project
// and shipped in the image.
const PauseImage = "dockernetes.dev/pause:" + kubeadmconstants.PauseVersion

//go:embed defaults.yaml
var defaults []byte

// Config is the whole configuration of a cluster. It is not changed after
// [Load].
type Config struct {
	// Init is kubeadm's configuration, defaulted and validated by kubeadm. The
	// kubelet's and kube-proxy's are parts of it.
	Init *kubeadmapi.InitConfiguration
	// Own is what kubeadm's documents have no place for.
	Own Dockernetes
	// Host is what the configuration was made for.
	Host Host
	// Env are the variables that every program gets besides those of PID 1:
	// what is not to be asked by way of a proxy.
	Env []string
	// Source is where the user's part came from: a path, "$DNET_CONFIG" or "".
	Source string
	// Root is put before every path by [Config.Path]. It is for tests.
	Root string
}

// Dockernetes is the configuration document of this project.
type Dockernetes struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Docker     Docker `json:"docker,omitempty"`
}

// Docker is how dockerd is run.
type Docker struct {
	// Disabled leaves dockerd out of the cluster.
	Disabled bool `json:"disabled,omitempty"`
}

// Path returns where the absolute path p is, which is p itself except in tests.
func (c *Config) Path(p string) string { return filepath.Join(c.Root, p) }

// NodeName is the name of the Node object.
func (c *Config) NodeName() string { return c.Init.NodeRegistration.Name }

// NodeIP is the address at which the API server can be reached from outside.
func (c *Config) NodeIP() string { return c.Init.LocalAPIEndpoint.AdvertiseAddress }

// LoopbackAPI is the API server as everything inside the container reaches it,
// for the node's address may change: host:port.
func (c *Config) LoopbackAPI() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(c.Init.LocalAPIEndpoint.BindPort)))
}

// LoopbackInit is a copy of Init whose API server has a loopback address, for
// those parts of kubeadm that would use the node's.
func (c *Config) LoopbackInit() *kubeadmapi.InitConfiguration {
	init := c.Init.DeepCopy()
	init.LocalAPIEndpoint.AdvertiseAddress = "127.0.0.1"
	init.ControlPlaneEndpoint = c.LoopbackAPI()
	return init
}

// DNSAddress is the cluster address of the DNS Service.
func (c *Config) DNSAddress() (string, error) {
	ip, err := kubeadmconstants.GetDNSIP(c.Init.Networking.ServiceSubnet)
	if err != nil {
		return "", fmt.Errorf("cannot find the DNS Service's address in networking.serviceSubnet %q: %w", c.Init.Networking.ServiceSubnet, err)
	}
	return ip.String(), nil
}

// Kubelet is the kubelet's configuration.
func (c *Config) Kubelet() *kubeletconfig.KubeletConfiguration {
	return c.Init.ComponentConfigs[componentconfigs.KubeletGroup].Get().(*kubeletconfig.KubeletConfiguration)
}

// KubeProxy is kube-proxy's configuration.
func (c *Config) KubeProxy() *kubeproxyconfig.KubeProxyConfiguration {
	return c.Init.ComponentConfigs[componentconfigs.KubeProxyGroup].Get().(*kubeproxyconfig.KubeProxyConfiguration)
}

// Load merges the user's configuration over the defaults and what host asks
// for, and validates it. The user's is the file $DNET_CONFIG, or the text of
// $DNET_CONFIG if it has more than one line, else the file at path, which need
// not exist.
func Load(path string, getenv func(string) string, host Host) (*Config, error) {
	source, text, err := read(path, getenv)
	if err != nil {
		return nil, err
	}
	user, err := parse(source, text)
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(source, user); err != nil {
		return nil, err
	}
	merged, err := parse("defaults.yaml", defaults)
	if err != nil {
		return nil, err
	}
	merged = merged.merge(host.documents()).merge(user)

	c := &Config{Host: host, Source: source}
	if err := merged[kindDockernetes].decode(&c.Own); err != nil {
		return nil, err
	}
	text, err = merged.kubeadm()
	if err != nil {
		return nil, err
	}
	const skipCRIDetect = true
	if c.Init, err = kubeadmconfig.BytesToInitConfiguration(text, skipCRIDetect); err != nil {
		return nil, fmt.Errorf("cannot use the configuration%s: %w", from(source), err)
	}
	if err := c.complete(merged); err != nil {
		return nil, fmt.Errorf("cannot use the configuration%s: %w", from(source), err)
	}
	c.Env = noProxy(getenv, c)
	return c, nil
}

// complete sets what kubeadm's loader leaves to the rest of kubeadm.
func (c *Config) complete(merged documents) error {
	if c.Init.KubernetesVersion != KubernetesVersion {
		return fmt.Errorf("ClusterConfiguration.kubernetesVersion is %s, but this image holds %s; remove the line or take another image",
			c.Init.KubernetesVersion, KubernetesVersion)
	}
	if _, err := c.DNSAddress(); err != nil {
		return err
	}
	// kubeadm sets it to true whatever the document says. A rotated certificate
	// would outlive the CA in /var/lib/kubelet, which is a volume.
	c.Kubelet().RotateCertificates, _ = merged[kindKubelet].body["rotateCertificates"].(bool)
	// kubeadm runs kube-proxy as a pod and warns of another path than that pod's.
	const kubeadmPath = "/var/lib/kube-proxy/kubeconfig.conf"
	if c.KubeProxy().ClientConnection.Kubeconfig == kubeadmPath {
		c.KubeProxy().ClientConnection.Kubeconfig = "/etc/kubernetes/kube-proxy.conf"
	}
	if c.KubeProxy().HostnameOverride == "" {
		c.KubeProxy().HostnameOverride = c.NodeName()
	}
	return nil
}

func from(source string) string {
	if source == "" {
		return ""
	}
	return " in " + source
}
