package phases

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/kubeconfig"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// kubeconfigDir holds the kubeconfigs, as with kubeadm.
const kubeconfigDir = kubeadmconstants.KubernetesDir

// SuperAdmin is the kubeconfig of a user whom RBAC does not restrict, so that
// it works before there are any rules.
const SuperAdmin = kubeconfigDir + "/" + kubeadmconstants.SuperAdminKubeConfigFileName

// identity is a user of the API server.
type identity struct {
	file   string
	user   string
	groups []string
}

func identities(c *config.Config) []identity {
	return []identity{
		{kubeadmconstants.SuperAdminKubeConfigFileName, "kubernetes-super-admin", []string{kubeadmconstants.SystemPrivilegedGroup}},
		{kubeadmconstants.AdminKubeConfigFileName, "kubernetes-admin", []string{kubeadmconstants.ClusterAdminsGroupAndClusterRoleBinding}},
		{kubeadmconstants.ControllerManagerKubeConfigFileName, kubeadmconstants.ControllerManagerUser, nil},
		{kubeadmconstants.SchedulerKubeConfigFileName, kubeadmconstants.SchedulerUser, nil},
		{kubeadmconstants.KubeletKubeConfigFileName, kubeadmconstants.NodesUserPrefix + c.NodeName(), []string{kubeadmconstants.NodesGroup}},
		// With kubeadm kube-proxy is a pod with a service account; upstream's
		// RBAC defaults have this user for one that is not.
		{"kube-proxy.conf", "system:kube-proxy", nil},
	}
}

// Kubeconfigs makes the kubeconfigs of the components and of the admin, and
// those anew that no longer fit the CA or the API server's address. That is
// always the loopback one, which does not change.
func Kubeconfigs(c *config.Config) func(context.Context) error {
	return func(context.Context) error {
		var group errgroup.Group
		for _, id := range identities(c) {
			group.Go(func() error { return makeKubeconfig(c, id) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		return linkForKubectl(c)
	}
}

func makeKubeconfig(c *config.Config, id identity) error {
	init := c.LoopbackInit()
	init.CertificatesDir = c.Path(c.Init.CertificatesDir)
	ca, err := pkiutil.TryLoadCertFromDisk(init.CertificatesDir, kubeadmconstants.CACertAndKeyBaseName)
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", id.file, err)
	}
	path := c.Path(filepath.Join(kubeconfigDir, id.file))
	unfit := unfitKubeconfig(path, "https://"+c.LoopbackAPI(), authority{cert: ca}, id)
	if unfit == nil {
		return nil
	}
	if _, keyPath := pkiutil.PathsForCertAndKey(init.CertificatesDir, kubeadmconstants.CACertAndKeyBaseName); !there(keyPath) {
		return supervisor.Final(fmt.Errorf("cannot use %s: %w, and it cannot be made without the CA's key %s", path, unfit, keyPath))
	}
	var text bytes.Buffer
	if err := kubeconfig.WriteKubeConfigWithClientCert(&text, init, id.user, id.groups, notAfter(c)); err != nil {
		return fmt.Errorf("cannot make %s: %w", path, err)
	}
	return write(path, text.Bytes(), secret)
}

// unfitKubeconfig says why the kubeconfig at path is not the one of id, or nil.
func unfitKubeconfig(path, server string, ca authority, id identity) error {
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.Mode().Perm() != secret {
		return errors.New("others may read it")
	}
	loaded, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return err
	}
	context := loaded.Contexts[loaded.CurrentContext]
	if context == nil || loaded.Clusters[context.Cluster] == nil || loaded.AuthInfos[context.AuthInfo] == nil {
		return errors.New("its current context names nothing")
	}
	cluster, user := loaded.Clusters[context.Cluster], loaded.AuthInfos[context.AuthInfo]
	if cluster.Server != server {
		return fmt.Errorf("it is for the server %s", cluster.Server)
	}
	if !bytes.Equal(bytes.TrimSpace(cluster.CertificateAuthorityData), bytes.TrimSpace(pkiutil.EncodeCertPEM(ca.cert))) {
		return errors.New("it is for another CA")
	}
	pair, err := tls.X509KeyPair(user.ClientCertificateData, user.ClientKeyData)
	if err != nil {
		return err
	}
	return ca.unfitCertificate(pair.Leaf, &pkiutil.CertConfig{Config: certutil.Config{
		CommonName:   id.user,
		Organization: id.groups,
		Usages:       []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}}, time.Now())
}

// linkForKubectl makes kubectl work for root without a flag. A file that
// somebody else has put there stays.
func linkForKubectl(c *config.Config) error {
	link := c.Path("/root/.kube/config")
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		return fmt.Errorf("cannot make the directory of %s: %w", link, err)
	}
	target := filepath.Join(kubeconfigDir, kubeadmconstants.AdminKubeConfigFileName)
	if err := os.Symlink(target, link); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("cannot link %s: %w", link, err)
	}
	return nil
}
