package main

import (
	"context"
	"fmt"
	"time"
)

// podIsBack ends when the pod answers again. Until the kubelet has looked at
// it, the API tells of the pod as it was before the restart, with an address
// that may be another's by now: hence the question for its name.
const podIsBack = `
until ip=$(kubectl get pod bench --output=jsonpath={.status.podIP}) && [ "$(timeout 1 /root/bench/app get http://$ip:8099/hostname 2>/dev/null)" = bench ]; do
	sleep 0.02
done`

// restarts measures docker restart of the last container.
func (b *bench) restarts(ctx context.Context) error {
	if b.n == 0 {
		return nil
	}
	c := b.last()
	// The measuring of memory and idling may have deleted it.
	if _, err := c.script(ctx, "kubectl get pod bench >/dev/null 2>&1 || "+runPod+"; kubectl wait pod/bench --for=condition=Ready --timeout=120s >/dev/null"); err != nil {
		return err
	}
	for i := range b.n {
		if err := b.restart(ctx, c); err != nil {
			return fmt.Errorf("restart %d: %w", i+1, err)
		}
	}
	return nil
}

func (b *bench) restart(ctx context.Context, c container) error {
	begun := time.Now()
	since := func(t time.Time) float64 { return t.Sub(begun).Seconds() }
	if _, err := docker(ctx, "restart", c.name); err != nil {
		return err
	}
	if _, err := c.exec(ctx, "dnetinit", "wait"); err != nil {
		return err
	}
	b.values.add("restart.wait", since(time.Now()))
	if _, err := c.script(ctx, podIsBack); err != nil {
		return err
	}
	b.values.add("restart.pod", since(time.Now()))
	r, err := c.record(ctx, begun)
	if err != nil {
		return err
	}
	finished, err := docker(ctx, "inspect", "--format", "{{.State.FinishedAt}}", c.name)
	if err != nil {
		return err
	}
	stopped, err := time.Parse(time.RFC3339Nano, finished)
	if err != nil {
		return fmt.Errorf("cannot read when %s was stopped: %w", c.name, err)
	}
	times := r.Times()
	b.values.add("restart.stopped", since(stopped))
	b.values.add("restart.init", since(r.Zero))
	b.values.add("restart.ready", since(r.Zero)+times.Ready.Seconds())
	b.values.add("others.restart", times.OthersCPU/times.Ready.Seconds())
	say("restart: ready after %.2f s, stopped %.2f s; load %s", since(r.Zero)+times.Ready.Seconds(), since(stopped), loadAverage())
	return nil
}
