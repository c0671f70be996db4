package bootrecord

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = bootreport.Offset(time.Millisecond)

// boot is a recorder of an engine, within a synctest bubble.
type boot struct {
	*enginetest.Engine
	recorder *Recorder
	asked    [][]string // the services that the samples were taken of
	cancel   context.CancelFunc
	done     chan struct{}
}

// record begins to record, 10 ms after the first instruction.
func record(t *testing.T) *boot {
	b := &boot{Engine: enginetest.New(t, enginetest.Boot()...), done: make(chan struct{})}
	zero := time.Now()
	time.Sleep(10 * time.Millisecond)
	b.recorder = &Recorder{
		Engine: b, Zero: zero, Forked: zero.Add(-50 * time.Millisecond), Versions: map[string]string{"dnetinit": "v1"},
		Store: Store{t.TempDir()}, Log: zap.NewNop(),
		Sample: func(services []string) bootreport.Sample {
			b.asked = append(b.asked, slices.Clone(services))
			return bootreport.Sample{Machine: float64(len(b.asked))}
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() {
		defer close(b.done)
		b.recorder.Run(ctx)
	}()
	synctest.Wait()
	return b
}

// to changes units, at the bubble's time.
func (b *boot) to(s supervisor.State, units ...string) {
	b.At(time.Now())
	for _, name := range units {
		b.Change(name, func(u *supervisor.Status) {
			u.State = s
			switch {
			case s == supervisor.Starting:
				u.Begun = time.Now()
			case s == supervisor.Ready && u.ReadyAt.IsZero():
				u.ReadyAt = time.Now()
			}
		})
	}
	synctest.Wait()
}

func (b *boot) recording() bool {
	synctest.Wait()
	select {
	case <-b.done:
		return false
	default:
		return true
	}
}

// kept is the one record in the store.
func (b *boot) kept(t *testing.T) bootreport.Record {
	t.Helper()
	files, err := b.recorder.Store.Files()
	if err != nil || len(files) != 1 {
		t.Fatalf("got the files %q: %v", files, err)
	}
	r, err := Read(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestABootIsRecordedUntilEveryUnitIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := record(t)
		b.to(supervisor.Starting, "pki", "etcd")
		time.Sleep(990 * time.Millisecond)
		b.to(supervisor.Ready, "pki", "etcd", "kube-apiserver", "api", "ready")
		if !b.recording() {
			t.Fatal("dockerd and docker are not recorded")
		}
		r := b.kept(t)
		if got := r.Times(); got.Ready != 1000*ms || !slices.Equal(got.Missing, []string{"dockerd", "docker"}) {
			t.Errorf("at ready, this is written: %+v", got)
		}
		time.Sleep(time.Second)
		b.to(supervisor.Ready, "dockerd", "docker")
		if b.recording() {
			t.Error("it goes on though every unit is ready")
		}
		r = b.kept(t)
		if u, _ := r.Unit("etcd"); u.Begun != 10*ms || u.Ready != 1000*ms || u.Kind != supervisor.KindService || !slices.Equal(u.Needs, []string{"pki"}) {
			t.Errorf("etcd: got %+v", u)
		}
		if u, _ := r.Unit("docker"); u.Ready != 2000*ms {
			t.Errorf("docker: got %+v", u)
		}
		if len(r.Events) != 9 || r.Events[0] != (bootreport.Event{At: 10 * ms, Unit: "pki", From: supervisor.Waiting, To: supervisor.Starting}) {
			t.Errorf("got the events %+v", r.Events)
		}
		if r.Forked != -50*ms || r.Until != 2000*ms || r.Versions["dnetinit"] != "v1" || r.CPUs < 1 {
			t.Errorf("got %+v", r)
		}
		// One at the beginning, at ready and at the end, and each 50 ms.
		if n := len(r.Samples); n < 40 || n > 43 || r.Samples[1].At-r.Samples[0].At != 50*ms {
			t.Errorf("got %d samples", n)
		}
		if !slices.Equal(b.asked[len(b.asked)-1], []string{"etcd"}) {
			t.Errorf("the CPU's use is asked of %q", b.asked[len(b.asked)-1])
		}
		before := len(b.asked)
		if got := b.recorder.Record(); got.Until != r.Until || len(b.asked) != before {
			t.Errorf("after the end, the record is another: %+v", got)
		}
	})
}

func TestAServiceThatIsPutOffIsRecordedAsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := record(t)
		b.Change("dockerd", func(u *supervisor.Status) { u.WaitsFor = []string{"ready"} })
		b.to(supervisor.Starting, "etcd")
		b.to(supervisor.Ready, "pki", "etcd", "kube-apiserver", "api", "ready", "dockerd", "docker")
		<-b.done
		if u, _ := b.kept(t).Unit("dockerd"); !slices.Equal(u.Needs, []string{"ready"}) {
			t.Errorf("it waited for %q", u.Needs)
		}
	})
}

func TestTheRecordEndsTenSecondsAfterTheBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := record(t)
		b.to(supervisor.Ready, "ready")
		time.Sleep(9 * time.Second)
		b.to(supervisor.Starting, "ready") // lost and found again: that is the same boot
		b.to(supervisor.Ready, "ready")
		if !b.recording() {
			t.Error("it ended early")
		}
		time.Sleep(time.Second)
		if b.recording() {
			t.Error("it goes on")
		}
		if got := b.kept(t).Until; got != 10_010*ms {
			t.Errorf("it is recorded until %s", got)
		}
	})
}

func TestABootThatIsStoppedIsKeptAsItStood(t *testing.T) {
	for name, stop := range map[string]func(*boot){
		"told to stop":     func(b *boot) { b.cancel() },
		"the engine ended": func(b *boot) { b.End() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := record(t)
				b.to(supervisor.Starting, "etcd")
				b.Change("etcd", func(u *supervisor.Status) { u.Reason = "exit status 1" })
				b.to(supervisor.Backoff, "etcd")
				time.Sleep(time.Second)
				stop(b)
				<-b.done
				r := b.kept(t)
				if got := r.Failures("etcd"); !slices.Equal(got, []string{"exit status 1"}) || r.Times().Ready != 0 || r.Until != 1010*ms {
					t.Errorf("got %q, %+v", got, r.Times())
				}
			})
		})
	}
}

func TestABootThatTakesAnHourDoesNotFillTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := record(t)
		time.Sleep(time.Hour)
		r := b.recorder.Record()
		if n := len(r.Samples); n > maxSamples || n < maxSamples/4 {
			t.Errorf("got %d samples", n)
		}
		if !slices.IsSortedFunc(r.Samples, func(a, b bootreport.Sample) int { return int(a.At - b.At) }) {
			t.Error("they are in disorder")
		}
		if last := r.Samples[len(r.Samples)-1].At; last < 3500_000*ms {
			t.Errorf("the last is of %s", last)
		}
		b.cancel()
		<-b.done
	})
}

func TestARecordThatCannotBeKeptIsNoReasonToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := record(t)
		b.recorder.Store.Dir = "/proc/no-such-place"
		b.to(supervisor.Ready, "ready")
		if !b.recording() {
			t.Error("it ended")
		}
		b.cancel()
		<-b.done
		if got := b.recorder.Record().Times().Ready; got != 10*ms {
			t.Errorf("got %s", got)
		}
	})
}

func TestTheStoreKeepsTheLastTen(t *testing.T) {
	s := Store{t.TempDir() + "/boots"}
	var last bootreport.Record
	for i := range 13 {
		last = bootreport.Record{Zero: enginetest.Start.Add(time.Duration(i) * time.Hour), Units: []bootreport.Unit{{Name: "pki"}}, Until: bootreport.Offset(i) * ms}
		for range 2 { // a record that is written again is the same boot
			if err := s.Keep(last); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := s.Files()
	if err != nil || len(files) != kept {
		t.Fatalf("got %q: %v", files, err)
	}
	before, err := s.Before(last)
	if err != nil || len(before) != kept-1 {
		t.Fatalf("got %q: %v", before, err)
	}
	if r, err := Read(before[0]); err != nil || r.Until != 11*ms {
		t.Errorf("the one before is %+v: %v", r, err)
	}
	if err := (Store{}).Keep(last); err != nil {
		t.Errorf("a store without a place: %v", err)
	}
	if _, err := Read(s.Dir + "/gone"); err == nil {
		t.Error("what is not there is read")
	}
	if _, err := Read("/dev/null"); err == nil || errors.Unwrap(err) == nil {
		t.Errorf("got %v", err)
	}
}
