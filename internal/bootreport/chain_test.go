package bootreport

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// chainOf writes a chain as "name waited+took", in milliseconds.
func chainOf(t *testing.T, r Record, name string) string {
	t.Helper()
	chain, err := r.Chain(name)
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for _, l := range chain {
		links = append(links, fmt.Sprintf("%s %d+%d", l.Name, l.Waited/ms, l.Took/ms))
	}
	return strings.Join(links, " → ")
}

func TestTheChainIsWhatDecidedTheTime(t *testing.T) {
	const phase, service = supervisor.KindPhase, supervisor.KindService
	for name, test := range map[string]struct {
		change func(r *Record)
		of     string
		want   string
	}{
		"the last need is followed back to the beginning": {of: "ready",
			want: "pki 20+50 → etcd 1+129 → kube-apiserver 200+500 → api 1+99 → ready 0+0"},
		"a unit that waited for something else than its needs": {of: "docker",
			want: "pki 20+50 → etcd 1+129 → kube-apiserver 200+500 → api 1+99 → ready 0+0 → dockerd 1+399 → docker 1+9"},
		"a deferred service that was wanted earlier did not wait for what it is put off to": {of: "dockerd",
			change: func(r *Record) { r.Units[4].Begun, r.Units[4].Ready = 500*ms, 800*ms },
			want:   "images 21+379 → dockerd 100+300"},
		"a unit without needs waited for the first instruction": {of: "images", want: "images 21+379"},
		"a need that nobody knows is passed over": {of: "x",
			change: func(r *Record) { r.Units = append(r.Units, unit(phase, "x", 5, 6, "gone")) }, want: "x 5+1"},
		"units that need each other do not keep it busy for ever": {of: "x",
			change: func(r *Record) { r.Units = append(r.Units, unit(phase, "x", 5, 5, "y"), unit(phase, "y", 5, 5, "x")) },
			want:   "y 0+0 → x 0+0"},
		"a boot that is not over leads to what holds it up": {of: "ready",
			change: func(r *Record) {
				for i := 3; i < len(r.Units); i++ {
					r.Units[i].Begun, r.Units[i].Ready = 0, 0
				}
				r.Units[3] = unit(service, "kube-apiserver", 400, 0, "pki", "etcd")
			},
			want: "pki 20+50 → etcd 1+129 → kube-apiserver 200+1100 → api 0+0 → ready 0+0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := small()
			if test.change != nil {
				test.change(&r)
			}
			if got := chainOf(t, r, test.of); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTheChainOfWhatThereIsNotIsAnError(t *testing.T) {
	if _, err := small().Chain("etc"); err == nil || !strings.Contains(err.Error(), "there are: pki, images, etcd") {
		t.Errorf("got %v", err)
	}
}

func TestTheLongestGapIsFound(t *testing.T) {
	gap := small().Gap()
	if gap.Name != "kube-apiserver" || gap.After != "etcd" || gap.Waited != 200*ms {
		t.Errorf("got %+v", gap)
	}
}

func TestTheUseOfTheCPUIsThatOfTheTime(t *testing.T) {
	chain, err := small().Chain(Goal)
	if err != nil {
		t.Fatal(err)
	}
	// From 400 to 900 ms, 0.12 s in each 100 ms but 0.1 s in the last.
	if got := chain[2].Cores; math.Abs(got-1.16) > .001 {
		t.Errorf("kube-apiserver: got %.3f CPUs", got)
	}
}

func TestIdleTimes(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(r *Record)
		atLeast Offset
		want    []Idle
	}{
		"a time in which nothing is computed": {atLeast: 100 * ms, want: []Idle{{200 * ms, 400 * ms, ""}}},
		"a shorter one is not told of":        {atLeast: 201 * ms},
		"the unit that was on the way is named": {atLeast: 100 * ms,
			change: func(r *Record) { r.Units[3].Begun = 201 * ms }, want: []Idle{{200 * ms, 400 * ms, "kube-apiserver"}}},
		"it ends with the boot": {atLeast: 100 * ms,
			change: func(r *Record) { r.Units[7].Ready = 350 * ms }, want: []Idle{{200 * ms, 350 * ms, ""}}},
		"when others have the CPUs it is not idle": {atLeast: 50 * ms,
			change: func(r *Record) {
				for i := range r.Samples {
					r.Samples[i].Machine += float64(i) * .15
				}
			}},
		"without samples nothing is known": {atLeast: 50 * ms, change: func(r *Record) { r.Samples = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			r := small()
			if test.change != nil {
				test.change(&r)
			}
			if got := r.IdleTimes(test.atLeast); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestBlameHasTheSlowestFirst(t *testing.T) {
	var lines []string
	for _, c := range small().Blame() {
		lines = append(lines, fmt.Sprintf("%s %d %.2f %d", c.Name, c.Took/ms, c.CPU, len(c.Failures)))
	}
	want := []string{
		"kube-apiserver 500 0.48 1", "dockerd 399 0.00 0", "images 379 0.00 0", "etcd 129 0.12 0",
		"api 99 0.00 0", "pki 50 0.00 0", "docker 9 0.00 0", "ready 0 0.00 0",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %s", strings.Join(lines, "\n"))
	}
	r := small()
	r.Units[1].Ready = 0
	if c := r.Blame()[0]; c.Name != "images" || c.Ready || c.Took != 1479*ms {
		t.Errorf("what is not ready takes until now: got %+v", c)
	}
}

func TestTimes(t *testing.T) {
	got := small().Times()
	if want := []Point{{"api", 1000 * ms}, {"ready", 1000 * ms}, {"docker", 1410 * ms}}; !slices.Equal(got.Milestones, want) {
		t.Errorf("got %v", got.Milestones)
	}
	if got.FirstUnit != 20*ms || got.Ready != 1000*ms || got.Missing != nil {
		t.Errorf("got %+v", got)
	}
	if math.Abs(got.CPUSeconds-1.401) > .001 || math.Abs(got.OthersCPU-.13) > .001 {
		t.Errorf("CPU: %.3f of its own, %.3f of others", got.CPUSeconds, got.OthersCPU)
	}
	r := small()
	r.Units[7].Ready = 0
	if got := r.Times(); got.Ready != 0 || !slices.Equal(got.Missing, []string{"ready"}) {
		t.Errorf("got %+v", got)
	}
}

func TestARecordSurvivesJSON(t *testing.T) {
	data, err := json.Marshal(small())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(), got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(data), `"begun":0.071,"ready":0.2`) {
		t.Errorf("offsets are not seconds: %s", data)
	}
}

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        "boot",
		"another JSON":   `{"units": []}`,
		"a broken time":  `{"zero": "2026-01-02T03:04:05Z", "units": [{"begun": "soon"}]}`,
		"nothing inside": `{"zero": "2026-01-02T03:04:05Z"}`,
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "cannot read") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCountersAreInterpolated(t *testing.T) {
	r := Record{Samples: []Sample{{At: 100 * ms, Init: 1}, {At: 300 * ms, Init: 2}}}
	for at, want := range map[time.Duration]float64{0: 1, 100: 1, 200: 1.5, 300: 2, 400: 2} {
		if got := r.count(ofInit, Offset(at)*ms); got != want {
			t.Errorf("at %d ms: got %v, want %v", at, got, want)
		}
	}
}
