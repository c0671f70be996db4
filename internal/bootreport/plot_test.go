package bootreport

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file below testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("it is not what %s has. Look at it, and run: go test ./internal/bootreport -update", path)
	}
}

func draw(t *testing.T, r Record) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Plot(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestThePictureIsThatOfTheGoldenFile(t *testing.T) {
	golden(t, "small.svg", []byte(draw(t, small())))
}
func TestTheTraceIsThatOfTheGoldenFile(t *testing.T) {
	data, err := json.MarshalIndent(small().Trace(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "small.trace.json", append(data, '\n'))
}

func TestThePictureIsWellFormedWhateverTheRecord(t *testing.T) {
	for name, change := range map[string]func(r *Record){
		"a usual one":           func(*Record) {},
		"no samples":            func(r *Record) { r.Samples = nil },
		"one sample":            func(r *Record) { r.Samples = r.Samples[:1] },
		"two at the same time":  func(r *Record) { r.Samples[1].At = 0 },
		"nothing has begun":     func(r *Record) { r.Units = nil; r.Until = 0 },
		"no CPUs":               func(r *Record) { r.CPUs = 0 },
		"never ready":           func(r *Record) { r.Units[7].Ready = 0; r.Units[3].Ready = 0 },
		"markup in a reason":    func(r *Record) { r.Events[1].Reason = `</svg><script>"&'` },
		"a boot of ten minutes": func(r *Record) { r.Units[7].Ready = 600_000 * ms; r.Until = 600_000 * ms },
		"a boot of no time":     func(r *Record) { r.Units = r.Units[:1]; r.Units[0].Ready, r.Until = 1, 2 },
		"sixty-four CPUs":       func(r *Record) { r.CPUs = 64 },
	} {
		t.Run(name, func(t *testing.T) {
			r := small()
			change(&r)
			svg := draw(t, r)
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%v in %s", err, svg)
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
					t.Error("a reason became markup")
				}
			}
			for _, wrong := range []string{"NaN", "Inf", "%!"} {
				if strings.Contains(svg, wrong) {
					t.Errorf("there is %q in it", wrong)
				}
			}
		})
	}
}

func TestThePictureShowsEveryUnitInLightAndDark(t *testing.T) {
	svg := draw(t, small())
	for _, u := range small().Units {
		if !strings.Contains(svg, ">"+u.Name+"</text>") {
			t.Errorf("%s has no row", u.Name)
		}
	}
	for _, want := range []string{
		"@media (prefers-color-scheme: dark)", "Kubernetes v1.37.2 ready after 1.000 s",
		"failed: exit &lt;status&gt; 1", "etcd 0.25 s", `class="name chain"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("there is no %q", want)
		}
	}
}

func TestEveryClassThatIsUsedHasAColourInBothSchemes(t *testing.T) {
	light, dark, _ := strings.Cut(style, "@media")
	for _, l := range small().layers() {
		for scheme, sheet := range map[string]string{"light": light, "dark": dark} {
			if !strings.Contains(sheet, "."+l.class+" {") {
				t.Errorf("%s has no colour for .%s, which is %s", scheme, l.class, l.name)
			}
		}
	}
	if !strings.Contains(dark, serviceClass(serviceColours-1)+" {") {
		t.Errorf("there are fewer colours than %d", serviceColours)
	}
}

func TestTheTraceHasALaneOfEachUnitAndArrowsAlongTheChain(t *testing.T) {
	r := small()
	lanes, starts, ends, counters := map[string]TraceEvent{}, 0, 0, 0
	for _, e := range r.Trace().Events {
		switch e.Phase {
		case "X":
			if e.Name != "ready" || e.Category == "milestone" {
				lanes[e.Name] = e
			}
		case "s":
			starts++
		case "f":
			ends++
		case "C":
			counters++
		}
		if e.Time < 0 || e.Duration < 0 {
			t.Errorf("a time below zero: %+v", e)
		}
	}
	for _, u := range r.Units {
		if e := lanes[u.Name]; e.Time != micros(u.Begun) || e.Duration != micros(u.Ready-u.Begun) {
			t.Errorf("%s: got %+v", u.Name, e)
		}
	}
	if starts != 4 || ends != 4 || counters != len(r.Samples)-1 {
		t.Errorf("got %d starts and %d ends of arrows, %d counters", starts, ends, counters)
	}
}

func TestShortDurations(t *testing.T) {
	for want, o := range map[string]Offset{
		"13 µs": 13_000, "2.9 ms": 2_900_000, "27 ms": 27 * ms, "590 ms": 590 * ms, "1.32 s": 1322 * ms,
	} {
		if got := short(o); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheTimeAxisHasRoundTicks(t *testing.T) {
	for whole, want := range map[Offset]Offset{
		10 * ms: ms, 1000 * ms: 100 * ms, 6000 * ms: 500 * ms, 12_000 * ms: 1000 * ms, 600_000 * ms: 50_000 * ms,
	} {
		if got := tickStep(whole); got != want {
			t.Errorf("%s: got %s, want %s", whole, got, want)
		}
	}
}
