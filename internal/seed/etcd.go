package seed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"

	"github.com/lyft/dockernetes/internal/config"
)

// The addresses of the etcd that makes the seed, beside the cluster's own.
const (
	makerClient = "http://127.0.0.1:22379"
	makerPeer   = "http://127.0.0.1:22380"
)

// clusterEntries reads what of the cluster's etcd goes into a seed, at one
// revision.
func clusterEntries(ctx context.Context, c *config.Config) ([]entry, error) {
	pki := c.Path(c.Init.CertificatesDir)
	tls, err := transport.TLSInfo{
		CertFile:      filepath.Join(pki, kubeadmconstants.APIServerEtcdClientCertName),
		KeyFile:       filepath.Join(pki, kubeadmconstants.APIServerEtcdClientKeyName),
		TrustedCAFile: filepath.Join(pki, kubeadmconstants.EtcdCACertName),
	}.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificates for etcd: %w", err)
	}
	client, err := clientv3.New(clientv3.Config{Context: ctx, Endpoints: []string{"https://127.0.0.1:2379"}, TLS: tls})
	if err != nil {
		return nil, fmt.Errorf("cannot connect to etcd: %w", err)
	}
	defer client.Close()
	answer, err := client.Get(ctx, "\x00", clientv3.WithFromKey())
	if err != nil {
		return nil, fmt.Errorf("cannot read etcd: %w", err)
	}
	var entries []entry
	for _, kv := range answer.Kvs {
		if !selects(string(kv.Key)) {
			continue
		}
		e, err := reset(entry{string(kv.Key), kv.Value})
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// saveEtcd makes a data directory that holds entries and nothing else: it is
// filled by an etcd of its own, as deleted keys would stay in the cluster's
// files. It is moved to dir, less the zeros.
func saveEtcd(ctx context.Context, c *config.Config, entries []entry, work, dir string) (Etcd, error) {
	data := filepath.Join(work, "etcd")
	// Name and addresses as the cluster's own has them: they are in the data.
	const peer = "https://127.0.0.1:2380"
	etcd, err := startChild(ctx, "etcd", "--data-dir", data, "--name", c.NodeName(), "--unsafe-no-fsync", "--log-level", "error",
		"--listen-client-urls", makerClient, "--advertise-client-urls", "https://127.0.0.1:2379",
		"--listen-peer-urls", makerPeer, "--initial-advertise-peer-urls", peer, "--initial-cluster", c.NodeName()+"="+peer)
	if err != nil {
		return Etcd{}, err
	}
	filled := fill(ctx, entries)
	if err := etcd.stop(filled); err != nil {
		return Etcd{}, err
	}
	return pack(data, dir, entries)
}

// fill writes the entries into the etcd that makes the seed, one at a time: a
// cluster has no two objects of one revision.
func fill(ctx context.Context, entries []entry) error {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{Context: ctx, Endpoints: []string{makerClient}})
	if err != nil {
		return fmt.Errorf("cannot connect to the seed's etcd: %w", err)
	}
	defer client.Close()
	if err := answers(ctx, client); err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := client.Put(ctx, e.key, string(e.value)); err != nil {
			return fmt.Errorf("cannot write %s into the seed: %w", e.key, err)
		}
	}
	// One copy of each is left, in a file as small as can be.
	if _, err := client.Defragment(ctx, makerClient); err != nil {
		return fmt.Errorf("cannot defragment the seed: %w", err)
	}
	return nil
}

// answers returns when the etcd of client does.
func answers(ctx context.Context, client *clientv3.Client) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := client.Get(ctx, "any")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the seed's etcd does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// pack moves etcd's files from data to dir and finds the places to patch.
func pack(data, dir string, entries []entry) (Etcd, error) {
	const database = "member/snap/db"
	packed := Etcd{Database: database}
	paths, err := filepath.Glob(filepath.Join(data, "member/wal/*.wal"))
	if err != nil {
		return packed, err
	}
	for _, path := range append(paths, filepath.Join(data, database)) {
		content, err := os.ReadFile(path)
		if err != nil {
			return packed, fmt.Errorf("cannot read what etcd has written: %w", err)
		}
		name, err := filepath.Rel(data, path)
		if err != nil {
			return packed, err
		}
		packed.Files = append(packed.Files, File{Path: name, Size: int64(len(content))})
		content = withoutZeros(content)
		if name == database {
			if packed.Patches, err = places(content, entries); err != nil {
				return packed, err
			}
		}
		target := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return packed, fmt.Errorf("cannot make the seed's folder: %w", err)
		}
		if err := renameio.WriteFile(target, content, 0o644, renameio.WithTempDir(filepath.Dir(target)), renameio.WithStaticPermissions(0o644)); err != nil {
			return packed, fmt.Errorf("cannot write %s: %w", target, err)
		}
	}
	return packed, nil
}

// withoutZeros cuts the zeros at the end, to whole pages.
func withoutZeros(content []byte) []byte {
	const page = 4096
	end := len(content)
	for end > 0 && content[end-1] == 0 {
		end--
	}
	return content[:min(len(content), (end+page-1)/page*page)]
}
