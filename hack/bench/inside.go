package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/lyft/dockernetes/internal/bootrecord"
)

const (
	etcdURL = "http://127.0.0.1:2379"
	apiURL  = "https://127.0.0.1:6443"
)

// inside is the yardstick: it starts etcd and, once that is healthy,
// kube-apiserver, with envtest's flags, says how long it took until /readyz,
// and waits to be removed. The certificates are made before the clock runs.
func inside(ctx context.Context) error {
	dir, err := os.MkdirTemp("/var/lib/etcd", "yardstick") // a volume, as for the cluster's own etcd
	if err != nil {
		return err
	}
	client, err := writeCertificates(dir)
	if err != nil {
		return fmt.Errorf("cannot make certificates: %w", err)
	}
	web := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{client}, InsecureSkipVerify: true, // it is our own child
	}}}
	meter := &bootrecord.Meter{}
	defer meter.Close()

	before := meter.Read(nil).Container
	begun := time.Now()
	failed := make(chan error, 2)
	if err := start(ctx, failed, "etcd", "--data-dir="+filepath.Join(dir, "data"), "--unsafe-no-fsync=true",
		"--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL, "--listen-peer-urls=http://127.0.0.1:0"); err != nil {
		return err
	}
	if err := healthy(ctx, failed, web, etcdURL+"/health"); err != nil {
		return err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := start(ctx, failed, "kube-apiserver", "--etcd-servers="+etcdURL,
		"--secure-port=6443",
		"--cert-dir="+dir, "--tls-cert-file="+file("server.crt"), "--tls-private-key-file="+file("server.key"),
		"--client-ca-file="+file("ca.crt"), "--authorization-mode=RBAC", "--allow-privileged=true",
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
		"--service-account-issuer="+apiURL+"/", "--service-account-key-file="+file("sa.pub"), "--service-account-signing-key-file="+file("sa.key")); err != nil {
		return err
	}
	if err := healthy(ctx, failed, web, apiURL+"/readyz"); err != nil {
		return err
	}
	t := took{Seconds: time.Since(begun).Seconds(), CPUSeconds: meter.Read(nil).Container - before}
	if err := json.NewEncoder(os.Stdout).Encode(t); err != nil {
		return err
	}
	web.CloseIdleConnections()
	<-ctx.Done()
	return nil
}

// start starts a program, whose end is a failure.
func start(ctx context.Context, failed chan<- error, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	log, err := os.Create(filepath.Join(os.TempDir(), program+".log"))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %s: %w", program, err)
	}
	go func() {
		err := cmd.Wait()
		text, _ := os.ReadFile(log.Name())
		failed <- fmt.Errorf("%s ended (%w); its log ends: %s", program, err, text[max(0, len(text)-2000):])
	}()
	return nil
}

// healthy asks every 10 ms until the answer is 200.
func healthy(ctx context.Context, failed <-chan error, web *http.Client, url string) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask(ctx, web, url)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, errors.Join(ctx.Err(), err))
		}
	}
}

func ask(ctx context.Context, web *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := web.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
