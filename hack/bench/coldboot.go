package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/internal/imagetar"
	"github.com/lyft/dockernetes/test/rig"
)

// podImage is what the user's pod runs: test/app, which answers HTTP.
const podImage = "dockernetes.dev/bench:v1"

// prepare makes the image of the pod.
func (b *bench) prepare(ctx context.Context) error {
	say("%d cold boots, restarts and yardsticks of %s", b.n, rig.Image())
	app, err := rig.App()
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	err = imagetar.Write(&archive, imagetar.Image{
		Reference: podImage, Architecture: runtime.GOARCH, User: "0:0", Entrypoint: []string{"/app"},
		Files: []imagetar.File{{Path: "/app", Mode: 0o755, Data: app}},
	})
	b.app, b.binary = archive.Bytes(), app
	return err
}

// coldBoot measures one boot, and on the first few what the cluster costs
// afterwards. The last one is left for [bench.restarts].
func (b *bench) coldBoot(ctx context.Context, i int) error {
	c := name("boot", i)
	if c != b.last() {
		defer c.remove()
	}
	begun := time.Now()
	since := func(t time.Time) float64 { return t.Sub(begun).Seconds() }
	if err := c.run(ctx); err != nil {
		return err
	}
	if _, err := c.exec(ctx, "dnetinit", "wait"); err != nil {
		return err
	}
	waited := since(time.Now())
	pod, err := b.startPod(ctx, c)
	if err != nil {
		return err
	}
	cpu, err := c.numbers(ctx, 1, printCPU+"cpu")
	if err != nil {
		return err
	}
	r, err := c.record(ctx, begun)
	if err != nil {
		return err
	}
	times := r.Times()
	b.values.add("boot.init", since(r.Zero))
	for _, m := range times.Milestones {
		b.values.add("boot."+m.Name, since(r.Zero)+m.At.Seconds())
	}
	b.values.add("boot.wait", waited)
	b.values.add("boot.pod", waited+pod)
	b.values.add("init.ready", times.Ready.Seconds())
	b.values.add("pod", pod)
	b.values.add("cpu.ready", times.CPUSeconds)
	b.values.add("cpu.pod", cpu[0]/1e9)
	b.values.add("others.boot", times.OthersCPU/times.Ready.Seconds())
	if err := b.draw(r); err != nil {
		return err
	}
	say("boot %d of %d: ready after %.2f s, the pod %.2f s later; load %s", i+1, b.n, since(r.Zero)+times.Ready.Seconds(), pod, loadAverage())
	if i >= b.long {
		return nil
	}
	if _, err := c.script(ctx, "kubectl delete pod bench --now --wait >/dev/null"); err != nil {
		return err
	}
	return b.rest(ctx, c, "memory.workingSet", "memory.pss", "idle")
}

// startPod brings the pod's image in, and returns how long it then takes from
// kubectl run to an answer of the pod, in seconds.
func (b *bench) startPod(ctx context.Context, c container) (float64, error) {
	if err := c.feed(ctx, b.binary, "mkdir -p /root/bench && cat >/root/bench/app && chmod 755 /root/bench/app"); err != nil {
		return 0, err
	}
	if err := c.feed(ctx, b.app, "ctr --namespace k8s.io images import - >/dev/null"); err != nil {
		return 0, err
	}
	begun := time.Now()
	_, err := c.script(ctx, runPod+`
ip=$(kubectl wait pod/bench --for=condition=Ready --timeout=120s --output=jsonpath={.status.podIP})
until [ "$(timeout 1 /root/bench/app get http://$ip:8099/hostname)" = bench ]; do :; done`)
	return time.Since(begun).Seconds(), err
}

const runPod = `kubectl run bench --image=` + podImage + ` --image-pull-policy=Never -- serve :8099 >/dev/null`

func (b *bench) draw(r bootreport.Record) error {
	var svg bytes.Buffer
	if err := r.Plot(&svg); err != nil {
		return fmt.Errorf("cannot draw the boot: %w", err)
	}
	b.plot = svg.Bytes()
	return nil
}
